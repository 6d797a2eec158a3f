"""What a network reads for a text, and what it answers, one token id after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..decoding.interfaces import Job
from ..decoding.moves import Decision, follow
from ..decoding.scores import scored_entities
from ..labels.label_set import Labels
from ..lm.pieces import Pieces
from ..types import Entity, Source
from .generative import Network, spellers_of


@dataclass(frozen=True, slots=True)
class Transcript:
    """A prompt and the answer to it, as the language model reads and writes them.

    Attributes:
        prompt: The token ids that are read before the answer. With an encoder–decoder model, the
            last one is that with which the decoder starts.
        answer: The token ids of the answer, with the one that ends it.
        log_probs: The log-probability of each token id of the answer among all token ids.
        decisions: The places where the answer could have continued in another legal way.
        choices: For each decision, the log-probabilities of its choices, normalised over these.
        source: The text as the answer copies it.
        entities: The entities of the answer, with their scores.
    """

    prompt: list[int]
    answer: list[int]
    log_probs: list[float]
    decisions: list[Decision]
    choices: list[list[float]]
    source: Source
    entities: list[Entity]


def transcribe(model: Network, source: Source, labels: Labels) -> list[Transcript | None]:
    """Return what the language model reads for a text and answers with the network's own decoder.

    Returns:
        One transcript for each prompt; there are several if the format has one answer for each
        label. None where the answer outgrows the positions of the language model.

    Raises:
        ValueError: If the tokenizer does not fit the labels or the prompt; see `Speller`.
    """
    shim: Any = model.shims[0]
    found: list[Transcript | None] = []
    for speller in spellers_of(model, labels):
        job = speller.job(source)
        with shim.lock:
            [trace] = model.attrs["decoder"](shim.engine, [job])
            if trace is None:
                found.append(None)
                continue
            walk = follow(job.grammar, [step.move for step in trace], job.encode)
            answer = [*walk.ids, job.end]
            log_probs = answer_logits(shim.local.steps, job, answer).log_softmax(dim=-1)
        transcript = Transcript(
            prompt_ids(job, shim.lm.pieces),
            answer,
            log_probs[range(len(answer)), answer].tolist(),
            walk.decisions,
            [log_probs[d.position, d.choices].log_softmax(dim=-1).tolist() for d in walk.decisions],
            job.grammar.source,
            speller.meant(scored_entities(job.grammar, trace, model.attrs["scoring"])),
        )
        found.append(transcript)
    return found


def prompt_ids(job: Job, pieces: Pieces) -> list[int]:
    """Return the token ids that are read before an answer.

    With an encoder–decoder model, the end of the encoder's text comes before those with which the
    decoder starts.
    """
    end = len(job.body) - len(pieces.answer_start)
    closing = pieces.closing if pieces.answer_start else ()
    return [*job.prefix, *job.body[:end], *closing, *pieces.answer_start]


@torch.inference_mode()
def answer_logits(steps: Any, job: Job, answer: Sequence[int]) -> torch.Tensor:
    """Return the logits with which a model would choose each token id of an answer, if it had
    written those before it.

    Args:
        steps: The step model of the language model.
        job: What is asked.
        answer: The token ids of the answer, at least one.

    Returns:
        Token ids of the answer × vocabulary, float32 on the CPU.
    """
    hidden = steps.session(job.prefix, 1).extend([[*job.body, *answer[:-1]]])
    first = len(job.body) - 1  # the hidden state of an id has the logits of the next one
    logits: torch.Tensor = steps.head.logits(hidden[0, first : first + len(answer)])
    return logits.cpu()
