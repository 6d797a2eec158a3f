from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.corpora.tags import Scheme, chunks, detect, is_valid, parse_tag
from spacy_genner.types import Entity


def read(text: str) -> list[tuple[Entity, str]]:
    return chunks(parse_tag(tag) for tag in text.split())


def spans(text: str) -> list[tuple[int, int, str]]:
    return [(entity.start, entity.end, entity.label) for entity, _ in read(text)]


def encode(lengths: list[tuple[int, str]], scheme: Scheme) -> tuple[list[str], list[Entity]]:
    """Tags and entities of a sentence that is a row of pieces: their lengths, and a label or "" for
    outside."""
    tags: list[str] = []
    entities: list[Entity] = []
    for length, label in lengths:
        adjacent = bool(entities) and (entities[-1].end, entities[-1].label) == (len(tags), label)
        if label:
            entities.append(Entity(len(tags), len(tags) + length, label))
        match scheme:
            case _ if not label:
                tags += ["O"] * length
            case Scheme.iob1:
                tags += [f"B-{label}" if adjacent else f"I-{label}"] + [f"I-{label}"] * (length - 1)
            case Scheme.iob2:
                tags += [f"B-{label}"] + [f"I-{label}"] * (length - 1)
            case Scheme.bioes if length == 1:
                tags += [f"S-{label}"]
            case Scheme.bioes:
                tags += [f"B-{label}"] + [f"I-{label}"] * (length - 2) + [f"E-{label}"]
    return tags, entities


PIECES = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from(["", "ORG", "creative-work"])), max_size=12
)


@given(PIECES, st.sampled_from(Scheme))
def test_every_scheme_reads_back(pieces: list[tuple[int, str]], scheme: Scheme) -> None:
    tags, entities = encode(pieces, scheme)
    found = read(" ".join(tags))
    assert [entity for entity, _ in found] == entities
    assert all(is_valid(chunk, scheme) for chunk in found)
    if entities:
        assert detect([found]) is scheme


@given(PIECES)
def test_the_other_names_of_bioes_are_read_too(pieces: list[tuple[int, str]]) -> None:
    tags, entities = encode(pieces, Scheme.bioes)
    renamed = [{"E": "L", "S": "U"}.get(tag[0], tag[0]) + tag[1:] for tag in tags]
    assert read(" ".join(renamed)) == read(" ".join(tags))
    assert [entity for entity, _ in read(" ".join(renamed))] == entities


@given(
    st.lists(
        st.sampled_from(["O", *(f"{prefix}-{label}" for prefix in "BIES" for label in "AB")]),
        max_size=15,
    )
)
def test_every_tag_but_o_is_in_one_entity_of_its_label(tags: list[str]) -> None:
    covered = {
        at: entity.label
        for entity, _ in read(" ".join(tags))
        for at in range(entity.start, entity.end)
    }
    assert covered == {at: tag[2:] for at, tag in enumerate(tags) if tag != "O"}
    assert sum(entity.end - entity.start for entity, _ in read(" ".join(tags))) == len(covered)


@pytest.mark.parametrize(
    ("tags", "expected", "invalid"),
    [
        ("O I-A I-A O", [(1, 3, "A")], 1),
        ("B-A I-B", [(0, 1, "A"), (1, 2, "B")], 1),
        ("B-A O I-A", [(0, 1, "A"), (2, 3, "A")], 1),
        ("B-A B-A I-A", [(0, 1, "A"), (1, 3, "A")], 0),
        ("B-A E-A", [(0, 2, "A")], 1),
    ],
)
def test_sequences_that_iob2_forbids_are_read_as_conlleval_does(
    tags: str, expected: list[tuple[int, int, str]], invalid: int
) -> None:
    assert spans(tags) == expected
    assert sum(not is_valid(chunk, Scheme.iob2) for chunk in read(tags)) == invalid


@pytest.mark.parametrize(
    ("tags", "valid"),
    [
        ("B-A I-A", False),
        ("I-A", False),
        ("E-A", False),
        ("B-A", False),
        ("S-A", True),
        ("B-A I-A E-A", True),
        ("B-A S-A", False),
    ],
)
def test_bioes_wants_an_end(tags: str, valid: bool) -> None:
    assert all(is_valid(chunk, Scheme.bioes) for chunk in read(tags)) is valid


@pytest.mark.parametrize(
    ("sequences", "scheme"),
    [
        ([], Scheme.iob2),
        (["O O"], Scheme.iob2),
        (["I-A O", "I-A B-A"], Scheme.iob1),
        (["I-A O", "O B-A"], Scheme.iob2),
        (["I-A B-B"], Scheme.iob2),
        (["B-A I-A", "O S-B"], Scheme.bioes),
    ],
)
def test_detection(sequences: list[str], scheme: Scheme) -> None:
    assert detect(read(text) for text in sequences) is scheme


@pytest.mark.parametrize("tag", ["", "B", "B-", "B- ", "X-ORG", "ORG", "b-ORG", "o", "-X-", "BORG"])
def test_what_is_no_tag_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="expected O, or one of B I E S L U"):
        parse_tag(tag)
