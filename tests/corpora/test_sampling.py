from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.corpora.sampling import sample


@given(st.integers(0, 50), st.integers(1, 60), st.integers(0, 2**32))
def test_a_sample_is_a_part_in_order(count: int, limit: int, seed: int) -> None:
    chosen = sample(range(count), limit, seed)
    assert (
        len(chosen) == min(count, limit)
        and chosen == sorted(set(chosen))
        and set(chosen) <= set(range(count))
    )
    assert chosen == sample(range(count), limit, seed)


def test_the_seed_matters_and_so_does_every_place() -> None:
    drawn = {tuple(sample(range(10), 3, seed)) for seed in range(50)}
    assert len(drawn) > 20 and {item for chosen in drawn for item in chosen} == set(range(10))


@pytest.mark.parametrize("limit", [None, 3, 9])
def test_no_limit_or_a_high_one_keeps_all(limit: int | None) -> None:
    assert sample("abc", limit, 1) == ["a", "b", "c"]
