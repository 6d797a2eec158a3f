import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.evaluation.sizes import DEPTHS, depths_of, length_of
from spacy_genner.types import Entity

TOKENS = [0, 4, 15, 18, 27, 28, 31]
"""The tokens of "The University of Edinburgh's old lab"."""
extents = st.tuples(st.integers(0, 9), st.integers(1, 9)).map(lambda x: (x[0], x[0] + x[1]))
entities = st.frozensets(st.builds(lambda x, y: Entity(*x, y), extents, st.sampled_from("AB")))


@pytest.mark.parametrize(
    ("start", "end", "length"),
    [
        (0, 3, "1 token"),
        (4, 17, "2 tokens"),
        (0, 17, "3 tokens"),
        (0, 27, "4 to 5 tokens"),
        (0, 28, "4 to 5 tokens"),
        (0, 30, "6 or more tokens"),
        (6, 9, "1 token"),  # inside a token
        (6, 16, "2 tokens"),
        (31, 34, "1 token"),
    ],
)
def test_length_counts_the_tokens_that_are_touched(start: int, end: int, length: str) -> None:
    assert length_of(Entity(start, end, "A"), TOKENS) == length


def test_depth_counts_the_extents_around() -> None:
    spans = [Entity(0, 9, "A"), Entity(0, 9, "B"), Entity(0, 6, "A"), Entity(2, 4, "A")]
    deeper = [Entity(2, 3, "A"), Entity(5, 8, "A")]  # the last one crosses the third
    assert depths_of(frozenset([*spans, *deeper])) == dict(
        zip(
            [*spans, *deeper],
            [DEPTHS[0], DEPTHS[0], DEPTHS[1], DEPTHS[2], DEPTHS[2], DEPTHS[1]],
            strict=True,
        )
    )


@given(entities)
def test_depth_is_1_and_the_number_of_other_extents_around(spans: frozenset[Entity]) -> None:
    all_extents = {(span.start, span.end) for span in spans}
    for span, depth in depths_of(spans).items():
        around = [x for x in all_extents if x[0] <= span.start and span.end <= x[1]]
        assert depth == DEPTHS[min(len(around), 3) - 1]
