"""Decoding, step by step, in which every answer is legal and spelt as the tokenizer itself spells
it: a slow reference.

A tokenizer of byte-level BPE first splits a text into *pretokens*, such as a word with the space
before it or a run of punctuation, and then spells each on its own. So the spelling of an answer is
settled pretoken by pretoken, however its marks and words are cut: "[[" and "]," are one pretoken,
and may be one token id.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from spacy_genner.decoding.interfaces import Job
from spacy_genner.formats.base import Grammar
from spacy_genner.lm.steps import Steps

_AHEAD = 2
"""The number of characters after a pretoken that tell where it ends: GPT-2's pattern splits "'red"
after "'re"."""


class Canonical:
    """The canonical spelling of a tokenizer of byte-level BPE without a normaliser."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.encode = lru_cache(maxsize=2**16)(self._encode)
        self.first = lru_cache(maxsize=2**16)(self._first)

    def respelled(self, ids: Sequence[int]) -> list[int]:
        """Return the canonical spelling of the text of some token ids."""
        return list(self.encode(self._tokenizer.decode(ids, clean_up_tokenization_spaces=False)))

    def _encode(self, text: str) -> tuple[int, ...]:
        """Return the token ids of a text."""
        options = {"add_special_tokens": False, "split_special_tokens": True}
        return tuple(self._tokenizer(text, **options)["input_ids"])

    def _first(self, text: str) -> int:
        """Return the end of the first pretoken of a text."""
        split = self._tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str
        return int(split(text)[0][1][1])


class _Way(NamedTuple):
    """A way in which an answer may go on.

    Attributes:
        ids: The token ids that are left of the present pretoken.
        text: The text after it, of moves that are made already.
        state: The state of the grammar after these moves.
    """

    ids: tuple[int, ...]
    text: str
    state: Any


class CanonicalWalk:
    """A legal answer that is written one token id after another, in the canonical spelling.

    Attributes:
        ids: The token ids written so far.
        choices: The legal next token ids; empty when the answer is complete.
    """

    def __init__(self, grammar: Grammar, spelling: Canonical) -> None:
        self.ids: list[int] = []
        self._grammar, self._spelling = grammar, spelling
        self._go_on([_Way((), "", grammar.start)])

    def choose(self, id: int) -> None:
        """Write one of the choices."""
        self.ids.append(id)
        self._go_on([way._replace(ids=way.ids[1:]) for way in self._ways if way.ids[0] == id])

    def _go_on(self, ways: list[_Way]) -> None:
        """Replace each way whose pretoken is written by all ways to write the next one."""
        settled: dict[_Way, None] = {}
        while ways:
            way = ways.pop()
            if way.ids:
                settled[way] = None
                continue
            moves = list(self._grammar.moves(way.state))
            end = self._spelling.first(way.text) if way.text else 0
            if way.text and (not moves or len(way.text) >= end + _AHEAD):
                ids = self._spelling.encode(way.text[:end])
                ways.append(_Way(ids, way.text[end:], way.state))
                continue
            for move in moves:
                ways.append(_Way((), way.text + move.text, self._grammar.advance(way.state, move)))
        self._ways = list(settled)
        self.choices = sorted({way.ids[0] for way in settled})


def write_canonically(model: Steps, jobs: Sequence[Job], spelling: Canonical) -> list[list[int]]:
    """Return the token ids that a model writes after the prompts of a batch: at each step the most
    probable one with which a legal answer in the canonical spelling goes on."""
    walks = [CanonicalWalk(job.grammar, spelling) for job in jobs]
    active = [i for i, walk in enumerate(walks) if walk.choices]
    session = model.session(jobs[0].prefix, len(active)) if active else None
    chunks = [jobs[i].body for i in active]
    while session:
        hidden = session.extend(chunks)
        last = hidden[range(len(active)), [len(chunk) - 1 for chunk in chunks]]
        log_probs = model.log_probs(last, [walks[i].choices for i in active])
        for i, choice in zip(active, log_probs.argmax(dim=1).tolist(), strict=True):
            walks[i].choose(walks[i].choices[choice])
        rows = [row for row, i in enumerate(active) if walks[i].choices]
        session = model.gather([(session, row) for row in rows]) if rows else None
        active = [active[row] for row in rows]
        chunks = [[walks[i].ids[-1]] for i in active]
    return [walk.ids for walk in walks]
