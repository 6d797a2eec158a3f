"""Constrained decoding: moves become token tries, and a step model chooses among their branches."""
