"""What spaCy's own tests promise of its trainable components for entities and spans, kept by this
one."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.scorer import Scorer
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.util import fix_random_seed

from tests.pipeline.scripted import TEXT, add_scripted, marked, named

NAME = "generative_ner"
TRAIN: list[tuple[str, list[tuple[int, int, str]]]] = [
    ("Who is Shaka Khan?", [(7, 17, "PERSON")]),
    ("I like London and Berlin.", [(7, 13, "LOC"), (18, 24, "LOC"), (7, 24, "DOUBLE_LOC")]),
    ("", []),
]
ALIKE = [
    "I like London and Berlin.",
    "",
    "Who is Shaka Khan?",
    " \n ",
    "London",
    "I like London and Berlin.",
]


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("xx")


def example(nlp: Language, text: str, spans: list[tuple[int, int, str]]) -> Example:
    reference = nlp.make_doc(text)
    reference.spans["sc"] = [reference.char_span(*span) for span in spans]
    return Example(nlp.make_doc(text), reference)


def examples(nlp: Language) -> list[Example]:
    return [example(nlp, *pair) for pair in TRAIN]


@pytest.fixture(scope="module")
def overfitted(tiny: Callable[..., str]) -> Language:
    """A pipeline that knows its training data by heart, overlapping spans and all."""
    fix_random_seed(0)
    nlp = spacy.blank("xx")
    lm = {"name": tiny(), "dtype": "float32", "device": "cpu"}
    nlp.add_pipe(NAME, config={"model": {"lm": lm}})
    optimizer = nlp.initialize(lambda: examples(nlp))
    optimizer.learn_rate = 0.01
    for _ in range(40):
        losses = nlp.update(examples(nlp), sgd=optimizer)
    assert losses[NAME] < 0.1
    return nlp


def exactly(nlp: Language, batch_size: int) -> list[Any]:
    return [[span[:3] for span in marked(doc)] for doc in nlp.pipe(ALIKE, batch_size=batch_size)]


def through_a_doc_bin(nlp: Language, folder: Path) -> list[Any]:
    saved = DocBin(docs=nlp.pipe(ALIKE), store_user_data=True).to_bytes()
    return [
        [span[:3] for span in marked(doc)]
        for doc in DocBin().from_bytes(saved).get_docs(spacy.blank("xx").vocab)
    ]


def from_disk(nlp: Language, folder: Path) -> list[Any]:
    nlp.to_disk(folder)
    return exactly(spacy.load(folder), 2)


WAYS: dict[str, Callable[[Language, Path], list[Any]]] = {
    "one by one": lambda nlp, _: exactly(nlp, 1),
    "called": lambda nlp, _: [[span[:3] for span in marked(nlp(text))] for text in ALIKE],
    "disk": from_disk,
    "bytes": lambda nlp, _: exactly(
        spacy.blank("xx").from_config(nlp.config).from_bytes(nlp.to_bytes()), 2
    ),
    "deepcopy": lambda nlp, _: exactly(copy.deepcopy(nlp), 2),
    "DocBin": through_a_doc_bin,
}


@pytest.mark.parametrize("way", WAYS)
def test_overfitting_and_io(overfitted: Language, way: str, tmp_path: Path) -> None:
    found = exactly(overfitted, 4)
    assert found[0] == found[5]
    assert sorted(found[0]) == [(2, 3, "LOC"), (2, 5, "DOUBLE_LOC"), (4, 5, "LOC")]
    assert found[1] == found[3] == []
    assert WAYS[way](overfitted, tmp_path) == found


def test_overfitting_scores(overfitted: Language) -> None:
    scores = overfitted.evaluate(examples(overfitted))
    assert scores["spans_sc_p"] == scores["spans_sc_r"] == scores["spans_sc_f"] == 1.0
    doc = overfitted("I like London and Berlin.")
    assert min(doc.spans["sc"].attrs["scores"]) > 0.8
    assert named(doc.ents) == [("London and Berlin", "DOUBLE_LOC")]


def test_training_goes_on_after_io(overfitted: Language, tmp_path: Path) -> None:
    overfitted.to_disk(tmp_path)
    nlp = spacy.load(tmp_path)
    nlp.resume_training()
    losses = nlp.update(examples(nlp), losses={NAME: 1.0})
    assert 1.0 < losses[NAME] < 1.2
    assert nlp.evaluate(examples(nlp))["spans_sc_f"] > 0


EMPTY: dict[str, Callable[[Any], Any]] = {
    "predict": lambda pipe: pipe.predict([]),
    "set_annotations": lambda pipe: pipe.set_annotations([], pipe.predict([])),
    "pipe": lambda pipe: list(pipe.pipe([])),
    "update": lambda pipe: pipe.update([]),
    "rehearse": lambda pipe: pipe.rehearse([]),
    "score": lambda pipe: pipe.score([]),
}


@pytest.mark.parametrize("call", EMPTY)
@pytest.mark.parametrize("trained", [False, True])
def test_nothing_at_all_is_no_error(
    nlp: Language, add_tiny: Callable[..., Any], overfitted: Language, call: str, trained: bool
) -> None:
    pipe = overfitted.get_pipe(NAME) if trained else add_tiny(nlp)
    if call in ("update", "rehearse"):
        assert EMPTY[call](pipe) == {NAME: 0.0}
    elif call == "score":
        scores = EMPTY[call](pipe)
        assert scores["spans_sc_f"] is scores["ents_f"] is None
    else:
        assert not EMPTY[call](pipe)


def test_a_pipeline_without_examples_is_scored(overfitted: Language) -> None:
    assert overfitted.evaluate([])["spans_sc_f"] is None
    assert Scorer(overfitted).score([])["spans_sc_f"] is None


@pytest.mark.parametrize("text", ["", " ", "\n\n", " \t\u3000"])
def test_texts_without_words_are_learnt_from_and_predicted(
    nlp: Language, add_tiny: Callable[..., Any], text: str
) -> None:
    add_tiny(nlp)
    optimizer = nlp.initialize(lambda: [example(nlp, text, [])])
    for _ in range(2):
        assert nlp.update([example(nlp, text, [])], sgd=optimizer) == {NAME: 0.0}
    assert marked(nlp(text)) == []


def test_entities_may_be_the_annotation(nlp: Language, add_tiny: Callable[..., Any]) -> None:
    """As in data for `ner`, also where all examples are empty (its issue 2800)."""
    add_tiny(nlp, labels=["A", "B"])
    given = [Example.from_dict(nlp.make_doc("a b c"), {"entities": []}) for _ in range(3)]
    optimizer = nlp.initialize(lambda: given)
    for _ in range(3):
        assert nlp.update(given, sgd=optimizer)[NAME] > 0


def test_labels_are_added_after_it_too(overfitted: Language) -> None:
    nlp = copy.deepcopy(overfitted)
    pipe: Any = nlp.get_pipe(NAME)
    assert (pipe.add_label("NEW"), pipe.add_label("NEW")) == (1, 0)
    nlp.update([example(nlp, "I like London and Berlin.", [(7, 13, "NEW")])])
    assert pipe.labels == ("DOUBLE_LOC", "LOC", "PERSON", "NEW")


def test_a_call_changes_nothing_that_is_saved(overfitted: Language, tmp_path: Path) -> None:
    fresh = spacy.blank("xx").from_config(overfitted.config).from_bytes(overfitted.to_bytes())
    pipe: Any = fresh.get_pipe(NAME)
    before = pipe.to_bytes(exclude=["vocab"])
    list(pipe.pipe([Doc(pipe.vocab, words=["London"])]))
    assert pipe.to_bytes(exclude=["vocab"]) == before


ALIGNED = [
    (["Mon.", "-", "June", "16"], ["Mon.", "-", "June", "16"], [(2, 3)]),
    (["Mon.", "-", "J", "une", "16"], ["Mon.", "-", "June", "16"], [(2, 4)]),
    (["Mon", ".", "-", "June", "16"], ["Mon.", "-", "June", "16"], [(3, 4)]),
    (["Mon.-", "June", "16"], ["Mon.", "-", "June", "16"], [(1, 2)]),
    (["Mon.-", "June16"], ["Mon.", "-", "June", "16"], []),
    (["Mon.", "-June", "16"], ["Mon.", "-", "June", "16"], []),
]


@pytest.mark.parametrize(
    ("predicted", "reference", "spans"), ALIGNED, ids=lambda words: " ".join(map(str, words))
)
def test_other_tokens_are_aligned(
    nlp: Language, predicted: list[str], reference: list[str], spans: list[tuple[int, int]]
) -> None:
    pipe = add_scripted(nlp, labels=["MONTH"])
    docs = [
        Doc(nlp.vocab, words=words, spaces=[False] * len(words)) for words in (predicted, reference)
    ]
    given = Example(*docs)
    given.reference.spans["sc"] = [given.reference.char_span(5, 9, "MONTH")]
    pipe.update([given])
    [[(source, gold, _)]] = pipe.model.attrs["batches"]
    assert [(entity.start, entity.end) for entity in gold] == spans
    assert list(source.words) == predicted


def test_texts_that_differ_are_refused(nlp: Language) -> None:
    pipe = add_scripted(nlp)
    reference = nlp.make_doc("Leeds won")
    reference.spans["sc"] = [Span(reference, 0, 1, "GPE")]
    with pytest.raises(ValueError, match="both texts are the same"):
        pipe.update([Example(nlp.make_doc("Leeds lost"), reference)])


def test_annotating_twice_keeps_identifiers(nlp: Language) -> None:
    pipe = add_scripted(nlp)
    doc = nlp.make_doc(TEXT)
    doc.ents = [Span(doc, 10, 11, "GPE", kb_id="Q39121", span_id="leeds")]
    for _ in range(2):
        doc = pipe(doc)
        assert (doc.ents[-1].kb_id_, doc.ents[-1].id_) == ("Q39121", "leeds")


def test_a_component_can_be_replaced_and_renamed(
    nlp: Language, add_tiny: Callable[..., Any]
) -> None:
    first = add_tiny(nlp)
    config = nlp.get_pipe_config(NAME).copy()
    config.pop("factory")
    second: Any = nlp.replace_pipe(NAME, NAME, config={**config, "labels": ["PER"]})
    assert nlp.get_pipe(NAME) is second is not first
    nlp.rename_pipe(NAME, "mine")
    assert (second.name, second.labels, nlp.pipe_labels["mine"]) == ("mine", ("PER",), ["PER"])
    optimizer = nlp.initialize(lambda: [example(nlp, "a b", [(0, 1, "PER")])])
    assert set(nlp.update([example(nlp, "a b", [(0, 1, "PER")])], sgd=optimizer)) == {"mine"}


def test_labels_are_exported(nlp: Language) -> None:
    pipe = add_scripted(nlp, labels={"ORG": "a company"})
    assert isinstance(pipe, TrainablePipe)
    assert (nlp.pipe_labels[NAME], pipe.label_data) == (["ORG"], {"ORG": "a company"})


@pytest.mark.parametrize("others", [["ner"], ["spancat"], ["ner", "spancat", "entity_ruler"]])
def test_score_weights_are_shared_with_others(nlp: Language, others: list[str]) -> None:
    add_scripted(nlp)
    for name in others:
        nlp.add_pipe(name)
    weights = nlp.config["training"]["score_weights"]
    assert sum(weight for weight in weights.values() if weight) == pytest.approx(1.0, abs=0.02)
    assert weights["spans_sc_f"] > 0


def test_others_can_be_trained_with_it_frozen_or_not(
    nlp: Language, add_tiny: Callable[..., Any]
) -> None:
    add_tiny(nlp, labels=["PERSON", "LOC", "DOUBLE_LOC"])
    nlp.add_pipe("ner")
    given = [
        Example.from_dict(nlp.make_doc(text), {"entities": spans[:2]}) for text, spans in TRAIN
    ]
    optimizer = nlp.initialize(lambda: given)
    assert set(nlp.update(given, sgd=optimizer)) == {NAME, "ner"}
    assert set(nlp.update(given, sgd=optimizer, exclude=[NAME])) == {"ner"}
    assert set(nlp.update(given, sgd=optimizer, exclude=["ner"])) == {NAME}


@pytest.mark.parametrize("as_tuples", [False, True])
def test_an_error_handler_sees_each_failure_once(nlp: Language, as_tuples: bool) -> None:
    add_scripted(nlp)
    failed = list[str]()
    nlp.set_error_handler(lambda name, proc, docs, error: failed.extend(doc.text for doc in docs))

    def stream() -> Iterator[Any]:
        for i, text in enumerate(["Leeds", "FAIL", "", "in FAIL", "Edinburgh"]):
            yield (text, i) if as_tuples else text

    found = list(nlp.pipe(stream(), as_tuples=as_tuples, batch_size=2))
    assert [(pair[0].text, pair[1]) if as_tuples else pair.text for pair in found] == (
        [("Leeds", 0), ("", 2), ("Edinburgh", 4)] if as_tuples else ["Leeds", "", "Edinburgh"]
    )
    assert failed == ["FAIL", "in FAIL"]


def test_spans_outlive_the_pipeline_but_not_the_document(nlp: Language) -> None:
    add_scripted(nlp)
    docs = list(nlp.pipe([TEXT] * 3))
    del nlp
    assert [len(doc.spans["sc"]) for doc in docs] == [4] * 3


@pytest.mark.parametrize("texts", [["I like London and Berlin."], []])
def test_rehearsal_changes_a_model_that_has_forgotten(
    overfitted: Language, texts: list[str]
) -> None:
    nlp = copy.deepcopy(overfitted)
    nlp.resume_training()
    losses = nlp.rehearse([Example(nlp.make_doc(text), nlp.make_doc(text)) for text in texts])
    assert losses == {} if not texts else losses[NAME] > 0
