"""Label sets, the variants of them to train on, and the definitions of common schemes."""
