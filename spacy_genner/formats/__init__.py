"""Output formats: one file each behind one Protocol."""
