from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from random import Random

import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from spacy_genner.evaluation.swapping import Names, Passage, Swapper, names_of, without
from spacy_genner.nesting import nest, outermost
from spacy_genner.pipeline.docs import own_labels
from spacy_genner.pipeline.extension import set_doc_labels
from spacy_genner.types import Entity

NLP = spacy.blank("en")


def gold(text: str, marks: list[tuple[int, int, str]]) -> Doc:
    doc = NLP(text)
    doc.spans["sc"] = [Span(doc, *mark) for mark in marks]
    return doc


def marked(doc: Doc) -> list[tuple[str, str]]:
    return [(span.text, span.label_) for span in doc.spans["sc"]]


def swapper(names: Names, seed: int = 0) -> Swapper:
    return Swapper(names, "sc", Random(seed))


def single(names: Mapping[str, str]) -> Names:
    """One name of one word for each label."""
    return {
        label: {word.lower(): Passage((word,), (False,), (Entity(0, 1, label),))}
        for label, word in names.items()
    }


UNIVERSITY = gold(
    "The University of Edinburgh, in Edinburgh.", [(1, 4, "ORG"), (3, 4, "GPE"), (6, 7, "GPE")]
)


def test_names_are_outermost_and_bring_the_spans_inside_them() -> None:
    names = names_of([UNIVERSITY], "sc")
    university = Passage(
        ("University", "of", "Edinburgh"),
        (True, True, False),
        (Entity(0, 3, "ORG"), Entity(2, 3, "GPE")),
    )
    edinburgh = Passage(("Edinburgh",), (False,), (Entity(0, 1, "GPE"),))
    assert names == {
        "ORG": {"university of edinburgh": university},
        "GPE": {"edinburgh": edinburgh},
    }


def test_a_name_that_is_spelled_in_several_ways_is_there_once() -> None:
    docs = [gold("LEEDS", [(0, 1, "GPE")]), gold("Leeds", [(0, 1, "GPE")])]
    assert [passage.words for passage in names_of(docs, "sc")["GPE"].values()] == [("LEEDS",)]


def test_known_names_are_left_out_whatever_their_label() -> None:
    names = names_of([UNIVERSITY], "sc")
    assert without(names, {("edinburgh", "PERSON"), ("university", "ORG")}) == {
        "ORG": names["ORG"],
        "GPE": {},
    }


def test_an_outermost_span_is_swapped_with_the_spans_inside() -> None:
    swap = swapper(single({"ORG": "Acme", "GPE": "Leeds"}))
    doc = swap(UNIVERSITY)
    assert doc.text == "The Acme, in Leeds."
    assert marked(doc) == [("Acme", "ORG"), ("Leeds", "GPE")]
    assert swap.swapped == {"ORG": 1, "GPE": 1} and not swap.kept


def test_a_new_name_brings_its_own_spans() -> None:
    doc = swapper(names_of([UNIVERSITY], "sc"))(gold("Acme won.", [(0, 1, "ORG")]))
    assert doc.text == "University of Edinburgh won."
    assert marked(doc) == [("University of Edinburgh", "ORG"), ("Edinburgh", "GPE")]


def test_a_name_becomes_the_same_new_one_throughout_a_document() -> None:
    docs = [gold(f"Town{number}", [(0, 1, "GPE")]) for number in range(50)]
    swap = swapper(names_of(docs, "sc"))
    doc = swap(gold("Leeds, LEEDS and York", [(0, 1, "GPE"), (2, 3, "GPE"), (4, 5, "GPE")]))
    first, second, third = (text for text, _ in marked(doc))
    assert first == second != third
    again = swap(gold("Leeds", [(0, 1, "GPE")]))
    assert marked(again)[0][0] != first, "in another document it is drawn again"


def test_a_name_without_another_one_of_its_label_stays() -> None:
    swap = swapper(single({"ORG": "Acme", "GPE": "Edinburgh"}))
    doc = swap(UNIVERSITY)
    assert doc.text == "The Acme, in Edinburgh."
    assert swap.swapped == {"ORG": 1} and swap.kept == {"GPE": 1}


def test_the_seed_decides() -> None:
    docs = [gold(f"Town{number}", [(0, 1, "GPE")]) for number in range(50)]
    text = gold("Leeds", [(0, 1, "GPE")])
    first, second, other = (swapper(names_of(docs, "sc"), seed)(text).text for seed in (1, 1, 2))
    assert first == second != other


def test_gold_ents_are_swapped_where_there_are_no_gold_spans() -> None:
    doc = NLP("In Leeds.")
    doc.ents = [Span(doc, 1, 2, "GPE")]
    assert marked(swapper(single({"GPE": "York"}))(doc)) == [("York", "GPE")]


def test_the_label_set_of_a_document_and_unknown_spaces_stay() -> None:
    doc = Doc(NLP.vocab, words=["In", "Leeds", "."])
    doc.spans["sc"] = [Span(doc, 1, 2, "GPE")]
    set_doc_labels(doc, {"GPE": "a place"})
    swap = swapper(single({"GPE": "York"}))
    assert own_labels(swap(doc)) == {"GPE": "a place"} and swap(doc).has_unknown_spaces
    assert own_labels(swap(UNIVERSITY)) is None and not swap(UNIVERSITY).has_unknown_spaces


def test_a_span_that_crosses_a_longer_one_is_left_out() -> None:
    doc = gold("Leeds United Kingdom House", [(0, 2, "ORG"), (1, 4, "GPE")])
    assert marked(swapper(single({"GPE": "York"}))(doc)) == [("York", "GPE")]
    assert swapper(single({"GPE": "York"}))(doc).text == "Leeds York"


@st.composite
def documents(draw: st.DrawFn) -> Doc:
    words = draw(st.lists(st.sampled_from(["a", "b", "C", "é", "東"]), min_size=1, max_size=8))
    spaces = draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words)))
    doc = Doc(NLP.vocab, words=words, spaces=spaces)
    bounds = st.integers(0, len(words) - 1)
    marks = draw(st.lists(st.tuples(bounds, bounds, st.sampled_from("XY")), max_size=4))
    doc.spans["sc"] = [Span(doc, min(a, b), max(a, b) + 1, label) for a, b, label in marks]
    return doc


def outer(doc: Doc) -> list[Entity]:
    nested, _ = nest(sorted(Entity(s.start, s.end, s.label_) for s in doc.spans["sc"]))
    return outermost(nested)


def between(doc: Doc) -> list[str]:
    """The tokens outside of all names."""
    inside = set(chain.from_iterable(range(e.start, e.end) for e in outer(doc)))
    return [token.text for token in doc if token.i not in inside]


@given(documents(), st.lists(documents(), max_size=3), st.integers(0, 3))
def test_only_the_names_change(doc: Doc, others: list[Doc], seed: int) -> None:
    names = names_of(others, "sc")
    swap = swapper(names, seed)
    new = swap(doc)
    assert between(new) == between(doc)
    assert [e.label for e in outer(new)] == [e.label for e in outer(doc)]
    changed, own = names_of([new], "sc"), names_of([doc], "sc")
    for label, texts in changed.items():
        assert texts.keys() <= {*names.get(label, ()), *own[label]}
    assert (swap.swapped + swap.kept).total() == len(outer(doc))
