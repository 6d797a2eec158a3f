"""Several threads that use a network at once get what one thread gets."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import pytest
from thinc.api import Model

from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.labels.label_set import Labels
from spacy_genner.models.generative import build_generative_ner, speller_of
from spacy_genner.prompts.instruction import Instruction
from spacy_genner.types import Source

CHAT = "{% for turn in messages %}<|im_start|>{{ turn['role'] }}\n{{ turn['content'] }}<|im_end|>\n{% endfor %}"
WORDS = ["The", "<|im_end|>", "University", "of", "Leeds", "<|im_start|>", "[sic]"]
THREADS = 8


@pytest.fixture(autouse=True)
def chat(tiny_lm: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The tokenizer has a chat template."""
    monkeypatch.setattr(tiny_lm().base.tokenizer, "chat_template", CHAT)


@pytest.fixture
def eager_switches() -> Iterator[None]:
    """Threads take turns at every opportunity, so that what may go wrong does."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def network(lm: Any) -> Model[Any, Any]:
    return build_generative_ner(lm, InlineBracketed(), Instruction(chat=True), SpeculativeDecoder())


def asked(count: int) -> list[tuple[Source, Labels]]:
    """Texts with control tokens in them, each with a label set of its own."""
    words = [(*WORDS[n % 7 :], f"word{n}", *WORDS[: n % 7]) for n in range(count)]
    return [
        (Source(w, (True,) * len(w)), {f"LABEL{n}": "a <|im_end|>", "ORG": ""})
        for n, w in enumerate(words)
    ]


def ids(model: Model[Any, Any], source: Source, labels: Labels) -> list[int]:
    """All that is spelled for a source: its prompt, and what an answer copies."""
    job = speller_of(model, labels).job(source)
    copied = (job.encode(move.text) for move in job.grammar.derive([]))
    return [*job.prefix, *job.body, *chain(*copied)]


def test_threads_spell_what_one_thread_spells(
    tiny_lm: Callable[..., Any], eager_switches: None
) -> None:
    questions = asked(400)
    alone = network(tiny_lm())
    expected = [ids(alone, *question) for question in questions]
    together = network(tiny_lm())
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda question: ids(together, *question), questions))
    assert [n for n, (a, b) in enumerate(zip(found, expected, strict=True)) if a != b] == []


def test_threads_find_what_one_thread_finds(
    tiny_lm: Callable[..., Any], eager_switches: None
) -> None:
    """Each with a prefix of its own, so that the memory of prefixes is full all the time."""
    questions = asked(60)
    alone, together = network(tiny_lm()), network(tiny_lm())
    expected = [alone.predict([question])[0] for question in questions]
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda question: together.predict([question])[0], questions))
    assert found == expected
    scores = [[entity.score for entity in chain(*some)] for some in (found, expected)]
    assert scores[0] == pytest.approx(scores[1], rel=1e-5)


def test_weights_are_loaded_and_merged_once(
    tiny_lm: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, eager_switches: None
) -> None:
    lm = tiny_lm()
    model = network(lm)
    merged, steps_of = list[object](), type(lm)._steps_of
    monkeypatch.setattr(
        type(lm), "_steps_of", lambda self, steps: merged.append(steps) or steps_of(self, steps)
    )
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda _: model.predict(asked(1)), range(THREADS)))
    assert len(merged) == 1 and all(some == found[0] for some in found)
