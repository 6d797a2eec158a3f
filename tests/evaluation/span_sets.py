"""Spans that overlap, nest and cross as they like, for properties of scores."""

from hypothesis import strategies as st

from spacy_genner.types import Entity

entities = st.builds(
    lambda start, length, label: Entity(start, start + length, label),
    st.integers(0, 12),
    st.integers(1, 8),
    st.sampled_from("ABC"),
)
sets = st.frozensets(entities, max_size=8)
