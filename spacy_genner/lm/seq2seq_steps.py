"""An encoder–decoder model that decoders read on with, batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from ..decoding.marks import Plan
from .attention import attention_mask
from .cache import Slots, beside, empty_cache, gathered, reordered, stacked
from .draft_head import DraftHead
from .encoder_decoder import Read, begun, decoded
from .steps import Steps, padded


class Seq2SeqSteps(Steps):
    """The step model of an encoder–decoder model.

    Args:
        closing: The ids with which the encoder expects a text to end.
    """

    def __init__(
        self, model: Any, closing: Sequence[int] = (), draft_head: DraftHead | None = None
    ) -> None:
        super().__init__(model, draft_head)
        self.closing = closing

    def unshared(self, prefix: tuple[int, ...]) -> int:
        """All of them."""
        return len(prefix)

    def session(self, prefix: tuple[int, ...], rows: int) -> Seq2SeqSession:
        """A fresh batch. The prefix is read with each prompt, for an encoder looks ahead."""
        return Seq2SeqSession(self, prefix, rows)

    def gather(self, rows: Sequence[tuple[Seq2SeqSession, int]]) -> Seq2SeqSession:
        """A batch of rows of other batches, in this order."""
        groups = [
            (session, [row for _, row in group])
            for session, group in groupby(rows, key=itemgetter(0))
        ]
        sessions = [session for session, _ in groups]
        answers = [_whole(session.valid, index) for session, index in groups]
        prompts = [_whole(session.read.there, index) for session, index in groups]
        result = self.session((), len(rows))
        result.own = gathered([session.own for session in sessions], answers)
        result.cross = gathered([session.cross for session in sessions], prompts)
        result.valid = stacked([session.valid[..., None] for session in sessions], answers)[..., 0]
        result.read = Read(
            stacked([session.read.states for session in sessions], prompts),
            stacked([session.read.there[..., None] for session in sessions], prompts)[..., 0],
        )
        return result


class Seq2SeqSession:
    """The keys and values of the rows of a batch. T5 takes slots for positions, of which only
    differences matter to it: rows are moved to the right, so that they end together, before they
    read on.

    Attributes:
        own, cross: Keys and values of what the decoder has read, and of the prompts.
        valid: Which slots of the decoder's are no holes, rows × slots.
        read: What the encoder has read.
        states: The hidden states of the last chunk.
        layer: Has no effect: the draft head gets the last hidden states, for encoder and decoder
            may differ in depth.
    """

    read: Read
    states: torch.Tensor
    layer: int | None = None

    def __init__(self, steps: Seq2SeqSteps, prefix: Sequence[int], rows: int) -> None:
        self._steps, self._prefix = steps, prefix
        self.own, self.cross = empty_cache(), empty_cache()
        self.valid = torch.ones(rows, 0, dtype=torch.bool, device=steps.model.device)

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.valid)

    @torch.inference_mode()
    def extend(self, chunks: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read a chunk in every row: one forward pass. Returns hidden states, rows × longest chunk
        × width."""
        if self.valid.shape[1]:
            self.states = self._decode(chunks)[:, : max(map(len, chunks))]
        else:
            begin = begun(
                self._steps.model,
                self._steps.closing,
                [self._prefix] * len(chunks),
                chunks,
                self._begin,
            )
            self.states = pad_sequence(begin, batch_first=True)
        return self.states

    def expect(self, words: Sequence[Sequence[int]]) -> list[Plan]:
        """What the draft head expects of each row, if there is one."""
        return self._steps.plans(self.states, words)

    def drop(self, counts: Sequence[int]) -> None:
        """Forget the last ids of each row: their slots become holes."""
        from_end = self.valid.flip(1).cumsum(1).flip(1)
        self.valid = self.valid & (
            from_end > torch.tensor(counts, device=self.valid.device)[:, None]
        )

    def _begin(self, read: Read, answers: Sequence[Sequence[int]]) -> torch.Tensor:
        self.read = read
        return self._decode(answers)

    def _decode(self, chunks: Sequence[Sequence[int]]) -> torch.Tensor:
        self._close_holes()
        model, (ids, there) = self._steps.model, padded(chunks, self.valid.device)
        self.valid = torch.cat([self.valid, there], dim=1)
        slots = torch.arange(self.valid.shape[1], device=ids.device).expand(self.rows, -1)
        mask = attention_mask(
            model.config, slots[:, -ids.shape[1] :], slots, self.valid[:, None], model.dtype
        )
        cache = beside(self.own, self.cross)
        return decoded(
            model, self.read, ids, attention_mask=mask, past_key_values=cache, use_cache=True
        )

    def _close_holes(self) -> None:
        """Move rows to the right."""
        if not self.valid.all():
            order = self.valid.int().argsort(dim=1, stable=True)[
                :, -int(self.valid.sum(dim=1).max()) :
            ]
            self.valid, self.own = (
                self.valid.take_along_dim(order, dim=1),
                reordered(self.own, order),
            )


def _whole(slots: torch.Tensor, rows: Sequence[int]) -> Slots:
    """Rows, and all of their slots."""
    return torch.tensor(rows, device=slots.device), torch.arange(
        slots.shape[1], device=slots.device
    )
