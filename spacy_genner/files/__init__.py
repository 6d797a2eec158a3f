"""Writing files and folders completely or not at all, and reading text files and what was saved."""
