"""Engines of other projects: they run a language model, and answer the questions of decoders."""
