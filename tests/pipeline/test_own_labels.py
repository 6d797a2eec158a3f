"""Documents with label sets of their own."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.util import fix_random_seed
from spacy.vocab import Vocab

from spacy_genner.pipeline.docs import labels_of, own_labels
from spacy_genner.types import Entity
from tests.pipeline.scripted import add_scripted, marked

TEXTS = ["The University of Edinburgh is old", "Acme bought it", "Leeds and Essex"]
OWN: list[Any] = [None, {"ANIMAL": "a beast", "ORG": ""}, ["SHIP"], ["ORG", "GPE"]]


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("xx")


def labelled(nlp: Language, text: str, labels: Any = None) -> Doc:
    doc = nlp.make_doc(text)
    doc._.genner_labels = labels
    return doc


def example(
    nlp: Language, text: str, spans: list[tuple[int, int, str]], labels: Any = None
) -> Example:
    reference = nlp.make_doc(text)
    reference.spans["sc"] = [Span(reference, *span) for span in spans]
    return Example(labelled(nlp, text, labels), reference)


def test_each_document_is_asked_for_its_own_labels(
    nlp: Language, add_tiny: Callable[..., Any]
) -> None:
    component = add_tiny(nlp)
    component.model.initialize()
    docs = [labelled(nlp, text, labels) for text in TEXTS for labels in OWN]
    mixed = [marked(doc) for doc in nlp.pipe(docs)]
    alone = []
    for text in TEXTS:
        for labels in OWN:
            component.set_labels(["ORG", "GPE"] if labels is None else labels)
            alone.append(marked(nlp(text)))
    assert [[span[:3] for span in found] for found in mixed] == [
        [span[:3] for span in found] for found in alone
    ]
    for found, expected in zip(mixed, alone, strict=True):
        assert [span[3] for span in found] == pytest.approx(
            [span[3] for span in expected], rel=1e-3
        )
    assert {span[2] for found in mixed[2::4] for span in found} == {"SHIP"}


def test_they_can_come_with_a_context(nlp: Language) -> None:
    component = add_scripted(nlp)
    stream = [
        (labelled(nlp, text, labels), n)
        for n, (text, labels) in enumerate(zip(TEXTS, OWN[1:], strict=True))
    ]
    assert [n for _, n in nlp.pipe(stream, as_tuples=True)] == [0, 1, 2]
    assert [asked[1] for batch in component.model.attrs["batches"] for asked in batch] == [
        {"ANIMAL": "a beast", "ORG": ""},
        {"SHIP": ""},
        {"ORG": "", "GPE": ""},
    ]


def test_windows_of_a_document_have_its_labels(nlp: Language) -> None:
    component = add_scripted(nlp, window=2)
    nlp(labelled(nlp, "a b c", ["SHIP"]))
    assert [(asked[0].words, asked[1]) for asked in component.model.attrs["batches"][0]] == [
        (("a", "b"), {"SHIP": ""}),
        (("c",), {"SHIP": ""}),
    ]


def test_the_component_needs_no_labels_then(nlp: Language) -> None:
    add_scripted(nlp, labels=None)
    assert nlp(labelled(nlp, "Leeds", ["GPE"])).spans["sc"]
    with pytest.raises(ValueError, match="has no labels"):
        nlp("Leeds")


def test_they_are_saved_with_the_document(nlp: Language) -> None:
    docs = [labelled(nlp, TEXTS[0], labels) for labels in OWN]
    saved = DocBin(docs=docs, store_user_data=True).to_bytes()
    loaded = [
        *DocBin().from_bytes(saved).get_docs(Vocab()),
        *(Doc(Vocab()).from_bytes(doc.to_bytes()) for doc in docs),
    ]
    assert [own_labels(doc) for doc in loaded] == [own_labels(doc) for doc in docs] * 2
    assert own_labels(docs[1]) == OWN[1]


BAD: list[tuple[Any, type[Exception], str]] = [
    ([], ValueError, "is empty: give it at least one label"),
    ({}, ValueError, "is empty: give it at least one label"),
    ([" "], ValueError, "label ' ' is empty"),
    ("ORG", TypeError, "is one string"),
    (5, TypeError, "not iterable"),
    ([1], TypeError, "must be strings"),
    ({"ORG": None}, TypeError, "must be strings"),
]


@pytest.mark.parametrize(("labels", "kind", "message"), BAD, ids=str)
def test_what_is_no_label_set_is_refused(
    nlp: Language, labels: Any, kind: type[Exception], message: str
) -> None:
    component = add_scripted(nlp)
    with pytest.raises(
        kind, match=rf"doc\._\.genner_labels of the document 'Leeds and Essex'.*{message}"
    ):
        nlp(labelled(nlp, TEXTS[2], labels))
    with pytest.raises(kind, match=message):
        component.update([example(nlp, "Leeds", [(0, 1, "GPE")], labels)])


@pytest.mark.parametrize("labels", [[], ["🏢"]], ids=["empty", "cannot be written"])
def test_only_the_document_at_fault_is_lost(
    nlp: Language, add_tiny: Callable[..., Any], tiny: Callable[..., str], labels: Any
) -> None:
    add_tiny(nlp, lm={"name": tiny("llama", "spm")}).model.initialize()
    failed = list[str]()
    nlp.set_error_handler(lambda name, pipe, docs, error: failed.extend(doc.text for doc in docs))
    docs = [
        labelled(nlp, TEXTS[0]),
        labelled(nlp, TEXTS[1], labels),
        labelled(nlp, TEXTS[2], ["ORG"]),
    ]
    assert [doc.text for doc in nlp.pipe(docs)] == [TEXTS[0], TEXTS[2]]
    assert failed == [TEXTS[1]]


def test_examples_are_learnt_with_the_labels_of_their_text_or_else_of_their_reference(
    nlp: Language,
) -> None:
    component = add_scripted(nlp, labels=["ORG"])
    spans = [(0, 1, "ORG"), (1, 2, "SHIP")]
    text, reference, neither = (
        example(nlp, "a b", spans, labels) for labels in (["SHIP"], None, None)
    )
    reference.reference._.genner_labels = {"SHIP": "it swims", "ORG": ""}
    text.reference._.genner_labels = ["ORG"]
    with pytest.warns(
        UserWarning, match=r"as they are: 2 with an unknown label; spacy_genner\.SetLabels\.v1"
    ):
        component.update([text, reference, neither])
    assert [tuple(gold)[1:] for gold in component.model.attrs["batches"][0]] == [
        ([Entity(1, 2, "SHIP")], {"SHIP": ""}),
        ([Entity(0, 1, "ORG"), Entity(1, 2, "SHIP")], {"SHIP": "it swims", "ORG": ""}),
        ([Entity(0, 1, "ORG")], {"ORG": ""}),
    ]


def test_the_labels_of_a_component_are_those_of_all_examples(nlp: Language) -> None:
    component = add_scripted(nlp, labels=None)
    given = [
        example(nlp, "a b", [(0, 1, "SHIP"), (1, 2, "LOST")], ["SHIP", "DRUG"]),
        example(nlp, "a b", [(0, 1, "GPE")]),
        example(nlp, "a b", [], {"DRUG": "a medicine", "SHIP": ""}),
        example(nlp, "a b", [], {"DRUG": "something else"}),
    ]
    with pytest.warns(UserWarning, match="cannot be learnt as they are: 1 with an unknown label$"):
        component.initialize(lambda: given)
    assert list(component.label_data.items()) == [("DRUG", "a medicine"), ("GPE", ""), ("SHIP", "")]
    assert labels_of(given, "other") == {"DRUG": "a medicine", "SHIP": ""}


def test_rehearsal_asks_for_them(nlp: Language, add_tiny: Callable[..., Any]) -> None:
    component = add_tiny(nlp)
    nlp.initialize(lambda: [example(nlp, "Acme", [(0, 1, "ORG")])])
    nlp.resume_training()
    asked = list[Any]()

    def knows(parts: list[Any]) -> list[list[Entity]]:
        asked.extend(parts)
        return [[Entity(0, 1, "SHIP")] for _ in parts]

    component._rehearsal_model = SimpleNamespace(predict=knows, attrs={"labels": {"ORG": ""}})
    assert nlp.rehearse([example(nlp, "Leeds", [], ["SHIP"])])["generative_ner"] > 0
    assert [labels for _, labels in asked] == [{"SHIP": ""}]


def test_the_label_set_decides_what_a_word_is(add_tiny: Callable[..., Any]) -> None:
    """Two corpora, in which the same words are annotated otherwise. No text says of which corpus it
    is."""
    fix_random_seed(0)
    nlp = spacy.blank("xx")
    component = add_tiny(nlp, labels=None, lm={"tuning": {"@misc": "spacy_genner.FullTuning.v1"}})
    firms, places = {"ORG": "a company"}, {"GPE": "a place"}
    data = [
        example(nlp, "Acme left Leeds", [(0, 1, "ORG")], firms),
        example(nlp, "Acme left Leeds", [(2, 3, "GPE")], places),
        example(nlp, "nothing here", [], firms),
        example(nlp, "nothing here", [], places),
    ]
    optimizer = nlp.initialize(lambda: data)
    optimizer.learn_rate = 0.01
    for _ in range(40):
        component.update(data, sgd=optimizer)
    asked = [labelled(nlp, "Acme left Leeds", labels) for labels in (firms, places)]
    assert [[span[:3] for span in marked(doc)] for doc in nlp.pipe(asked)] == [
        [(0, 1, "ORG")],
        [(2, 3, "GPE")],
    ]
    component.set_labels(places)
    assert [span[:3] for span in marked(nlp("Acme left Leeds"))] == [(2, 3, "GPE")]
