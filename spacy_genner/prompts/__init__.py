"""What the model reads around a text: the instruction, the labels, and few-shot examples."""
