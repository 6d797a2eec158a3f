"""Any spaCy pipeline: an encoder's token classifier, the CNN `ner`."""

from collections.abc import Sequence

import spacy
from spacy.tokens import Doc

from spacy_genner.pipeline.docs import gold_spans

from .base import Output, Sentence


class SpacyPipeline:
    """`nlp.pipe`.

    Raises:
        OSError or ValueError: If it cannot be loaded.
        ImportError: If it needs a package.
    """

    def __init__(self, path: str, spans_key: str) -> None:
        self._nlp, self._spans_key = spacy.load(path), spans_key

    def __call__(self, tasks: Sequence[Sentence]) -> Output:
        """Annotate a batch."""
        docs = self._nlp.pipe(
            [self._copy(task.example.predicted) for task in tasks], batch_size=len(tasks)
        )
        spans = [gold_spans(doc, self._spans_key) or [] for doc in docs]
        return Output(
            [
                [task.read.entity(span) for span in group]
                for task, group in zip(tasks, spans, strict=True)
            ]
        )

    def _copy(self, doc: Doc) -> Doc:
        return Doc(
            self._nlp.vocab,
            [token.text for token in doc],
            [bool(token.whitespace_) for token in doc],
        )
