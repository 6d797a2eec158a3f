"""Corpora: readers for training, converters of other formats to Docs, and checks."""
