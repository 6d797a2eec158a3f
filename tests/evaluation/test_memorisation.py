"""A pipeline of phrases, which knows its names by heart, and language models that were trained with
the names of their labels or with letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import fix_random_seed

from spacy_genner.evaluation.memorisation import (
    AS_IT_IS,
    NEW_NAMES,
    TRAINING_NAMES,
    Subject,
    differences,
    letters,
    make_swappers,
    probe_memorisation,
    renamed,
)
from spacy_genner.pipeline.extension import set_doc_labels
from tests.pipeline.scripted import add_scripted

TRAINING = {"Leeds": "GPE", "York": "GPE", "Acme": "ORG", "Initech": "ORG"}
NEW = {"Hull": "GPE", "Globex": "ORG"}
SEEN = {(name.lower(), label) for name, label in TRAINING.items()}
LABELS = ["GPE", "ORG"]


def golds(nlp: Language, names: dict[str, str]) -> list[Doc]:
    """A document for each name."""
    docs = [nlp.make_doc(f"We saw {name} today.") for name in names]
    for doc, label in zip(docs, names.values(), strict=True):
        doc.spans["sc"] = [Span(doc, 2, 3, label)]
    return docs


@pytest.fixture
def by_heart() -> Language:
    """Finds the names of the training data wherever they are, and no others."""
    nlp = spacy.blank("en")
    script = [[name, label, 0.9] for name, label in TRAINING.items()]
    pipe = add_scripted(nlp, script=script, labels=LABELS)
    pipe.model.attrs["label_words"] = {}
    return nlp


def pipe_of(nlp: Language) -> Any:
    return nlp.get_pipe("generative_ner")


def probe(nlp: Language, tested: list[Doc], **definitions: str) -> dict[str, Any]:
    pipe = pipe_of(nlp)
    subject = Subject(nlp, pipe.model, pipe.label_data, "sc", SEEN)
    swappers = make_swappers(golds(nlp, TRAINING), golds(nlp, NEW), SEEN, "sc", 0)
    return probe_memorisation(subject, tested, swappers, definitions)


def scores(runs: dict[str, Any]) -> dict[str, float]:
    return {run: found.scores.total.f for run, found in runs.items()}


def test_names_known_by_heart_are_found_and_new_ones_are_not(by_heart: Language) -> None:
    runs = probe(by_heart, golds(by_heart, {"Leeds": "GPE", "Acme": "ORG", "Hull": "GPE"}))
    found = scores(runs)
    assert found[AS_IT_IS] == pytest.approx(0.8)
    assert (found[TRAINING_NAMES], found[NEW_NAMES]) == (1, 0)
    names = runs[AS_IT_IS].scores.names
    assert (names["seen"].r, names["unseen"].r) == (1, 0)
    assert runs[NEW_NAMES].scores.names["seen"].gold == 0
    assert [document.text for document in runs[NEW_NAMES].documents] == [
        "We saw Hull today.",
        "We saw Globex today.",
        "We saw Hull today.",  # there is no other new name
    ]


def test_runs_are_compared_with_the_pipeline_as_it_is_and_with_their_controls(
    by_heart: Language,
) -> None:
    runs = probe(by_heart, golds(by_heart, TRAINING), GPE="a place")
    found = differences(runs)
    assert {run: list(others) for run, others in found.items()} == {
        AS_IT_IS: [],
        TRAINING_NAMES: [AS_IT_IS],
        NEW_NAMES: [AS_IT_IS, TRAINING_NAMES],
        "labels with definitions": [AS_IT_IS],
        "labels A, B, … with definitions": [AS_IT_IS, "labels with definitions"],
        "labels A, B, … without definitions": [AS_IT_IS],
    }
    assert found[NEW_NAMES][TRAINING_NAMES].f == -1
    assert found[NEW_NAMES][TRAINING_NAMES].ci == (-1, -1)
    assert found[TRAINING_NAMES][AS_IT_IS].f == 0


def asked(nlp: Language) -> list[dict[str, str]]:
    """The label sets that the model was asked for, run by run."""
    batches = pipe_of(nlp).model.attrs["batches"]
    return [labels for batch in batches for _, labels in batch]


def test_labels_are_asked_for_with_and_without_definitions(by_heart: Language) -> None:
    [gold] = golds(by_heart, {"Leeds": "GPE"})
    probe(by_heart, [gold], GPE="a place", FOX="an animal")
    bare, described = {"GPE": "", "ORG": ""}, {"GPE": "a place", "ORG": ""}
    assert asked(by_heart) == [*[bare] * 3, described, described, bare]


def test_a_pipeline_with_definitions_is_asked_without_them_too(by_heart: Language) -> None:
    pipe_of(by_heart).set_labels({"GPE": "its own", "ORG": ""})
    [gold] = golds(by_heart, {"Leeds": "GPE"})
    runs = probe(by_heart, [gold], GPE="not this one")
    assert list(runs)[3:] == [
        "labels A, B, … with definitions",
        "labels without definitions",
        "labels A, B, … without definitions",
    ]
    own, bare = {"GPE": "its own", "ORG": ""}, {"GPE": "", "ORG": ""}
    assert asked(by_heart) == [*[own] * 4, bare, bare]


def test_without_any_definition_the_labels_are_only_renamed(by_heart: Language) -> None:
    runs = probe(by_heart, golds(by_heart, TRAINING))
    assert list(runs)[3:] == ["labels A, B, … without definitions"]


def test_documents_may_have_label_sets_of_their_own(by_heart: Language) -> None:
    [gold] = golds(by_heart, {"Leeds": "GPE"})
    set_doc_labels(gold, {"GPE": "a town"})
    runs = probe(by_heart, [gold])
    assert list(runs)[3:] == [
        "labels A, B, … with definitions",
        "labels without definitions",
        "labels A, B, … without definitions",
    ]
    assert asked(by_heart) == [*[{"GPE": "a town"}] * 4, *[{"GPE": ""}] * 2]


def test_nothing_to_swap_is_an_error_before_anything_is_scored(by_heart: Language) -> None:
    tested = golds(by_heart, {"Leeds": "FOX"})
    with pytest.raises(ValueError, match=r"no names of the training data .* the 1 names .*\(FOX\)"):
        probe(by_heart, tested)
    assert not pipe_of(by_heart).model.attrs["batches"]


def test_a_pipeline_without_labels_is_an_error(by_heart: Language) -> None:
    pipe_of(by_heart).set_labels(None)
    with pytest.raises(ValueError, match=r"\[generative_ner\] has no labels"):
        probe(by_heart, golds(by_heart, TRAINING))


@pytest.mark.parametrize(
    ("count", "first", "last"),
    [(1, "A", "A"), (26, "A", "Z"), (27, "AA", "BA"), (703, "AAA", "BBA")],
)
def test_letters(count: int, first: str, last: str) -> None:
    labels = [f"LABEL{number}" for number in range(count)]
    words = letters([*labels, labels[0]])
    assert list(words.values()) == labels
    assert (next(iter(words)), list(words)[-1]) == (first, last)


def train(nlp: Language, steps: int = 60) -> None:
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in golds(nlp, TRAINING)]
    fix_random_seed(0)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    for _ in range(steps):
        nlp.update(examples, sgd=optimizer)


@pytest.fixture
def trained(tiny: Callable[..., str]) -> Callable[..., Language]:
    """`trained(label_words)`: a language model that has learnt the training data by heart."""

    def make(label_words: dict[str, str] | None) -> Language:
        nlp = spacy.blank("en")
        lm = {"name": tiny(), "dtype": "float32", "device": "cpu"}
        config = {"labels": LABELS, "model": {"lm": lm, "label_words": label_words}}
        nlp.add_pipe("generative_ner", config=config)
        train(nlp)
        return nlp

    return make


RENAMED = "labels A, B, … without definitions"


def found(nlp: Language, texts: Iterable[Doc]) -> list[list[tuple[str, str]]]:
    docs = nlp.pipe([doc.text for doc in texts])
    return [[(span.text, span.label_) for span in doc.spans["sc"]] for doc in docs]


def test_a_model_that_knows_its_labels_by_heart_loses_them(
    trained: Callable[..., Language],
) -> None:
    nlp = trained(None)
    tested = golds(nlp, TRAINING)
    before = found(nlp, tested)
    runs = probe(nlp, tested)
    assert scores(runs)[AS_IT_IS] == 1 > scores(runs)[RENAMED]
    assert found(nlp, tested) == before, "it has its own words again"


def test_a_model_that_was_trained_with_letters_is_as_good_with_them(
    trained: Callable[..., Language],
) -> None:
    nlp = trained(letters(LABELS))
    runs = probe(nlp, golds(nlp, TRAINING))
    assert scores(runs)[AS_IT_IS] == scores(runs)[RENAMED] == 1


def test_after_an_error_a_model_has_its_own_words(trained: Callable[..., Language]) -> None:
    nlp = trained({"town": "GPE"})
    model = pipe_of(nlp).model
    attrs = model.attrs
    with pytest.raises(RuntimeError), renamed(model, {"A": "GPE"}):
        assert attrs["label_words"] == {"A": "GPE"}
        raise RuntimeError
    assert attrs["label_words"] == {"town": "GPE"}
