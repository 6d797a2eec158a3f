"""A loaded language model that decoders read on with: its tokenizer, attention, cache and output
matrix."""
