"""A causal language model that decoders read on with, batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import torch

from ..decoding.marks import Plan
from .attention import attention_mask
from .cache import Slots, empty_cache, gathered, repeated, stacked
from .draft_head import DraftHead
from .steps import Steps, padded

_KEPT = 2048
"""Ids of prefixes that are remembered, at most; the newest prefix always is."""


class CausalSteps(Steps):
    """The step model of a causal language model. It remembers the prefix that it has read."""

    def __init__(self, model: Any, draft_head: DraftHead | None = None) -> None:
        super().__init__(model, draft_head)
        self._prefixes: dict[tuple[int, ...], Any] = {}

    def session(self, prefix: tuple[int, ...], rows: int) -> CausalSession:
        """A fresh batch behind a prefix of at least one id."""
        if prefix not in self._prefixes:
            alone = self._begun(empty_cache(), 0, 1)
            alone.extend([prefix])
            cache = self.gather([(alone, 0)]).cache  # without holes
            while self._prefixes and sum(map(len, self._prefixes)) + len(prefix) > _KEPT:
                del self._prefixes[next(iter(self._prefixes))]
            self._prefixes[prefix] = cache
        session = self._begun(repeated(self._prefixes[prefix], rows), len(prefix), rows)
        session.layer = self.draft_head.layer if self.draft_head else None
        return session

    def gather(self, rows: Sequence[tuple[CausalSession, int]]) -> CausalSession:
        """A batch of rows of other batches, in this order, without the slots that are holes in all
        rows of a batch."""
        groups = groupby(rows, key=itemgetter(0))
        sessions, used = zip(
            *((session, session.used([row for _, row in group])) for session, group in groups),
            strict=True,
        )
        positions = stacked([session.positions[..., None] for session in sessions], used)[..., 0]
        valid = stacked([session.valid[..., None] for session in sessions], used)[..., 0]
        after = torch.cat(
            [session.after[row] for session, (row, _) in zip(sessions, used, strict=True)]
        )
        cache = gathered([session.cache for session in sessions], used)
        return CausalSession(self, cache, positions, valid, after)

    def _begun(self, cache: Any, length: int, rows: int) -> CausalSession:
        positions = torch.arange(length, device=self.model.device).repeat(rows, 1)
        after = torch.full((rows,), length, device=self.model.device)
        return CausalSession(
            self, cache, positions, torch.ones_like(positions, dtype=torch.bool), after
        )


class CausalSession:
    """The keys and values of the rows of a batch. Rows of different length leave holes in them.

    Args:
        cache: Keys and values, a slot for each id and each hole.
        positions: Those of the slots, rows × slots.
        valid: Which slots are no holes, rows × slots.
        after: The position of each row's next id.

    Attributes:
        layer: The number of layers behind which to keep the hidden states of a chunk, for the draft
            head.
        states: Those of the last chunk.
    """

    layer: int | None = None
    states = torch.empty(0)

    def __init__(
        self,
        steps: CausalSteps,
        cache: Any,
        positions: torch.Tensor,
        valid: torch.Tensor,
        after: torch.Tensor,
    ) -> None:
        self._steps, self.cache = steps, cache
        self.positions, self.valid, self.after = positions, valid, after

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.after)

    @torch.inference_mode()
    def extend(self, chunks: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read a chunk in every row: one forward pass. Returns hidden states, rows × longest chunk
        × width."""
        ids, there = padded(chunks, self.after.device)
        lengths, offsets = there.sum(dim=1), torch.arange(ids.shape[1], device=ids.device)
        positions = self.after[:, None] + offsets
        self.positions = torch.cat([self.positions, positions], dim=1)
        self.valid = torch.cat([self.valid, there], dim=1)
        self.after = self.after + lengths
        model = self._steps.model
        mask = attention_mask(
            model.config, positions, self.positions, self.valid[:, None], model.dtype
        )
        output = model.get_decoder()(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
            output_hidden_states=self.layer is not None,
        )
        if self.layer is not None:
            self.states = output.hidden_states[self.layer]
        hidden: torch.Tensor = output.last_hidden_state[:, : max(map(len, chunks))]
        return hidden

    def expect(self, words: Sequence[Sequence[int]]) -> list[Plan]:
        """What the draft head expects of each row, if there is one."""
        self.layer = None  # later chunks are not asked
        return self._steps.plans(self.states, words)

    def drop(self, counts: Sequence[int]) -> None:
        """Forget the last ids of each row: their slots become holes."""
        self.after = self.after - torch.tensor(counts, device=self.after.device)
        self.valid = self.valid & (self.positions < self.after[:, None])

    def used(self, rows: Sequence[int]) -> Slots:
        """Rows, and the slots that are no holes in all of them."""
        index = torch.tensor(rows, device=self.after.device)
        return index, self.valid[index].any(dim=0).nonzero()[:, 0]
