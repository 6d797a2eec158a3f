"""An encoder–decoder model that decoders read on with, batch by batch.

A prompt ends with the id that the decoder starts with, which is in no text: the encoder reads what stands before it,
the decoder goes on from there. The decoder reads its whole answer again in each pass: a cache would save little of a
few passes, and T5 counts positions in slots of the cache, which rows of different length would leave wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch.nn.utils.rnn import pad_sequence

from ..decoding.marks import Plan
from .base_step import Steps, padded
from .draft_head import DraftHead


class Read(NamedTuple):
    """What an encoder has read: hidden states, rows × ids × width, and which of the ids are no padding, rows × ids."""

    states: torch.Tensor
    there: torch.Tensor


def start_of(model: Any) -> int:
    """The id that the decoder starts with. Raises: ValueError if the model does not say it."""
    start = getattr(model.config, "decoder_start_token_id", None)
    if start is None:
        raise ValueError(f"{model.config.name_or_path!r} has no decoder_start_token_id: add it to its config.json")
    return int(start)


def begun(
    model: Any, closing: Sequence[int], prefix: Sequence[int], bodies: Sequence[Sequence[int]]
) -> tuple[list[torch.Tensor], Read, list[list[int]]]:
    """Read bodies, each behind the prefix: prompts with what is known of the answers.

    closing: The ids with which the encoder expects a text to end.
    Returns: hidden states of each body, ids × width; what the encoder has read; what the decoder has read.
    """
    ends = [list(body).index(start_of(model)) for body in bodies]
    prompts = [[*prefix, *body[:end], *closing] for body, end in zip(bodies, ends, strict=True)]
    answers = [list(body[end:]) for body, end in zip(bodies, ends, strict=True)]
    ids, there = padded(prompts, model.device)
    read = Read(model.get_encoder()(input_ids=ids, attention_mask=there.long()).last_hidden_state, there)
    parts = zip(read.states[:, len(prefix) :], decoded(model, read, answers), ends, bodies, strict=True)
    return [torch.cat([one[:end], two[: len(body) - end]]) for one, two, end, body in parts], read, answers


def decoded(model: Any, read: Read, answers: Sequence[Sequence[int]]) -> torch.Tensor:
    """Hidden states of answers: rows × at least the longest answer × width. Padding is on the right, where no id that
    counts looks."""
    output = model.get_decoder()(
        input_ids=padded(answers, model.device)[0],
        encoder_hidden_states=read.states,
        encoder_attention_mask=read.there.long(),
        use_cache=False,
    )
    hidden: torch.Tensor = output.last_hidden_state
    return hidden


class Seq2SeqSteps(Steps):
    """The step model of an encoder–decoder model.

    closing: The ids with which the encoder expects a text to end.
    """

    def __init__(self, model: Any, closing: Sequence[int] = (), draft_head: DraftHead | None = None) -> None:
        super().__init__(model, draft_head)
        self.closing = closing

    def session(self, prefix: tuple[int, ...], rows: int) -> Seq2SeqSession:
        """A fresh batch. The prefix is read with each prompt, for an encoder looks ahead."""
        return Seq2SeqSession(self, prefix, rows)

    def gather(self, rows: Sequence[tuple[Seq2SeqSession, int]]) -> Seq2SeqSession:
        """A batch of rows of other batches, in this order."""
        result = self.session((), len(rows))
        result.answers = [session.answers[row] for session, row in rows]
        states = pad_sequence([session.read.states[row] for session, row in rows], batch_first=True)
        there = pad_sequence([session.read.there[row] for session, row in rows], batch_first=True)
        result.read = Read(states, there)
        return result


class Seq2SeqSession:
    """What has been read in the rows of a batch.

    answers: The ids that the decoder has read, none before the first chunk.
    read: What the encoder has read.
    states: The hidden states of the last chunk.
    layer: Has no effect: the draft head gets the last hidden states, for encoder and decoder may differ in depth.
    """

    read: Read
    states: torch.Tensor
    layer: int | None = None

    def __init__(self, steps: Seq2SeqSteps, prefix: Sequence[int], rows: int) -> None:
        self._steps, self._prefix = steps, prefix
        self.answers: list[list[int]] = [[] for _ in range(rows)]

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.answers)

    @torch.inference_mode()
    def extend(self, chunks: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read a chunk in every row: one forward pass. Returns hidden states, rows × longest chunk × width."""
        steps = self._steps
        if any(self.answers):
            self.answers = [[*answer, *chunk] for answer, chunk in zip(self.answers, chunks, strict=True)]
            rows = zip(decoded(steps.model, self.read, self.answers), self.answers, chunks, strict=True)
            hidden = [row[len(answer) - len(chunk) : len(answer)] for row, answer, chunk in rows]
        else:
            hidden, self.read, self.answers = begun(steps.model, steps.closing, self._prefix, chunks)
        self.states = pad_sequence(hidden, batch_first=True)
        return self.states

    def expect(self, words: Sequence[Sequence[int]]) -> list[Plan]:
        """What the draft head expects of each row, if there is one."""
        return self._steps.plans(self.states, words)

    def drop(self, counts: Sequence[int]) -> None:
        """Forget the last ids of each row."""
        self.answers = [ids[: len(ids) - count] for ids, count in zip(self.answers, counts, strict=True)]
