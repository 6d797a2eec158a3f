"""The output formats, one in a file: each has a grammar of its legal answers for a source, and a
reader of the answers that a model writes without constraints."""
