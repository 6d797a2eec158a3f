"""Prompts, answers, and the positions of the language model that they take."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.formats.bio import BIO
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.formats.occurrence_json import OccurrenceJSON
from spacy_genner.formats.typed_list import TypedList
from spacy_genner.lm.pieces import Pieces
from spacy_genner.models.speller import Speller, Spellers
from spacy_genner.prompts.instruction import Instruction
from spacy_genner.prompts.shots import FewShot, Shots
from spacy_genner.types import Entity, Source
from tests.strategies import nested, sources

TEXT = Source(("Ann", "Lee", "left", "Leeds"), (False, True, True, True))
LABELS = {"PER": "", "GPE": ""}


@pytest.fixture(scope="session")
def speller(pieces: Callable[[str], Pieces]) -> Callable[..., Speller]:
    """`speller(positions, format, labels, shots)`: of a tiny tokenizer and a model with so many
    positions."""

    def make(
        positions: float,
        format: Any = None,
        labels: dict[str, str] = LABELS,
        shots: Shots | None = None,
    ) -> Speller:
        prompt = Instruction(shots=FewShot(1) if shots else None)
        return Speller(
            pieces("bpe"), format or InlineBracketed(), prompt, labels, shots or Shots(), positions
        )

    return make


def size(speller: Speller, source: Source = TEXT) -> int:
    """The ids of a whole prompt."""
    job = speller.job(source)
    return len(job.prefix) + len(job.body)


def test_an_answer_may_take_the_positions_that_the_prompt_leaves(
    speller: Callable[..., Speller],
) -> None:
    prompt = size(speller(10_000))
    assert speller(10_000).job(TEXT).limit == 10_000 - prompt
    assert speller(math.inf).job(TEXT).limit == math.inf


def test_a_prompt_without_room_for_a_text_is_an_error_that_names_labels_and_limit(
    speller: Callable[..., Speller],
) -> None:
    """A definition of 10,000 words, from a file that somebody else has written."""
    with pytest.raises(
        ValueError, match=r"labels ORG, GPE takes .* token ids.* has 2,048 positions.*shorten"
    ):
        speller(2048, labels={"ORG": "word " * 10_000, "GPE": ""})
    long = Source(("word",) * 200, (True,) * 200)
    with pytest.raises(ValueError, match="show fewer examples"):
        speller(256, shots=Shots([(long, ())], FewShot(1)))


def test_the_room_of_a_window_holds_prompt_text_and_an_answer(
    speller: Callable[..., Speller],
) -> None:
    long = Source(("f0" * 45,) * 60, (True,) * 60)
    end = speller(2048).room(long, 256).reach(0, 256)
    assert 1 < end < 60
    prompt, more = size(speller(2048), long[:end]), size(speller(2048), long[: end + 1])
    copy = prompt - size(speller(2048), long[:0])
    assert prompt + 1.5 * copy <= 2048 < more + 1.6 * copy * (end + 1) / end
    assert speller(math.inf).room(long, 256).reach(0, 256) == 256


@given(st.data())
def test_what_outgrows_the_positions_is_known_exactly(
    speller: Callable[..., Speller], data: st.DataObject
) -> None:
    format = data.draw(st.sampled_from([InlineBracketed(), BIO(), OccurrenceJSON()]))
    source = data.draw(sources(max_size=6))
    entities = data.draw(nested(source, LABELS, 2))
    unbounded = speller(math.inf, format)
    target = unbounded.target(source, format.grammar(source, LABELS).expressible(entities)[0])
    positions = len(target.prefix) + len(target.prompt) + len(target.answer)
    assert not unbounded.outgrows(source, entities)
    assert not speller(positions + 16, format).outgrows(source, entities)
    if len(target.prompt) + len(target.answer) > 100:  # with less room, the prompt alone is refused
        assert speller(positions - 1, format).outgrows(source, entities)


def test_what_can_be_expressed_depends_on_how_the_tokenizer_writes_the_text(
    pieces: Callable[[str], Pieces],
) -> None:
    """Two words that it cannot write look alike, so that a list always means the first."""
    speller = Speller(pieces("spm"), TypedList(), Instruction(), LABELS, Shots())
    text = Source(("組", "織", "Leeds"), (False, True, True))
    first, second, last = Entity(0, 1, "PER"), Entity(1, 2, "PER"), Entity(2, 3, "GPE")
    assert TypedList().grammar(text, LABELS).expressible([second]) == ([second], [])
    kept, refused = speller.expressible(text, [second, last])
    assert (kept, refused) == ([first, last], [(second, "at another place of the same text")])
    assert speller.expressible(text, [first, second]) == ([first, second], [])
    assert speller.target(text, kept).answer
    with pytest.raises(ValueError, match="another place of the same text"):
        speller.target(text, [second])


def test_a_line_break_is_read_and_copied(
    speller: Callable[..., Speller], pieces: Callable[[str], Pieces]
) -> None:
    job = speller(2048).job(Source(("Ann", "Lee", "Leeds"), (True, 2, 3)))
    assert pieces("bpe").decode(job.body).startswith(" Ann\nLee\n\nLeeds")
    ids = [job.encode(move.text) for move in job.grammar.derive([Entity(1, 2, "PER")])]
    assert pieces("bpe").decode(list(chain(*ids))) == " Ann\n[Lee | PER]\n\nLeeds"


def test_a_tokenizer_without_line_breaks_shows_spaces(
    pieces: Callable[[str], Pieces], tiny_t5: Callable[..., str]
) -> None:
    from transformers import AutoTokenizer

    source = Source(("Ann", "Lee", "Leeds"), (2, 2, 3))
    assert pieces("bpe").readable(source).spaces == (True, 2, 3)
    assert Pieces(AutoTokenizer.from_pretrained(tiny_t5())).readable(source).spaces == (
        True,
        True,
        True,
    )


def test_a_speller_is_made_once_and_copies_begin_anew() -> None:
    made, spellers = list[object](), Spellers()

    def make() -> Any:
        made.append(object())
        return made[-1]

    assert spellers.of(LABELS, make) is spellers.of(dict(LABELS), make)
    assert spellers.of(dict(reversed(LABELS.items())), make) is made[1]
    assert pickle.loads(pickle.dumps(Spellers())).of(LABELS, make) is made[2]
