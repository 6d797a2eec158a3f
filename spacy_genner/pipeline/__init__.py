"""The spaCy component: its settings, how it learns and predicts, and how it converts documents."""
