"""Every input gives a document or a failure, whatever fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch, raise_error

from spacy_genner.annotating.annotate import Failure, Row, annotate
from spacy_genner.annotating.inputs import Input
from tests.annotating.pipelines import rules
from tests.pipeline.scripted import add_scripted


def inputs(*texts: str) -> list[Input]:
    return [Input(i, f"in:{i}", {"text": text, "id": i}, "text", i) for i, text in enumerate(texts)]


def split(results: Iterable[Row | Failure]) -> tuple[list[str], dict[int, str]]:
    rows, failures = list[str](), dict[int, str]()
    for result in results:
        if isinstance(result, Row):
            assert result.doc.text == result.input.text
            rows.append(result.doc.text)
        else:
            failures[result.input.position] = result.reason
    return rows, failures


@pytest.mark.parametrize("batch_size", [None, 1, 2])
def test_a_document_that_fails_does_not_end_the_others(batch_size: int | None) -> None:
    rows, failures = split(annotate(rules(), inputs("a", "FAIL 1", "b", "FAIL 2"), batch_size))
    assert rows == ["a", "b"]
    assert failures == dict.fromkeys((1, 3), "genner_test_faults: a word that cannot be read")


def test_a_batch_of_the_component_loses_only_what_fails() -> None:
    nlp = rules()
    add_scripted(nlp)
    nlp.remove_pipe("genner_test_faults")
    rows, failures = split(annotate(nlp, inputs("a", "FAIL", "Leeds"), batch_size=10))
    assert rows == ["a", "Leeds"]
    assert failures == {1: "generative_ner: a word that cannot be read"}


class LosesBatches:
    """A component that loses its whole batch at the word FAIL, as spaCy's own do."""

    def __init__(self) -> None:
        self._handler: Any = raise_error

    def __call__(self, doc: Doc) -> Doc:
        return doc

    def get_error_handler(self) -> Any:
        return self._handler

    def set_error_handler(self, handler: Any) -> None:
        self._handler = handler

    def pipe(self, stream: Iterable[Doc], batch_size: int) -> Iterator[Doc]:
        for docs in minibatch(stream, batch_size):
            if any("FAIL" in doc.text for doc in docs):
                self._handler("loses", self, docs, RuntimeError("no"))
            else:
                yield from docs


@Language.factory("genner_test_loses_batches")
def make_loses_batches(nlp: Language, name: str) -> LosesBatches:
    return LosesBatches()


def test_a_batch_that_another_component_loses_is_tried_one_by_one() -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("genner_test_loses_batches")
    rows, failures = split(annotate(nlp, inputs("a", "FAIL", "b", "c", "FAIL"), batch_size=2))
    assert rows == ["b", "c", "a"]
    assert failures == {1: "loses: no", 4: "loses: no"}


def test_a_text_that_is_too_long_for_the_tokenizer_fails_alone() -> None:
    nlp = rules()
    nlp.max_length = 10
    rows, failures = split(annotate(nlp, inputs("a", "b" * 11, "c")))
    assert rows == ["a", "c"]
    assert "tokenizer: " in failures[1] and "maximum of 10" in failures[1]


def test_a_fault_of_the_input_is_a_failure() -> None:
    fault = Input(0, "in:1", {"line": "{"}, "text", None, "it is not JSON")
    (failure,) = annotate(rules(), [fault])
    assert isinstance(failure, Failure)
    assert failure.record() == {
        "position": 0,
        "place": "in:1",
        "id": None,
        "reason": "it is not JSON",
        "record": {"line": "{"},
    }


def test_the_error_handlers_of_the_pipeline_come_back() -> None:
    nlp = rules()
    component = add_scripted(nlp)
    calls: list[Any] = []

    def handler(*arguments: Any) -> None:
        calls.append(arguments)

    nlp.set_error_handler(handler)  # type: ignore[arg-type]
    split(annotate(nlp, inputs("FAIL")))
    assert nlp.default_error_handler is handler and component.get_error_handler() is handler
    assert not calls


def test_documents_come_as_a_stream() -> None:
    read = list[int]()

    def endless() -> Iterable[Input]:
        for each in inputs(*["Leith"] * 1000):
            read.append(each.position)
            yield each

    stream = annotate(rules(), endless(), batch_size=5)
    for _ in range(3):
        next(stream)
    assert len(read) <= 10


@Language.component("genner_test_copies")
def copies(doc: Doc) -> Doc:
    return doc.copy()


def test_a_component_that_replaces_documents_is_an_error() -> None:
    """spaCy then loses what the document was made from."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("genner_test_copies")
    with pytest.raises(ValueError, match="returns other documents than it gets"):
        split(annotate(nlp, inputs("a")))
