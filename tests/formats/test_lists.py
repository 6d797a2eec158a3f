"""Which spans a list may go on with."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.formats.lists import ListGrammar
from spacy_genner.formats.occurrence_json import OccurrenceJSON
from spacy_genner.labels.label_set import as_labels
from spacy_genner.nesting import nest
from spacy_genner.types import Entity, Source
from tests.strategies import nested, sources

LABELS = as_labels(["A", "B"])


def spans_of(source: Source) -> list[tuple[int, int]]:
    """Those within a sentence."""
    return [
        (start, end)
        for start in range(len(source))
        for end in range(start + 1, source.bounds()[start] + 1)
    ]


@given(st.data(), st.integers(1, 3))
def test_the_next_entity_comes_after_the_others_and_nests_with_them(
    data: st.DataObject, max_depth: int
) -> None:
    source = data.draw(sources(max_size=6))
    grammar: ListGrammar = OccurrenceJSON(max_depth).grammar(source, LABELS)
    found = tuple(sorted(data.draw(nested(source, LABELS, max_depth)), key=grammar.key))
    for label in LABELS:
        spans = grammar.spans(found, label)
        for start, end in spans_of(source):
            entity = Entity(start, end, label)
            after = not found or grammar.key(entity) > grammar.key(found[-1])
            assert bool(spans[start, end - 1]) == (
                after and not nest([*found, entity], max_depth)[1]
            )
            assert (
                (start, end) in grammar.places(found, grammar.texts(start, end), label)
            ) == spans[start, end - 1]
    left = [label for label in LABELS if grammar.spans(found, label).any()]
    assert grammar.labels_left(found) == left
