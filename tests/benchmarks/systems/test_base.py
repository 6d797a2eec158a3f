"""Free text is read back only where it is a legal answer; work is counted with and without padding."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.systems.base import InBatches, Output, Reading, parse
from spacy_genner.formats.base import Grammar
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.types import Entity, Source

LABELS = {"ORG": "", "GPE": ""}
SOURCE = Source(("The", "[", "University", "of", "Leeds"), (False, True, False, True, True))
ENTITIES = [Entity(2, 5, "ORG"), Entity(4, 5, "GPE")]


def grammar(label_first: bool = False) -> Grammar:
    return InlineBracketed(label_first=label_first).grammar(SOURCE, LABELS)


def answer(label_first: bool = False) -> str:
    return "".join(move.text for move in grammar(label_first).derive(ENTITIES))


@given(st.booleans(), st.sampled_from(["", "\n", "\nText: and so on", " more"]))
def test_a_legal_answer_is_read_whatever_comes_after_it(label_first: bool, rest: str) -> None:
    assert parse(answer(label_first) + rest, grammar(label_first)) == ENTITIES


@given(st.integers(0, len(answer()) - 1), st.sampled_from(["", "x", "]"]))
def test_any_other_text_has_no_entities(place: int, wrong: str) -> None:
    text = answer()[:place] + wrong
    assert parse(text, grammar()) == [] or text == answer()


def test_a_pass_is_counted_with_its_padding() -> None:
    reading = Reading()
    reading.add([3, 5])
    reading.add([1])
    assert reading == Reading(passes=2, rows=3, ids=9, padded=11)


def test_a_system_is_given_batches_and_its_work_is_summed() -> None:
    sizes = []

    def system(tasks: Sequence[Any]) -> Output:
        sizes.append(len(tasks))
        return Output([[entity] for entity in tasks], Reading(1, len(tasks), 10, 20))

    entities: Any = [Entity(n, n + 1, "ORG") for n in range(5)]
    assert InBatches(system)(entities, 2) == Output([[entity] for entity in entities], Reading(3, 5, 30, 60))
    assert sizes == [2, 2, 1]


def test_a_system_that_looks_for_nothing_finds_nothing() -> None:
    assert InBatches(lambda _: Output(None))([None], 2).entities is None
