"""The grammar in text says what our own one says."""

import json
import random
import re
from itertools import groupby

import pytest

from benchmarks.systems.grammar import rules
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.types import Move, Source

LABELS = {"ORG": "", "a|b": ""}
SOURCE = Source(("The", "[", 'say "x"', "Leeds\\"), (False, True, False, True))
DEPTH = 2
PART = re.compile(r'"(?:[^"\\]|\\.)*"|\w+|\|')


def accepts(text: str, written: str) -> bool:
    """Whether a text can be derived from the rule `root`: a parser for the few things that the
    rules use."""
    alternatives: dict[str, list[list[str]]] = {}
    for line in text.splitlines():
        name, rule = line.split(" ::= ")
        parts = PART.findall(rule)
        alternatives[name] = [list(run) for bar, run in groupby(parts, key="|".__eq__) if not bar]

    def ends(parts: list[str], start: int) -> set[int]:
        found = {start}
        for part in parts:
            if part.startswith('"'):
                literal = json.loads(part)
                found = {end + len(literal) for end in found if written.startswith(literal, end)}
            else:
                found = {
                    end
                    for begin in found
                    for choice in alternatives[part]
                    for end in ends(choice, begin)
                }
        return found

    return len(written) in ends(["root"], 0)


def answer(seed: int) -> str:
    grammar = InlineBracketed(DEPTH).grammar(SOURCE, LABELS)
    rng, state, moves = random.Random(seed), grammar.start, list[Move]()
    while legal := grammar.moves(state):
        moves.append(rng.choice(legal))
        state = grammar.advance(state, moves[-1])
    return "".join(move.text for move in moves)


@pytest.fixture(scope="module")
def text() -> str:
    source = InlineBracketed(DEPTH).grammar(SOURCE, LABELS).source
    return rules(source, LABELS, InlineBracketed(DEPTH), "::=", "root")


@pytest.mark.parametrize("seed", range(30))
def test_it_accepts_our_answers_and_no_part_of_them(seed: int, text: str) -> None:
    written = answer(seed)
    assert accepts(text, written)
    assert not accepts(text, written[:-1])
    assert not accepts(text, written + " |")


@pytest.mark.parametrize(
    "wrong", ["[The", "[ | ORG]The", "The | ORG]", "[[[The | ORG] | ORG] | ORG]", "[The | GPE]"]
)
def test_it_refuses_other_texts(wrong: str, text: str) -> None:
    rest = answer_without_marks()[len("The") :]
    assert accepts(text, "[The | ORG]" + rest)
    assert not accepts(text, wrong + rest)


def answer_without_marks() -> str:
    return "".join(move.text for move in InlineBracketed().grammar(SOURCE, LABELS).derive([]))


def test_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="InlineBracketed"):
        rules(SOURCE, LABELS, InlineBracketed(label_first=True), "::=", "root")
