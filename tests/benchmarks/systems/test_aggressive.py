"""Aggressive decoding is lossless: it finds what the greedy decoder finds."""

from benchmarks.systems.aggressive import AggressiveDecoder
from spacy_genner.decoding.greedy import GreedyDecoder
from spacy_genner.decoding.interfaces import Job
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.lm.session_engine import SessionEngine
from spacy_genner.types import Source
from tests.decoding.reference import same
from tests.decoding.scripted import ScriptedModel, encode, noise, unread

WORDS = ("the", "University", "of", "Leeds", "in", "Essex")
LABELS = {"ORG": "", "ORGAN": "", "GPE": ""}


def jobs() -> list[Job]:
    sources = [
        Source(WORDS[:length], (False, *[True] * (length - 1)))
        for length in range(1, len(WORDS) + 1)
    ]
    grammars = [InlineBracketed(2).grammar(source, LABELS) for source in sources]
    return [
        Job((1,), [2 + number], [0], grammar, encode, 0, unread)
        for number, grammar in enumerate(grammars)
    ]


def rarely_marks(history: tuple[int, ...], id: int) -> float:
    return noise(history, id) - 2.0 * (chr(id) in "[|")


def test_it_equals_the_greedy_decoder() -> None:
    ours, theirs = ScriptedModel(rarely_marks), ScriptedModel(rarely_marks)
    found, expected = (
        AggressiveDecoder(1)(SessionEngine(ours), jobs()),
        GreedyDecoder(1)(SessionEngine(theirs), jobs()),
    )
    assert all(map(same, found, expected))
    assert any(step.move.kind == "open" for trace in expected for step in trace)
    assert ours.passes < theirs.passes
