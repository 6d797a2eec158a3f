from __future__ import annotations

from dataclasses import replace

import pytest

from spacy_genner.evaluation.strays import Stray, grouped, stray
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.formats.occurrence_json import OccurrenceJSON
from tests.evaluation.answering import GOLDS, LABELS, answered, asked
from tests.formats.examples import source_of

TEXT, GOLD = GOLDS[0]
RIGHT = "He works for [Essex Police | ORG]."


@pytest.mark.parametrize(
    ("written", "kind", "before", "to", "expected"),
    [
        ("He works for [Essex Police](ORG).", "another mark", " works for [Essex Police", "](ORG).", (".", "[", " | PER]")),
        ("He works for [Essex Police | firm].", "another label", "rks for [Essex Police | ", "firm].", ("PER]", "ORG]", "GPE]")),
        ("He works for [Essex Police | OR].", "another label", "s for [Essex Police | OR", "].", ("G]",)),
        ("He works at Essex", "another word", "He works ", "at Essex", ("for", "[")),
        ("Sure! He works", "another word", "", "Sure! He wor", ("He", "[")),
        ("He works", "an early end", "He works", "", (" for", " [")),
        (f"{RIGHT}\nText: He", "text after the end", RIGHT[-24:], "\nText: He", ()),
        ("He works for Essex Police.", "legal, but not gold", "He works for ", "Essex Police", ("[Essex Polic",)),
    ],
)  # fmt: skip
def test_the_place_where_an_answer_strays(
    written: str, kind: str, before: str, to: str, expected: tuple[str, ...]
) -> None:
    found = stray(answered(InlineBracketed(), TEXT, GOLD, written))
    assert found == Stray(kind, ord(to[0]) if to else None, before, to, expected)


def test_the_gold_answer_does_not_stray() -> None:
    assert stray(answered(InlineBracketed(), TEXT, GOLD, RIGHT)) is None
    assert not any(map(stray, asked(OccurrenceJSON(), OccurrenceJSON())))


def test_a_space_at_the_beginning_may_be_lost() -> None:
    source = replace(source_of(TEXT), spaces=(1, 1, 1, 1, 1, 0))
    grammar = InlineBracketed().grammar(source, LABELS)
    answer = answered(InlineBracketed(), TEXT, GOLD, RIGHT)
    answer = replace(answer, grammar=grammar, right=f" {RIGHT}")
    assert stray(answer) is None
    sleeps = "He sleeps"
    found = stray(
        replace(answer, written=sleeps, ids=list(map(ord, sleeps)), ends=list(range(1, 10)))
    )
    assert found and (found.before, found.written, found.id) == ("He ", "sleeps", ord("s"))


def test_a_list_strays_where_its_mention_is_not_in_the_text() -> None:
    written = '[{"text": "Essex Polish", "label"'
    found = stray(answered(OccurrenceJSON(), TEXT, GOLD, written))
    assert found == Stray(
        "another word", ord("s"), '[{"text": "Essex Poli', 'sh", "label"', ("ce.",)
    )


def test_the_most_frequent_kinds_and_ways_come_first() -> None:
    strays = [Stray("another mark", 1, f"{i}", "](", (" |",)) for i in range(3)] + [
        Stray("another mark", 2, "x", "}", (" |",)),
        Stray("an early end", None, "y", "", ()),
    ]
    [(first, count, examples), (second, one, _)] = grouped([strays[-1], *strays[:-1]])
    assert (first, count, second, one) == ("another mark", 4, "an early end", 1)
    assert [(example.before, example.written) for example in examples] == [("0", "]("), ("x", "}")]
