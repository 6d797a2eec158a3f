"""Annotating any number of texts: read as a stream, and written in parts that survive a kill."""
