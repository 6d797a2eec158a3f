from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise, product
from string import ascii_letters
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.decoding.greedy import _WIDTH, GreedyDecoder
from spacy_genner.decoding.interfaces import Decoder, Job
from spacy_genner.decoding.moves import spell
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.formats.base import Format
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.labels.label_set import as_labels
from spacy_genner.lm.causal import CausalLM
from spacy_genner.types import Entity, Source, Trace
from tests.decoding import reference
from tests.decoding.scripted import Rule, ScriptedModel, encode, noise, unread, wanting
from tests.formats.table import FORMATS
from tests.strategies import label_sets, sources

DECODERS: list[Callable[..., Decoder]] = [GreedyDecoder, SpeculativeDecoder]
every_decoder = pytest.mark.parametrize("decoder", DECODERS)
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
    traces = decoder(batch_tokens)(ScriptedModel(noise), jobs)
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
    traces = decoder()(ScriptedModel(rule), [jobs[i] for i in order])
    assert [said(jobs[i], trace) for i, trace in zip(order, traces, strict=True)] == [
        GOLD[i] for i in order
    ]


def test_a_greedy_pass_reads_the_prompt_or_a_little_more_of_every_row() -> None:
    """No row waits for another: the one that needs most passes settles how many there are."""
    jobs, rule = gold_jobs()
    spelled = [
        spell(job.grammar, job.grammar.derive(gold), encode)[1]
        for job, gold in zip(jobs, GOLD, strict=True)
    ]
    positions = [[0, *(decision.position for decision in decisions)] for decisions in spelled]
    needed = [
        1 + sum(math.ceil((end - start) / _WIDTH) for start, end in pairwise(row))
        for row in positions
    ]
    model = ScriptedModel(rule)
    GreedyDecoder()(model, jobs)
    assert model.sessions == [(PREFIX, 4)]
    assert model.passes == max(needed) and model.asked == sum(map(len, spelled))


@every_decoder
def test_jobs_without_a_choice_need_no_pass(decoder: Callable[..., Decoder]) -> None:
    model = ScriptedModel(noise)
    traces = decoder()(model, [job_of(words("a b"), {}), job_of(Source((), ()))])
    assert [[step.move.text for step in trace] for trace in traces] == [[" a", " b"], []]
    assert all(step.forced and step.logprob == 0 for trace in traces for step in trace)
    assert model.sessions == [] and model.passes == 0


@every_decoder
def test_a_row_without_a_choice_does_not_disturb_its_batch(decoder: Callable[..., Decoder]) -> None:
    jobs, rule = gold_jobs()
    jobs.insert(1, job_of(words("forced"), {}))
    model = ScriptedModel(rule)
    traces = decoder()(model, jobs)
    assert [said(job, trace) for job, trace in zip(jobs, traces, strict=True)] == [
        GOLD[0],
        [],
        *GOLD[1:],
    ]
    assert model.sessions == [(PREFIX, 4)]


@every_decoder
def test_no_jobs(decoder: Callable[..., Decoder]) -> None:
    assert decoder()(ScriptedModel(noise), []) == []


@every_decoder
@pytest.mark.parametrize("format", [INLINE, InlineBracketed(3, label_first=True)], ids=str)
def test_ties_go_to_the_first_move(decoder: Callable[..., Decoder], format: Format) -> None:
    jobs = [job_of(words("a b c"), format=format)]
    (trace,) = decoder()(ScriptedModel(lambda history, id: 0.0), jobs)
    assert [step.move.text for step in trace] == [" a", " b", " c"]


@every_decoder
def test_ties_between_labels_go_to_the_first_label(decoder: Callable[..., Decoder]) -> None:
    job = job_of(words("a"))
    opened = wanting([*job.prefix, *job.body, *encode(" [a |")])
    (trace,) = decoder()(ScriptedModel(opened), [job])
    assert said(job, trace) == [Entity(0, 1, "PER")]


@pytest.mark.parametrize(
    ("batch_tokens", "rows"),
    [
        (1, [1, 1, 1, 1, 1]),
        (10, [2, 1, 1, 1]),
        (15, [3, 1, 1]),
        (24, [3, 2]),
        (47, [3, 2]),
        (48, [4, 1]),
        (60, [5]),
    ],
)
def test_a_greedy_batch_holds_no_more_ids_than_it_may(batch_tokens: int, rows: list[int]) -> None:
    """Padded to the longest prompt, and the shortest prompts together; one prompt may be longer."""
    bodies = [12, 5, 3, 12, 5]
    jobs = [
        Job((1,), [7] * size, [], INLINE.grammar(words("a b"), LABELS), encode, 0, unread)
        for size in bodies
    ]
    model = ScriptedModel(noise)
    GreedyDecoder(batch_tokens)(model, jobs)
    assert [rows for _, rows in model.sessions] == rows


@every_decoder
def test_prefixes_do_not_mix(decoder: Callable[..., Decoder]) -> None:
    one, two = ((1, 1), (2,))
    jobs = [job_of(words(text), prefix=prefix) for text in TEXTS for prefix in (one, two)]
    model = ScriptedModel(noise)
    traces = decoder()(model, jobs)
    assert model.sessions == [(one, 4), (two, 4)]
    assert all(map(reference.same, traces, [reference.decode(ask(noise), job) for job in jobs]))


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
        traces = GreedyDecoder()(lm.steps, jobs)
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
        traces = decoder(batch_tokens)(lm.steps, jobs)
        assert all(map(reference.same, traces, expected)), batch_tokens
    assert any(said(job, trace) for job, trace in zip(jobs, expected, strict=True))
