from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.decoding.interfaces import Decoding, Question, Reply
from spacy_genner.lm.dialogue import Dialogue
from spacy_genner.types import Source
from tests.decoding.test_decoders import job_of

JOB = job_of(Source(("a",), (False,)))
REPLY = Reply(np.zeros((1, 2), dtype=np.float32))


def asking(texts: Sequence[list[int]]) -> Decoding:
    for ids in texts:
        yield Question(ids, [len(ids)], [[1, 2]])
    return ()


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6), max_size=4))
def test_a_row_has_read_what_is_asked_about(texts: list[list[int]]) -> None:
    """Whatever the questions have in common: forgetting and reading leave the row with the ids of
    each question, and there is always something to read before its first place."""
    dialogue, row = Dialogue(JOB, asking(texts)), list[int]()
    if not dialogue.ended:
        dialogue.restart()
    for ids in texts:
        assert not dialogue.ended
        row += dialogue.chunk
        assert row == ids
        assert dialogue.places == [len(dialogue.chunk) - 1]
        unused = dialogue.answer(REPLY)
        row = row[: len(row) - unused]
    assert dialogue.ended and dialogue.trace == ()


def test_what_was_read_is_not_read_again() -> None:
    dialogue = Dialogue(JOB, asking([[1, 2, 3], [1, 2, 4, 5], [1, 2, 4, 5]]))
    dialogue.restart()
    assert dialogue.chunk == [1, 2, 3]
    assert dialogue.answer(REPLY) == 1 and dialogue.chunk == [4, 5]
    assert dialogue.answer(REPLY) == 1 and dialogue.chunk == [5], "for the choices after it"


def test_a_new_session_reads_the_whole_question() -> None:
    dialogue = Dialogue(JOB, asking([[1, 2], [1, 2, 3]]))
    dialogue.restart()
    dialogue.answer(REPLY)
    assert dialogue.chunk == [3]
    dialogue.restart()
    assert dialogue.chunk == [1, 2, 3] and dialogue.places == [2]
