"""Reading what a model wrote freely: aligning it with the source and finding its entities there."""
