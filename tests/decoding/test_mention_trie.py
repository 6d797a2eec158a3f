"""The lazy trie of mentions equals the one that is made of all moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.decoding.mention_trie import MentionTrie, mention_trie
from spacy_genner.decoding.moves import trie
from spacy_genner.formats.lists import ListState
from spacy_genner.formats.mentions import Mentions
from spacy_genner.formats.typed_list import TypedList
from spacy_genner.labels.label_set import as_labels
from spacy_genner.types import Move, Source
from tests.decoding.scripted import encode
from tests.strategies import nested, sources

LABELS = as_labels(["A", "B"])


def unfolded(node: Any) -> Any:
    """A trie as plain dictionaries, with the order of their keys."""
    return node if isinstance(node, Move) else [(id, unfolded(node[id])) for id in node]


def mentions_of(source: Source, data: st.DataObject) -> Mentions:
    grammar = TypedList().grammar(source, LABELS)
    found = tuple(sorted(data.draw(nested(source, LABELS, 4)), key=grammar.key))
    return grammar.mentions(ListState(found, "mention", "B"))


@given(sources(max_size=6), st.data())
def test_it_equals_the_trie_of_all_mentions(source: Source, data: st.DataObject) -> None:
    mentions = mentions_of(source, data)
    assert unfolded(mention_trie(mentions, encode)) == unfolded(trie(list(mentions), encode))


@given(sources(max_size=6), st.data())
def test_it_says_every_mention_with_a_real_tokenizer(
    pieces: Callable[[str], Any], source: Source, data: st.DataObject
) -> None:
    mentions, encode_piece = mentions_of(source, data), pieces("bpe").encode
    root = mention_trie(mentions, encode_piece)
    for move in mentions:
        node: Any = root
        for id in (id for part in move.parts for id in encode_piece(part)):
            node = node[id]
        assert node == move


def test_only_what_is_walked_is_made() -> None:
    source = Source(tuple(f"w{n}" for n in range(100)), (True,) * 100)
    grammar = TypedList().grammar(source, LABELS)
    root = mention_trie(
        grammar.mentions(ListState(part="mention", label="A")), lambda text: [hash(text)]
    )
    assert len(root) == 100 and root._children == {}
    assert isinstance(root[hash(" w7")], MentionTrie) and len(root._children) == 1


@pytest.mark.parametrize("unlike", ["", " a", " c"])
def test_a_mention_that_begins_another_one_is_refused(unlike: str) -> None:
    """With a tokenizer that writes all segments alike, but one at most."""
    grammar = TypedList().grammar(Source(("a", "b", "c"), (False, True, True)), LABELS)
    mentions = grammar.mentions(ListState(part="mention", label="A"))
    with pytest.raises(
        ValueError,
        match=r"the mentions ' a;' and ' a b;' cannot be told apart.*: choose another format",
    ):
        unfolded(mention_trie(mentions, lambda text: [0 if text == unlike else 1]))
