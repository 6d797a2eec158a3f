"""Base weights and adapters on disk: where they come from, how they are checked, read and saved."""
