"""An encoder–decoder model as decoders use it: it reads the rows of a batch chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from ..decoding.marks import Plan
from .attention import attention_mask
from .cache import Slots, beside, empty_cache, gathered, reordered, stacked, stacked_slots
from .draft_head import DraftHead
from .encoder_decoder import Read, begun, decoded
from .steps import Steps, by_session, padded


class Seq2SeqSteps(Steps):
    """The step model of an encoder–decoder model.

    Args:
        closing: The token ids with which the encoder expects a text to end.
    """

    def __init__(
        self, model: Any, closing: Sequence[int] = (), draft_head: DraftHead | None = None
    ) -> None:
        super().__init__(model, draft_head)
        self.closing = closing

    def unshared(self, prefix: tuple[int, ...]) -> int:
        """Return the length of the prefix: each row reads all of it."""
        return len(prefix)

    def session(self, prefix: tuple[int, ...], rows: int) -> Seq2SeqSession:
        """Return a new session. It reads the prefix with each prompt, because the encoder attends
        to what comes after the prefix as well."""
        return Seq2SeqSession(self, prefix, rows)

    def gather(self, rows: Sequence[tuple[Seq2SeqSession, int]]) -> Seq2SeqSession:
        """Return a session of the given rows of other sessions, in this order."""
        groups = by_session(rows)
        sessions = [session for session, _ in groups]
        answers = [_whole(session.valid, indices) for session, indices in groups]
        prompts = [_whole(session.read.there, indices) for session, indices in groups]
        result = self.session((), len(rows))
        result.own = gathered([session.own for session in sessions], answers)
        result.cross = gathered([session.cross for session in sessions], prompts)
        result.valid = stacked_slots([session.valid for session in sessions], answers)
        result.read = Read(
            stacked([session.read.states for session in sessions], prompts),
            stacked_slots([session.read.there for session in sessions], prompts),
        )
        return result


class Seq2SeqSession:
    """The keys and values of the rows of a session.

    T5 uses the indices of slots as positions, and only their differences matter to it. Before rows
    read on, their token ids are therefore moved to the right, past the holes, so that every row
    ends in the last slot.

    Attributes:
        own: The keys and values of what the decoder has read.
        cross: The keys and values of the prompts.
        valid: Which slots of `own` are not holes, rows × slots.
        read: What the encoder has read.
        states: The hidden states of the last chunk.
        layer: Ignored: the draft head gets the last hidden states, because encoder and decoder may
            differ in depth.
    """

    read: Read
    states: torch.Tensor
    layer: int | None = None

    def __init__(self, steps: Seq2SeqSteps, prefix: Sequence[int], rows: int) -> None:
        self._steps = steps
        self._prefix = prefix
        self.own = empty_cache()
        self.cross = empty_cache()
        self.valid = torch.ones(rows, 0, dtype=torch.bool, device=steps.model.device)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.valid)

    @torch.inference_mode()
    def extend(self, chunks: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read one chunk of token ids in every row, in one forward pass. The first chunk of a row
        is a prompt and as much of its answer as is known.

        Returns:
            The hidden states of the chunks, rows × longest chunk × width.
        """
        if self.valid.shape[1]:
            self.states = self._decode(chunks)[:, : max(map(len, chunks))]
        else:
            steps, prefixes = self._steps, [self._prefix] * len(chunks)
            hidden = begun(steps.model, steps.closing, prefixes, chunks, self._begin)
            self.states = pad_sequence(hidden, batch_first=True)
        return self.states

    def expect(self, words: Sequence[Sequence[int]]) -> list[Plan]:
        """Return what the draft head expects of each row, or an empty list without a draft head.

        Args:
            words: For each row, the indices in its last chunk of the last token id of each source
                token, and of the last token id of all.
        """
        return self._steps.plans(self.states, words)

    def drop(self, counts: Sequence[int]) -> None:
        """Forget the last token ids of each row. Their slots become holes.

        Args:
            counts: How many to forget in each row.
        """
        # The last token id of a row has the rank 1, the one before it the rank 2, …
        ranks = self.valid.flip(1).cumsum(1).flip(1)
        dropped = torch.tensor(counts, device=self.valid.device)
        self.valid = self.valid & (ranks > dropped[:, None])

    def _begin(self, read: Read, answers: Sequence[Sequence[int]]) -> torch.Tensor:
        self.read = read
        return self._decode(answers)

    def _decode(self, chunks: Sequence[Sequence[int]]) -> torch.Tensor:
        self._close_holes()
        model = self._steps.model
        ids, there = padded(chunks, self.valid.device)
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
        """Move the token ids of each row to the right, past its holes. Slots that are then holes in
        all rows are left out."""
        if self.valid.all():
            return
        longest = int(self.valid.sum(dim=1).max())
        # A stable sort puts the holes first, and keeps the order of the token ids.
        order = self.valid.int().argsort(dim=1, stable=True)[:, -longest:]
        self.valid = self.valid.take_along_dim(order, dim=1)
        self.own = reordered(self.own, order)


def _whole(slots: torch.Tensor, rows: Sequence[int]) -> Slots:
    """Return some rows, with all of their slots."""
    device = slots.device
    return torch.tensor(rows, device=device), torch.arange(slots.shape[1], device=device)
