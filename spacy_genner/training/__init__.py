"""Training that can be killed and resumed, its log, and its checkpoints."""
