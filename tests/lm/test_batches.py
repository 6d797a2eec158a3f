from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.lm.batches import _PASS, fullest

lengths = st.lists(st.integers(1, 200), max_size=12)


@given(lengths, st.integers(1, 1000))
def test_rows_of_a_pass_fit_the_budget_and_waste_less_than_a_pass(
    lengths: list[int], budget: int
) -> None:
    group = [lengths[n] for n in fullest(lengths, budget)]
    assert (len(group) > 0) == (len(lengths) > 0)
    assert len(group) <= 1 or len(group) * max(group) <= budget
    assert sum(max(group) - length for length in group) <= _PASS


def test_the_fullest_group_is_read_first() -> None:
    assert fullest([100, 10, 98, 60, 9, 59, 61], budget=1000) == [0, 2]
    assert fullest([100, 10, 60, 9, 59, 61], budget=1000) == [5, 2, 4]
    assert fullest([100, 10, 60, 9, 59, 61], budget=130) == [5, 2]
