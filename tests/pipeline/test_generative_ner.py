"""What the component does with the spans of its model: labels, windows, threshold, streams,
errors."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from tests.pipeline.scripted import TEXT, add_scripted, marked, named

FOUND = [(1, 4, "ORG", 0.5), (3, 4, "GPE", 0.9), (6, 7, "GPE", 0.9), (10, 11, "GPE", 0.25)]
TEXTS = ["Leeds", "", "Leeds in Edinburgh", " \n ", "none", "Leeds Leeds Leeds"]


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("xx")


def sources(component: Any) -> list[str]:
    """What the model was asked to read, the words of each source joined by spaces."""
    return [
        " ".join(source.words) for batch in component.model.attrs["batches"] for source, _ in batch
    ]


def test_spans_scores_and_entities_come_out(nlp: Language) -> None:
    add_scripted(nlp)
    doc = nlp(TEXT)
    assert [(*span, pytest.approx(score)) for *span, score in FOUND] == marked(doc)
    assert named(doc.ents) == [
        ("University of Edinburgh", "ORG"),
        ("Edinburgh", "GPE"),
        ("Leeds", "GPE"),
    ]


@pytest.mark.parametrize("threshold", [0.0, 0.25, 0.3, 0.5, 0.9, 1.0])
def test_a_threshold_removes_spans_and_changes_no_other(nlp: Language, threshold: float) -> None:
    add_scripted(nlp, threshold=threshold)
    assert [span[:3] for span in marked(nlp(TEXT))] == [
        span[:3] for span in FOUND if span[3] >= threshold
    ]


@pytest.mark.parametrize(
    "threshold", [{}, {"GPE": 0.3}, {"ORG": 0.6}, {"ORG": "0.5", "GPE": 0.9}, {"ORG": 1, "GPE": 1}]
)
def test_labels_may_have_their_own_thresholds(nlp: Language, threshold: dict[str, float]) -> None:
    """A label without one keeps all of its spans."""
    add_scripted(nlp, threshold=threshold)
    assert [span[:3] for span in marked(nlp(TEXT))] == [
        span[:3] for span in FOUND if span[3] >= float(threshold.get(span[2], 0))
    ]


def test_below_a_threshold_the_inner_span_becomes_the_entity(nlp: Language) -> None:
    add_scripted(nlp, threshold=0.6)
    assert named(nlp(TEXT).ents) == [("Edinburgh", "GPE"), ("Edinburgh", "GPE")]


@pytest.mark.parametrize(
    ("ents", "expected"),
    [
        ("outermost", ["University of Edinburgh", "Edinburgh", "Leeds"]),
        ("best", ["Edinburgh", "Edinburgh", "Leeds"]),
        ("none", []),
    ],
)
def test_ents_chooses_among_overlapping_spans(
    nlp: Language, ents: str, expected: list[str]
) -> None:
    add_scripted(nlp, ents=ents)
    doc = nlp(TEXT)
    assert [ent.text for ent in doc.ents] == expected
    assert len(doc.spans["sc"]) == 4
    assert doc.has_annotation("ENT_IOB") == (ents != "none")


def test_without_ents_those_of_others_stay(nlp: Language) -> None:
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "RULE", "pattern": "Leeds"}])
    add_scripted(nlp, ents="none")
    assert named(nlp(TEXT).ents) == [("Leeds", "RULE")]


def test_the_spans_key_is_where_spans_go(nlp: Language) -> None:
    add_scripted(nlp, spans_key="mine")
    doc = nlp(TEXT)
    assert set(doc.spans) == {"mine"}
    assert len(marked(doc, "mine")) == 4


def test_a_second_call_gives_the_same_again(nlp: Language) -> None:
    component = add_scripted(nlp)
    doc = nlp(TEXT)
    before = marked(doc), named(doc.ents)
    component(doc)
    assert (marked(doc), named(doc.ents)) == before


def test_predicting_changes_nothing(nlp: Language) -> None:
    component = add_scripted(nlp)
    doc = nlp.make_doc(TEXT)
    [(read, entities)] = component.predict([doc])
    assert len(entities) == 4
    assert not doc.spans and not doc.has_annotation("ENT_IOB")
    component.set_annotations([doc], [(read, entities)])
    assert len(doc.spans["sc"]) == 4


def test_a_long_document_is_cut_where_sentences_end(nlp: Language) -> None:
    component = add_scripted(nlp, window=8)
    doc = nlp("One two . Leeds four . Five Edinburgh seven ! Nine")
    assert sources(component) == ["One two . Leeds four .", "Five Edinburgh seven ! Nine"]
    assert [span[:3] for span in marked(doc)] == [(3, 4, "GPE"), (7, 8, "GPE")]


def test_a_sentence_longer_than_the_window_is_cut_where_lines_end(nlp: Language) -> None:
    component = add_scripted(nlp, window=4)
    doc = nlp("a b\nLeeds d\n\ne Edinburgh")
    assert sources(component) == ["a b Leeds d", "e Edinburgh"]
    assert [doc[span[0]].text for span in marked(doc)] == ["Leeds", "Edinburgh"]


def test_a_line_longer_than_the_window_is_cut_anywhere_and_nothing_in_it_is_lost(
    nlp: Language,
) -> None:
    """The name is whole in the second window only."""
    component = add_scripted(nlp, window=8)
    doc = nlp("a b c d Leeds University of Edinburgh e f g")
    assert sources(component) == ["a b c d Leeds University", "University of Edinburgh e f g"]
    assert [span[:3] for span in marked(doc)] == [(4, 5, "GPE"), (5, 8, "ORG"), (7, 8, "GPE")]


def test_entities_that_no_cut_can_spare_are_dropped_with_a_warning(nlp: Language) -> None:
    """One window finds the phrase that ends in the overlap, the other one that begins there."""
    component = add_scripted(nlp, script=[["d e", "A", 1.0], ["e f", "B", 1.0]], window=6)
    with pytest.warns(
        UserWarning, match=r"\[generative_ner\] 1 entities were dropped.*larger `window`"
    ):
        doc = nlp("a b c d e f g h")
    assert sources(component) == ["a b c d e", "e f g h"]
    assert [span[:3] for span in marked(doc)] == [(4, 6, "B")]


@pytest.mark.parametrize("longest", [7, 4, 2, 1])
def test_a_part_whose_answer_is_too_long_is_read_in_halves(nlp: Language, longest: int) -> None:
    component = add_scripted(nlp)
    component.model.attrs["longest"] = longest
    docs = list(nlp.pipe(["Leeds", TEXT, "Leeds is in Edinburgh"]))
    leeds, text, both = [[span[:3] for span in marked(doc) if span[2] == "GPE"] for doc in docs]
    assert leeds == [(0, 1, "GPE")] and both == [(0, 1, "GPE"), (3, 4, "GPE")]
    assert text == [span[:3] for span in FOUND if span[2] == "GPE"]
    read = [source for source in sources(component) if len(source.split()) <= longest]
    assert {word for source in read for word in source.split()} == {
        word.text for doc in docs for word in doc
    }


def test_a_word_that_is_too_long_is_an_error_that_names_it(nlp: Language) -> None:
    component = add_scripted(nlp)
    component.model.attrs["longest"] = 0
    with pytest.raises(ValueError, match=r"too few positions.*labels GPE, ORG, the token 'Leeds'"):
        nlp("Leeds")


def test_windows_follow_the_sentences_of_the_pipeline(nlp: Language) -> None:
    nlp.add_pipe("sentencizer", config={"punct_chars": ["/"]})
    component = add_scripted(nlp, window=6)
    doc = nlp("One . two / \n Leeds . four five / Edinburgh /")
    assert sources(component) == ["One . two /", "Leeds . four five /", "Edinburgh /"]
    assert [doc[span[0]].text for span in marked(doc)] == ["Leeds", "Edinburgh"]


def test_white_space_counts_for_nothing(nlp: Language) -> None:
    component = add_scripted(nlp, window=3)
    doc = nlp("\n\n University  \t of\nEdinburgh \n ")
    assert sources(component) == ["University of Edinburgh"]
    span = doc.spans["sc"][0]
    assert span.text == "University  \t of\nEdinburgh"
    assert not doc.ents[0][0].is_space and not doc.ents[0][-1].is_space


@pytest.mark.parametrize("text", ["", " ", "\n\n\t ", "\u3000"])
def test_a_document_without_words_gets_no_spans(nlp: Language, text: str) -> None:
    component = add_scripted(nlp)
    doc = nlp(text)
    assert marked(doc) == []
    assert doc.ents == ()
    assert doc.text == text
    assert sources(component) == []


def test_a_stream_comes_back_in_order_and_lazily(nlp: Language) -> None:
    add_scripted(nlp)
    taken = []

    def texts() -> Iterator[str]:
        for text in TEXTS * 4:
            taken.append(text)
            yield text

    stream = nlp.pipe(texts(), batch_size=2)
    first = next(stream)
    assert len(taken) < len(TEXTS)
    docs = [first, *stream]
    assert [doc.text for doc in docs] == TEXTS * 4
    assert [marked(doc) for doc in docs] == [marked(nlp(text)) for text in TEXTS] * 4


def test_a_stream_carries_its_contexts(nlp: Language) -> None:
    add_scripted(nlp)
    pairs = [(text, {"row": row}) for row, text in enumerate(TEXTS)]
    found = list(nlp.pipe(pairs, as_tuples=True, batch_size=2))
    assert [(doc.text, context) for doc, context in found] == pairs


def test_documents_are_read_in_batches(nlp: Language) -> None:
    component = add_scripted(nlp)
    list(nlp.pipe(["Leeds"] * 5, batch_size=2))
    assert [len(batch) for batch in component.model.attrs["batches"]] == [2, 2, 1]


def test_an_error_raises_and_names_its_cause(nlp: Language) -> None:
    add_scripted(nlp)
    with pytest.raises(RuntimeError, match="a word that cannot be read"):
        list(nlp.pipe(["Leeds", "FAIL", "Leeds"]))
    with pytest.raises(RuntimeError, match="a word that cannot be read"):
        nlp("FAIL")


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_an_error_handler_gets_the_failing_document_and_no_other(
    nlp: Language, batch_size: int
) -> None:
    add_scripted(nlp)
    failed: list[Any] = []
    nlp.set_error_handler(
        lambda name, proc, docs, error: failed.append(
            (name, [doc.text for doc in docs], str(error))
        )
    )
    docs = list(nlp.pipe(["Leeds", "in FAIL", "Edinburgh", "FAIL", "Leeds"], batch_size=batch_size))
    assert [doc.text for doc in docs] == ["Leeds", "Edinburgh", "Leeds"]
    assert [[span[2] for span in marked(doc)] for doc in docs] == [["GPE"]] * 3
    message = "a word that cannot be read"
    assert failed == [
        ("generative_ner", ["in FAIL"], message),
        ("generative_ner", ["FAIL"], message),
    ]


def test_labels_can_be_added_and_defined(nlp: Language) -> None:
    component = add_scripted(nlp, labels=["ORG"])
    assert component.add_label("GPE", "a city") == 1
    assert component.add_label("GPE") == 0
    assert component.labels == ("ORG", "GPE")
    assert component.label_data == {"ORG": "", "GPE": "a city"}
    assert nlp.pipe_labels["generative_ner"] == ["ORG", "GPE"]


@pytest.mark.parametrize(("label", "error"), [("", ValueError), ("  ", ValueError), (5, TypeError)])
def test_a_label_that_is_no_name_is_refused(
    nlp: Language, label: Any, error: type[Exception]
) -> None:
    component = add_scripted(nlp)
    with pytest.raises(error):
        component.add_label(label)
    assert component.labels == ("GPE", "ORG")


def test_label_data_is_a_copy(nlp: Language) -> None:
    component = add_scripted(nlp)
    component.label_data["NEW"] = ""
    assert component.labels == ("GPE", "ORG")


def test_100_000_tokens_are_all_read(nlp: Language) -> None:
    component = add_scripted(nlp)
    words = ["Leeds", "is", "nice", "."] * 25_000
    doc = component(Doc(nlp.vocab, words=words))
    assert " ".join(sources(component)).split() == words
    assert max(len(source.split()) for source in sources(component)) == 256
    starts = [span.start for span in doc.spans["sc"]]
    assert starts == list(range(0, 100_000, 4)) == [ent.start for ent in doc.ents]


def test_a_tiny_model_gives_valid_spans_with_scores(
    nlp: Language, add_tiny: Callable[..., Any]
) -> None:
    component = add_tiny(nlp)
    doc = nlp(TEXT)
    spans, scores = doc.spans["sc"], doc.spans["sc"].attrs["scores"]
    places = [(span.start, span.end, span.label_) for span in spans]
    assert len(places) > 1
    assert places == sorted(set(places))
    assert {label for _, _, label in places} <= {"ORG", "GPE"}
    assert all(0 <= start < end <= len(doc) for start, end, _ in places)
    assert not any(a < c < b < d for a, b, _ in places for c, d, _ in places)
    assert scores.dtype == np.float32 and scores.shape == (len(spans),)
    assert ((scores > 0) & (scores <= 1)).all()
    component.set_labels(["PER"])
    assert {label for _, _, label, _ in marked(nlp(TEXT))} == {"PER"}


@pytest.mark.filterwarnings("ignore:.* entities were dropped:UserWarning")
@pytest.mark.parametrize("window", [256, 5])
def test_batches_and_their_order_change_nothing(
    nlp: Language, add_tiny: Callable[..., Any], window: int
) -> None:
    """In float32. Windows of five tokens overlap."""
    add_tiny(nlp, window=window)
    texts = [TEXT, "Leeds", "", TEXT[20:], "Mrs O'Neil sold it for $1,234.50"]
    alone = {text: marked(nlp(text)) for text in texts}
    for order in (texts, texts[::-1]):
        for batch_size in (1, 2, 64):
            for doc in nlp.pipe(order, batch_size=batch_size):
                expected = alone[doc.text]
                assert [span[:3] for span in marked(doc)] == [span[:3] for span in expected]
                assert [span[3] for span in marked(doc)] == pytest.approx(
                    [span[3] for span in expected], rel=1e-4
                )
