from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from itertools import product
from string import ascii_letters
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.decoding.greedy import GreedyDecoder
from spacy_genner.decoding.interfaces import Decoder, Engine, Job
from spacy_genner.decoding.moves import spell
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.formats.base import Format
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.labels.label_set import as_labels
from spacy_genner.lm.causal import CausalLM
from spacy_genner.lm.session_engine import SessionEngine
from spacy_genner.types import Entity, Source, Trace
from tests.decoding import reference
from tests.decoding.scripted import Rule, ScriptedModel, encode, noise, unread, wanting
from tests.decoding.scripted_engine import ScriptedEngine
from tests.formats.table import FORMATS
from tests.strategies import label_sets, sources

DECODERS: list[Callable[..., Decoder]] = [GreedyDecoder, SpeculativeDecoder]
every_decoder = pytest.mark.parametrize("decoder", DECODERS)


def with_sessions(rule: Rule) -> SessionEngine:
    return SessionEngine(ScriptedModel(rule))


every_engine = pytest.mark.parametrize("engine", [ScriptedEngine, with_sessions])
LABELS = as_labels(["PER", "ORG", "GPE"])
INLINE = InlineBracketed(max_depth=2)
LABEL_FIRST = InlineBracketed(max_depth=1, label_first=True)
PREFIX = tuple(encode("Mark!"))


def job_of(
    source: Source,
    labels: dict[str, str] = LABELS,
    format: Format = INLINE,
    prefix: tuple[int, ...] = PREFIX,
    limit: float = math.inf,
) -> Job:
    body = encode(" ".join([*source.words, "→"]))
    return Job(prefix, body, [], format.grammar(source, labels), encode, 0, unread, limit)


def words(text: str) -> Source:
    return Source(tuple(text.split()), (True,) * len(text.split()))


def ask(rule: Rule) -> reference.Ask:
    return lambda history, ids: [rule(history, id) for id in ids]


def said(job: Job, trace: Trace | None) -> list[Entity]:
    assert trace is not None
    return [entity for entity, _ in job.grammar.entities([step.move for step in trace])]


every_format = pytest.mark.parametrize("format", FORMATS, ids=str)


@every_decoder
@every_engine
@every_format
@given(
    label_sets,
    st.lists(sources(max_size=5), max_size=5),
    st.sampled_from([1, 20, 40, 2048]),
    st.integers(0, 9),
    st.just(math.inf) | st.integers(-1, 60),
)
def test_it_equals_the_reference(
    decoder: Callable[..., Decoder],
    engine: Callable[[Rule], Engine],
    format: Format,
    labels: dict[str, str],
    texts: list[Source],
    batch_tokens: int,
    seed: int,
    limit: float,
) -> None:
    """In the order of the jobs, in batches of any size, of prompts of different lengths, with an
    answer that depends on everything read and written before, and that may become too long."""
    jobs = [job_of(source, labels, format, (seed,), limit) for source in texts]
    traces = decoder(batch_tokens)(engine(noise), jobs)
    expected = [reference.decode(ask(noise), job) for job in jobs]
    assert len(traces) == len(expected) and all(map(reference.same, traces, expected))


TEXTS = ["He met Ann Lee in Leeds .", "Leeds", "Ann Lee of Essex Police left", "Nothing here"]
GOLD = [
    [Entity(2, 4, "PER"), Entity(5, 6, "GPE")],
    [Entity(0, 1, "GPE")],
    [Entity(0, 2, "PER"), Entity(3, 4, "GPE"), Entity(3, 5, "ORG")],
    [],
]


def gold_jobs() -> tuple[list[Job], Rule]:
    """Jobs, and a rule that wants their gold entities."""
    jobs = [job_of(words(text)) for text in TEXTS]
    spelled = [
        spell(job.grammar, job.grammar.derive(gold), encode)[0]
        for job, gold in zip(jobs, GOLD, strict=True)
    ]
    return jobs, wanting(
        *([*job.prefix, *job.body, *ids] for job, ids in zip(jobs, spelled, strict=True))
    )


@every_decoder
@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [1, 1, 0, 1]])
def test_it_says_what_the_model_wants_in_the_order_of_the_jobs(
    decoder: Callable[..., Decoder], order: list[int]
) -> None:
    jobs, rule = gold_jobs()
    traces = decoder()(ScriptedEngine(rule), [jobs[i] for i in order])
    assert [said(jobs[i], trace) for i, trace in zip(order, traces, strict=True)] == [
        GOLD[i] for i in order
    ]


def test_the_greedy_decoder_asks_for_one_decision_after_another() -> None:
    """Each question adds to the one before what was decided, and nothing is guessed."""
    jobs, rule = gold_jobs()
    engine = ScriptedEngine(rule)
    GreedyDecoder()(engine, jobs)
    for job, gold, questions in zip(jobs, GOLD, engine.questions, strict=True):
        ids, decisions = spell(job.grammar, job.grammar.derive(gold), encode)
        assert [(q.ids, q.places, q.choices) for q in questions] == [
            ([*job.body, *ids[: d.position]], [len(job.body) + d.position], [d.choices])
            for d in decisions
        ]


