"""Any spaCy pipeline on many machines, by Ray Data (the extra `ray`)."""

from .annotator import Annotator
from .parquet import Shared, annotate_parquet

__all__ = ["Annotator", "Shared", "annotate_parquet"]
