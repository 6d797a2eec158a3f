"""Asking a network about texts whose entities are known, as it is set up and in other ways."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice, pairwise
from typing import Any, NamedTuple, TypeAlias

from ..answers import Repairs
from ..decoding.free import FreeDecoder, longest
from ..decoding.interfaces import Engine, Job
from ..decoding.moves import ids_of
from ..decoding.speculative import SpeculativeDecoder
from ..files.saved import read_object
from ..labels.label_set import Labels
from ..lm.pieces import Pieces
from ..prompts.instruction import Instruction
from ..types import Entity, Move, Source
from ..weights.adapter_config import CONFIG
from ..weights.plugged import find_adapter
from .answered import BASE, CHAT, COPIES, END, FIRST, LABELS, MARKS, OWN, Answered, LogProbs
from .generative import Network, build_generative_ner, set_shots, spellers_of
from .speller import Speller
from .transcript import answer_logits

_FEW, _MANY = 4, 16
"""The number of texts that are asked about at once: a few at first, to see how long they take, and
then twice as many each time, up to `_MANY`."""
_BATCH = 1024
"""At most how many token ids of prompts a batch holds."""
_FREE, _LEAST = 1.5, 16
"""The longest free answer, in token ids: `_FREE` for each token id of the prompt's body or of the
gold answer, whichever is longer, plus `_LEAST`. That is enough to see what is wrong with an answer,
and a model that is set up wrongly often does not end it."""

Gold: TypeAlias = tuple[Source, list[Entity], Labels]
"""A text, its entities, and the labels to ask for."""
Way: TypeAlias = tuple[Network, Any]
"""A way to set up a model: a network, and the step model that reads its prompts."""


class _Question(NamedTuple):
    """One of the prompts about a text, with its gold answer.

    Attributes:
        gold: The text, its entities, and the labels to ask for.
        part: The index of the prompt among those about this text.
        speller: What makes the prompt.
        job: The prompt as a decoder gets it.
        moves: The derivation of the gold answer.
        ids: Its token ids, with the one that ends it.
    """

    gold: Gold
    part: int
    speller: Speller
    job: Job
    moves: list[Move]
    ids: list[int]

    @classmethod
    def of(cls, network: Network, gold: Gold, part: int) -> _Question:
        source, entities, labels = gold
        speller = spellers_of(network, labels)[part]
        job = speller.job(source)
        moves = job.grammar.derive(speller.written(entities))
        ids = [id for move in moves for id in ids_of(move, job.encode)]
        return cls(gold, part, speller, job, moves, [*ids, job.end])

    @property
    def text(self) -> str:
        """The text of the gold answer."""
        return "".join(move.text for move in self.moves)


def probe(model: Network, golds: Iterable[Gold], seconds: float) -> list[Answered]:
    """Ask a network about texts, as many as it can answer in some time.

    Texts whose gold answer outgrows the positions of the language model are left out.

    Args:
        model: The network.
        golds: Texts with their entities, all of which the format can express, and the labels to ask
            for.
        seconds: When to stop: before texts that would probably take longer. The first few texts are
            always asked about.
    """
    begin = time.perf_counter()
    ways, answers, rest = _ways(model), list[Answered](), iter(golds)
    rows, ahead = _FEW, 0.0
    while time.perf_counter() + ahead < begin + seconds or not answers:
        start = time.perf_counter()
        chunk = list(islice(rest, rows))
        if not chunk:
            break
        answers += _answered(model, ways, _questions(model, chunk))
        ahead = 2 * (time.perf_counter() - start)
        rows = min(2 * rows, _MANY)
    return answers


def named_bases(model: Network) -> tuple[str, str | None]:
    """Return the name of a network's base weights, and the name of those that its adapter was
    trained on; None if there is no adapter from elsewhere, or if it does not say so."""
    shim: Any = model.shims[0]
    lm = shim.local
    # A saved pipeline holds its adapter, whose own folder may be gone.
    folder = lm.adapter and find_adapter(lm.adapter, lm.adapter_revision)
    if not folder:
        return lm.named.base, None
    return lm.named.base, read_object(folder / CONFIG).get("base_model_name_or_path")


def _ways(model: Network) -> dict[str, Way]:
    """Return the ways to set up a model: as it is; the base without what was trained, if it knows
    all token ids; and with the chat template instead of without, or without instead of with, if
    there is one that can be used."""
    shim: Any = model.shims[0]
    lm, prompt = shim.local, model.attrs["prompt"]
    ways: dict[str, Way] = {OWN: (model, shim.local.steps)}
    if len(lm.tokenizer) <= lm.base.model.get_input_embeddings().num_embeddings:
        ways[BASE] = model, lm.base_steps
    if lm.tokenizer.chat_template:
        template = prompt.template if prompt.file is None else prompt.file
        other = replace(
            prompt, template=template, chat=not prompt.chat, system=None, chat_arguments=None
        )
        network = _with_prompt(model, other)
        with suppress(ValueError):  # such as a chat template that loses the text
            spellers_of(network, model.attrs["labels"])
            ways[CHAT[other.chat]] = network, shim.local.steps
    return ways


def _with_prompt(model: Network, prompt: Instruction) -> Network:
    """Return a network on the same language model with another prompt."""
    shim: Any = model.shims[0]
    attrs = model.attrs
    network = build_generative_ner(
        shim.local, attrs["format"], prompt, attrs["decoder"], label_words=attrs["label_words"]
    )
    if attrs["shots"].pool:
        set_shots(network, attrs["shots"].pool)
    return network


def _questions(model: Network, golds: Iterable[Gold]) -> list[_Question]:
    """Return all prompts about texts whose gold answers the model has positions for."""
    questions = list[_Question]()
    for gold in golds:
        parts = range(len(spellers_of(model, gold[2])))
        questions += [_Question.of(model, gold, part) for part in parts]
    return [question for question in questions if len(question.ids) <= question.job.limit]


def _answered(
    model: Network, ways: Mapping[str, Way], questions: Sequence[_Question]
) -> list[Answered]:
    """Return the answers to questions."""
    shim: Any = model.shims[0]
    pieces, decoder = shim.lm.pieces, model.attrs["decoder"]
    if isinstance(decoder, FreeDecoder):
        decoder = SpeculativeDecoder()
    with shim.lock:
        traces = decoder(shim.engine, [question.job for question in questions])
        written = _write(shim.engine, questions)
        log_probs = [_log_probs(ways, question, pieces) for question in questions]
        respelled = [_respelled(shim.local.steps, question) for question in questions]
    answered = list[Answered]()
    measured = zip(questions, traces, written, log_probs, respelled, strict=True)
    for question, trace, ids, by_way, spelled in measured:
        grammar = question.job.grammar
        found = grammar.entities([step.move for step in trace]) if trace else []
        free, repairs = question.job.read(ids)
        answered.append(
            Answered(
                grammar=grammar,
                labels=question.speller.words,
                gold=question.speller.written(question.gold[1]),
                constrained=[entity for entity, _ in found],
                free=free,
                repairs=repairs + Repairs(unended=1 if len(ids) == _most(question) else 0),
                right=question.text,
                written=pieces.decode(ids),
                ids=ids,
                ends=[len(pieces.decode(ids[: i + 1])) for i in range(len(ids))],
                log_probs=by_way,
                respelled=spelled,
            )
        )
    return answered


def _write(engine: Engine, questions: Sequence[_Question]) -> list[list[int]]:
    """Return the free answer to each question."""
    return engine.write(
        [question.job for question in questions], list(map(_most, questions)), _BATCH
    )


def _most(question: _Question) -> int:
    """Return the greatest number of token ids of a free answer."""
    most = _FREE * max(len(question.job.body), len(question.ids)) + _LEAST
    return longest(replace(question.job, limit=min(most, question.job.limit)))


def _log_probs(ways: Mapping[str, Way], question: _Question, pieces: Pieces) -> dict[str, LogProbs]:
    """Return how probable the gold answer is in each way to set up a model."""
    found = dict[str, LogProbs]()
    for name, (network, steps) in ways.items():
        asked = _Question.of(network, question.gold, question.part)
        values = _of_ids(steps, asked.job, asked.ids)
        found[name] = list(zip(_places(asked, pieces), values, strict=True))
    return found


def _respelled(steps: Any, question: _Question) -> float:
    """Return the log-probability of the gold answer as the tokenizer itself spells it."""
    job = question.job
    return sum(_of_ids(steps, job, [*job.encode(question.text), job.end]))


def _of_ids(steps: Any, job: Job, ids: Sequence[int]) -> list[float]:
    """Return the log-probability of each token id of an answer among all token ids."""
    log_probs = answer_logits(steps, job, ids).log_softmax(dim=-1)
    values: list[float] = log_probs[range(len(ids)), ids].tolist()
    return values


def _places(question: _Question, pieces: Pieces) -> list[str]:
    """Return the kind of place of each token id of a gold answer."""
    encode = question.job.encode
    places = list[str]()
    for move in question.moves:
        if move.kind == "copy":
            places += [COPIES] * len(ids_of(move, encode))
        elif move.kind == "mention":
            *copies, closing = move.segments
            places += [COPIES] * sum(len(encode(segment)) for segment in copies)
            places += [MARKS] * len(encode(closing))
        else:
            places += _of_mark(move, ids_of(move, encode), pieces)
    return [*(FIRST if i == 0 else place for i, place in enumerate(places)), END]


def _of_mark(move: Move, ids: Sequence[int], pieces: Pieces) -> list[str]:
    """Return the kinds of places in a mark: that of its label, and that of all else."""
    left_out = len(move.text) - len(pieces.decode(ids))  # the space that some tokenizers drop
    start = move.text.find(move.label) if move.label else len(move.text)
    end = start + len(move.label or "")
    ends = [left_out + len(pieces.decode(ids[: i + 1])) for i in range(len(ids))]
    return [
        LABELS if begin < end and start < stop else MARKS for begin, stop in pairwise([0, *ends])
    ]