@every_decoder
def test_jobs_without_a_choice_need_no_pass(decoder: Callable[..., Decoder]) -> None:
    engine = ScriptedEngine(noise)
    traces = decoder()(engine, [job_of(words("a b"), {}), job_of(Source((), ()))])
    assert engine.asked == [0, 0]
    assert [[step.move.text for step in trace] for trace in traces] == [[" a", " b"], []]
    assert all(step.forced and step.logprob == 0 for trace in traces for step in trace)


@every_decoder
def test_no_jobs(decoder: Callable[..., Decoder]) -> None:
    assert decoder()(ScriptedEngine(noise), []) == []


@every_decoder
@pytest.mark.parametrize("format", [INLINE, InlineBracketed(3, label_first=True)], ids=str)
def test_ties_go_to_the_first_move(decoder: Callable[..., Decoder], format: Format) -> None:
    jobs = [job_of(words("a b c"), format=format)]
    (trace,) = decoder()(ScriptedEngine(lambda history, id: 0.0), jobs)
    assert [step.move.text for step in trace] == [" a", " b", " c"]


@every_decoder
def test_ties_between_labels_go_to_the_first_label(decoder: Callable[..., Decoder]) -> None:
    job = job_of(words("a"))
    opened = wanting([*job.prefix, *job.body, *encode(" [a |")])
    (trace,) = decoder()(ScriptedEngine(opened), [job])
    assert said(job, trace) == [Entity(0, 1, "PER")]


@every_decoder
def test_it_is_a_decoder(decoder: Callable[..., Decoder]) -> None:
    assert isinstance(decoder(), Decoder)


SOURCES = [
    words("Leeds"),
    words("Essex County Council said : no comment"),
    Source(("東京", "に", "[", "|"), (False,) * 4),
    words("Mrs O'Neil sold the old factory in Leeds for $1,234.50"),
    Source((), ()),
    words("The University of Edinburgh"),
]


def real_jobs(pieces: Any, format: Format, ending: str) -> list[Job]:
    prefix = pieces.encode_prefix("Mark the entities.\nText:")
    suffix = pieces.encode_template(f"\nAnswer:\n{ending}")
    bodies = [
        [id for word in source.words for id in pieces.encode(" " + word)] for source in SOURCES
    ]
    return [
        Job(
            prefix,
            body + suffix,
            [],
            format.grammar(source, LABELS),
            pieces.encode,
            pieces.end,
            unread,
        )
        for source, body in zip(SOURCES, bodies, strict=True)
    ]


def telling_jobs(lm: CausalLM, format: Format) -> list[Job]:
    """Jobs in which a random network finds an entity: with some endings of the prompt it ends every
    list at once, or only copies."""
    for ending in ("", *ascii_letters, *map("".join, product(ascii_letters, repeat=2))):
        jobs = real_jobs(lm.pieces, format, ending)
        traces = GreedyDecoder()(lm.engine, jobs)
        if any(said(job, trace) for job, trace in zip(jobs, traces, strict=True)):
            return jobs
    raise AssertionError("the network finds no entity, whatever it is asked")


def whole_sequences(folder: str) -> reference.Ask:
    """A network that reads the whole sequence for every id, and computes all logits."""
    from transformers import AutoModelForCausalLM

    network = AutoModelForCausalLM.from_pretrained(folder).float().eval()

    def logits(history: tuple[int, ...], ids: Sequence[int]) -> list[float]:
        with torch.inference_mode():
            row = network(torch.tensor([history])).logits[0, -1]
        return [float(row[id]) for id in ids]

    return logits


@pytest.fixture(scope="module")
def real_reference(tiny: Callable[..., str]) -> Callable[..., tuple[list[Job], list[Any]]]:
    """`real_reference(format, family, tokenizer)`: jobs, and what the slow reference decodes, once
    for all decoders."""

    @cache
    def decode(format: Format, family: str, tokenizer: str) -> tuple[list[Job], list[Any]]:
        folder = tiny(family, tokenizer)
        jobs = telling_jobs(CausalLM(folder, dtype="float32", device="cpu"), format)
        ask = whole_sequences(folder)
        return jobs, [reference.decode(ask, job) for job in jobs]

    return decode


@every_decoder
@pytest.mark.parametrize(
    ("format", "family", "tokenizer"),
    [
        *((format, *kind) for format in FORMATS for kind in (("llama", "bpe"), ("qwen3", "spm"))),
        *product((INLINE, LABEL_FIRST), ("qwen3", "gemma3_text", "granite"), ("bpe",)),
        (INLINE, "gemma3_text", "spm"),
    ],
    ids=str,
)
def test_real_networks_equal_the_reference(
    decoder: Callable[..., Decoder],
    format: Format,
    family: str,
    tokenizer: str,
    tiny_lm: Callable[..., Any],
    real_reference: Callable[..., tuple[list[Job], list[Any]]],
) -> None:
    """Cache, masks, sliding windows, positions, sparse head, logit scaling: all of it, in batches
    and alone."""
    lm = tiny_lm(family, tokenizer)
    jobs, expected = real_reference(format, family, tokenizer)
    for batch_tokens in (2048, 100, 1):
        traces = decoder(batch_tokens)(lm.engine, jobs)
        assert all(map(reference.same, traces, expected)), batch_tokens
    assert any(said(job, trace) for job, trace in zip(jobs, expected, strict=True))
