"""The documents of inputs, annotated, and what failed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

from spacy.language import Language
from spacy.tokens import Doc

from .inputs import Input


class Row(NamedTuple):
    """An input, and its document with the entities that were found."""

    input: Input
    doc: Doc


class Failure(NamedTuple):
    """An input that could not be annotated, and the reason."""

    input: Input
    reason: str

    def record(self) -> dict[str, Any]:
        """Return the failure as an object for a file."""
        return {
            "position": self.input.position,
            "place": self.input.place,
            "id": self.input.id,
            "reason": self.reason,
            "record": self.input.fields,
        }


def annotate(
    nlp: Language, inputs: Iterable[Input], batch_size: int | None = None
) -> Iterator[Row | Failure]:
    """Annotate inputs. Each gives a row, in the order of the inputs, or a failure, which comes as
    soon as it is known. If a component loses a whole batch because of one document, as those of
    spaCy do, its documents are tried again one by one, after all others.

    Args:
        nlp: The pipeline. Until the end, its error handler is one that collects failures.
        inputs: The inputs.
        batch_size: The number of documents in a batch; None for the pipeline's own.

    Raises:
        ValueError: If a component returns other documents than it gets.
        Exception: Whatever else goes wrong in the pipeline, apart from documents that fail.
    """
    failures, again = deque[Failure](), list[Input]()

    def handle(name: str, _: object, docs: list[Doc], error: Exception) -> None:
        if len(docs) > 1:
            again.extend(doc._context for doc in docs)
        else:
            failures.extend(Failure(doc._context, f"{name}: {_words(error)}") for doc in docs)

    def docs(inputs: Iterable[Input]) -> Iterator[tuple[Doc, Input]]:
        for input in inputs:
            if input.fault:
                failures.append(Failure(input, input.fault))
                continue
            try:
                doc = nlp.make_doc(input.text)
            except Exception as error:  # a tokenizer may be any function
                failures.append(Failure(input, f"tokenizer: {_words(error)}"))
            else:
                yield doc, input

    with _error_handler(nlp, handle):
        for stream, size in ((inputs, batch_size), (again, 1)):
            for doc, input in nlp.pipe(docs(stream), as_tuples=True, batch_size=size):
                while failures:
                    yield failures.popleft()
                if not input:
                    raise ValueError(
                        "a component returns other documents than it gets, so that their inputs "
                        "are not known: change the documents that it gets"
                    )
                yield Row(input, doc)
    yield from failures


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


@contextmanager
def _error_handler(nlp: Language, handler: Callable[..., None]) -> Iterator[None]:
    """Give a pipeline an error handler for the length of a block."""
    before: Any = nlp.default_error_handler
    pipes: list[Any] = [pipe for _, pipe in nlp.pipeline if hasattr(pipe, "get_error_handler")]
    own = [pipe.get_error_handler() for pipe in pipes]
    nlp.set_error_handler(cast(Any, handler))
    try:
        yield
    finally:
        nlp.default_error_handler = before
        for pipe, former in zip(pipes, own, strict=True):
            pipe.set_error_handler(former)
