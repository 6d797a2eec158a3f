"""A pipeline as a step of a program with Ray Data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language

from ..annotating.annotate import Row, annotate
from ..annotating.inputs import Input
from ..annotating.outputs import plain
from ..annotating.parquet_files import import_pyarrow, spans_type
from ..annotating.tables import check_columns
from ..evaluation.spans import read_own_spans


class Annotator:
    """A pipeline for `Dataset.map_batches`, which loads it once in each actor.

    A batch keeps its columns, and gets two more: `spans`, as `genner annotate` writes them, and
    `error`, why a row could not be annotated, which is null if it could.

    Args:
        pipeline: The folder or the name of the pipeline, which all machines must have, or a
            function that returns it.
        text_field: The column that has the text.
        spans_key: The key of the spans in `doc.spans`; `doc.ents` where a document lacks it.
        batch_size: The number of documents in a batch of the pipeline; None for its own.
    """

    def __init__(
        self,
        pipeline: str | Path | Callable[[], Language],
        text_field: str = "text",
        spans_key: str = "sc",
        batch_size: int | None = None,
    ) -> None:
        self._nlp = pipeline() if callable(pipeline) else spacy.load(pipeline)
        self._text_field = text_field
        self._spans_key = spans_key
        self._batch_size = batch_size

    def __call__(self, batch: Any) -> Any:
        """Return a batch with `spans` and `error`, as a table of pyarrow.

        Args:
            batch: A table of pyarrow, or the values of each column by its name.

        Raises:
            ValueError: If there is no column with the text.
        """
        arrow, _ = import_pyarrow()
        if isinstance(batch, Mapping):
            batch = arrow.table({name: arrow.array(list(batch[name])) for name in batch})
        check_columns(batch.column_names, self._text_field, "the batch")
        added = [name for name in ("spans", "error") if name in batch.column_names]
        batch = batch.drop_columns(added)
        spans: list[Any] = [None] * batch.num_rows
        errors: list[str | None] = [None] * batch.num_rows
        inputs = [
            Input.of(i, f"row {i}", row, self._text_field)
            for i, row in enumerate(batch.to_pylist())
        ]
        with self._nlp.memory_zone():
            for result in annotate(self._nlp, inputs, self._batch_size):
                if isinstance(result, Row):
                    found = read_own_spans(result.doc, self._spans_key)
                    spans[result.input.position] = plain(result, found)["spans"]
                else:
                    errors[result.input.position] = result.reason
        batch = batch.append_column("spans", arrow.array(spans, spans_type()))
        return batch.append_column("error", arrow.array(errors, arrow.string()))
