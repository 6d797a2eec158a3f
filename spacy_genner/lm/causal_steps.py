"""A causal language model as decoders use it: it reads the rows of a batch chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ..decoding.marks import Plan
from .attention import attention_mask
from .cache import Slots, empty_cache, gathered, repeated, stacked_slots
from .draft_head import DraftHead
from .steps import Steps, by_session, padded

_KEPT = 2048
"""At most how many token ids of prefixes are remembered. The newest prefix always is, however long
it is."""


class CausalSteps(Steps):
    """The step model of a causal language model. It remembers the prefixes that it read last."""

    def __init__(self, model: Any, draft_head: DraftHead | None = None) -> None:
        super().__init__(model, draft_head)
        self._prefixes: dict[tuple[int, ...], Any] = {}

    def session(self, prefix: tuple[int, ...], rows: int) -> CausalSession:
        """Return a new session whose rows have read a prefix of at least one token id."""
        if prefix not in self._prefixes:
            alone = self._begun(empty_cache(), 0, 1)
            alone.extend([prefix])
            cache = self.gather([(alone, 0)]).cache  # without the holes that padding leaves
            while self._prefixes and sum(map(len, self._prefixes)) + len(prefix) > _KEPT:
                oldest = next(iter(self._prefixes))
                del self._prefixes[oldest]
            self._prefixes[prefix] = cache
        session = self._begun(repeated(self._prefixes[prefix], rows), len(prefix), rows)
        session.layer = self.draft_head.layer if self.draft_head else None
        return session

    def gather(self, rows: Sequence[tuple[CausalSession, int]]) -> CausalSession:
        """Return a session of the given rows of other sessions, in this order. Slots that are holes
        in all rows taken from a session are left out."""
        groups = by_session(rows)
        used = [session.used(indices) for session, indices in groups]
        cache = gathered([session.cache for session, _ in groups], used)
        positions = stacked_slots([session.positions for session, _ in groups], used)
        valid = stacked_slots([session.valid for session, _ in groups], used)
        after = [session.after[row] for (session, _), (row, _) in zip(groups, used, strict=True)]
        return CausalSession(self, cache, positions, valid, torch.cat(after))

    def _begun(self, cache: Any, length: int, rows: int) -> CausalSession:
        """Return a session whose rows have all read the same number of token ids, without holes."""
        positions = torch.arange(length, device=self.model.device).repeat(rows, 1)
        valid = torch.ones_like(positions, dtype=torch.bool)
        after = torch.full((rows,), length, device=self.model.device)
        return CausalSession(self, cache, positions, valid, after)


class CausalSession:
    """The keys and values of the rows of a session.

    A chunk adds as many slots to every row as its longest row has token ids. In shorter rows the
    slots of the padding are holes, and so are those of ids that have been dropped. Holes are masked
    out.

    Args:
        cache: The keys and values, one slot for each token id and each hole.
        positions: The positions of the ids in the slots, rows × slots.
        valid: Which slots are not holes, rows × slots.
        after: The position of the next id of each row.

    Attributes:
        layer: The number of layers after which the hidden states of a chunk are kept for the draft
            head, or None to keep none.
        states: The hidden states that were kept of the last chunk.
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
        self._steps = steps
        self.cache = cache
        self.positions = positions
        self.valid = valid
        self.after = after

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.after)

    @torch.inference_mode()
    def extend(self, chunks: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read one chunk of token ids in every row, in one forward pass.

        Returns:
            The hidden states of the chunks, rows × longest chunk × width.
        """
        ids, there = padded(chunks, self.after.device)
        positions = self.after[:, None] + torch.arange(ids.shape[1], device=ids.device)
        self.positions = torch.cat([self.positions, positions], dim=1)
        self.valid = torch.cat([self.valid, there], dim=1)
        self.after = self.after + there.sum(dim=1)
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
        """Return what the draft head expects of each row, or an empty list without a draft head.

        Args:
            words: For each row, the indices in its last chunk of the last token id of each source
                token, and of the last token id of all.
        """
        self.layer = None  # The draft head is asked once, so hidden states need not be kept again
        return self._steps.plans(self.states, words)

    def drop(self, counts: Sequence[int]) -> None:
        """Forget the last token ids of each row. Their slots become holes.

        Args:
            counts: How many to forget in each row.
        """
        self.after = self.after - torch.tensor(counts, device=self.after.device)
        self.valid = self.valid & (self.positions < self.after[:, None])

    def used(self, rows: Sequence[int]) -> Slots:
        """Return some rows, with the slots that are not holes in all of them."""
        index = torch.tensor(rows, device=self.after.device)
        return index, self.valid[index].any(dim=0).nonzero()[:, 0]
