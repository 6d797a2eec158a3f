"""Groups keep the order, lose nothing, and end when they are complete."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.pipeline.groups import groups


@given(
    items=st.lists(st.text(max_size=5)),
    words=st.integers(1, 12) | st.just(float("inf")),
    most=st.integers(1, 4) | st.just(float("inf")),
)
def test_a_group_ends_as_soon_as_it_is_complete(
    items: list[str], words: float, most: float
) -> None:
    found = list(groups(items, len, words, most))
    assert [item for group in found for item in group] == items
    complete = [sum(map(len, group)) >= words or len(group) >= most for group in found]
    assert all(complete[:-1])
    for *early, _ in found:
        assert sum(map(len, early)) < words
        assert len(early) < most
