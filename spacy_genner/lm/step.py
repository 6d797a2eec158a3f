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
from .head import Head

_MULTIPLE = 8
"""Longer chunks are padded to multiples of it: each new shape of a matrix makes a CPU prepare a kernel, and keep it."""

_KEPT = 2048
"""Ids of prefixes that are remembered, at most; the newest prefix always is."""


class CausalSteps:
    """The step model of merged, frozen weights. It remembers the prefixes that it has read.

    model: A causal language model from Hugging Face in evaluation mode.
    draft_head: Proposes drafts.
    """

    def __init__(self, model: Any, draft_head: DraftHead | None = None) -> None:
        self.model = model
        self.head = Head(model)
        self.draft_head = draft_head
        self._prefixes: dict[tuple[int, ...], Any] = {}

    @property
    def copies_first(self) -> bool:
        """Whether a plain copy is to be tried along with the prompt."""
        return self.draft_head is None or self.draft_head.copies_first

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
        """A batch of rows of other batches, in this order, without the slots that are holes in all rows of a batch."""
        groups = groupby(rows, key=itemgetter(0))
        sessions, used = zip(
            *((session, session.used([row for _, row in group])) for session, group in groups), strict=True
        )
        positions = stacked([session.positions[..., None] for session in sessions], used)[..., 0]
        valid = stacked([session.valid[..., None] for session in sessions], used)[..., 0]
        after = torch.cat([session.after[row] for session, (row, _) in zip(sessions, used, strict=True)])
        cache = gathered([session.cache for session in sessions], used)
        return CausalSession(self, cache, positions, valid, after)

    def _begun(self, cache: Any, length: int, rows: int) -> CausalSession:
        positions = torch.arange(length, device=self.model.device).repeat(rows, 1)
        after = torch.full((rows,), length, device=self.model.device)
        return CausalSession(self, cache, positions, torch.ones_like(positions, dtype=torch.bool), after)

    def log_probs(self, hidden: torch.Tensor, choices: Sequence[Sequence[int]]) -> torch.Tensor:
        """Log-probabilities of each row's choices among each other.

        Raises: ValueError if they are not numbers.
        """
        with torch.inference_mode():
            result = torch.log_softmax(self.head.choice_logits(hidden, choices), dim=-1).cpu()
        if result.isnan().any():
            raise ValueError('the language model computes NaN: its weights are damaged, or it needs dtype = "float32"')
        return result


class CausalSession:
    """The keys and values of the rows of a batch. Rows of different length leave holes in them.

    cache: Keys and values, a slot for each id and each hole.
    positions: Those of the slots, rows × slots.
    valid: Which slots are no holes, rows × slots.
    after: The position of each row's next id.
    layer: The number of layers behind which to keep the hidden states of a chunk, for the draft head.
    states: Those of the last chunk.
    """

    layer: int | None = None
    states: torch.Tensor

    def __init__(
        self, steps: CausalSteps, cache: Any, positions: torch.Tensor, valid: torch.Tensor, after: torch.Tensor
    ) -> None:
        self._steps, self.cache = steps, cache
        self.positions, self.valid, self.after = positions, valid, after

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.after)

    @torch.inference_mode()
    def extend(self, chunks: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read a chunk in every row: one forward pass. Returns hidden states, rows × longest chunk × width."""
        device = self.after.device
        lengths = torch.tensor([len(chunk) for chunk in chunks], device=device)
        longest = int(lengths.max())
        width = -(-longest // _MULTIPLE) * _MULTIPLE if longest > _MULTIPLE else longest
        ids = torch.tensor([[*chunk, *[0] * (width - len(chunk))] for chunk in chunks], device=device)
        offsets = torch.arange(width, device=device)
        positions = self.after[:, None] + offsets
        self.positions = torch.cat([self.positions, positions], dim=1)
        self.valid = torch.cat([self.valid, offsets < lengths[:, None]], dim=1)
        self.after = self.after + lengths
        model = self._steps.model
        mask = attention_mask(model.config, positions, self.positions, self.valid[:, None], model.dtype)
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
        hidden: torch.Tensor = output.last_hidden_state[:, :longest]
        return hidden

    def expect(self, words: Sequence[Sequence[int]]) -> list[Plan]:
        """What the draft head expects of each row, if there is one."""
        head, self.layer = self._steps.draft_head, None  # later chunks are not asked
        return head.plans([row[places] for row, places in zip(self.states, words, strict=True)]) if head else []

    def drop(self, counts: Sequence[int]) -> None:
        """Forget the last ids of each row: their slots become holes."""
        self.after = self.after - torch.tensor(counts, device=self.after.device)
        self.valid = self.valid & (self.positions < self.after[:, None])

    def used(self, rows: Sequence[int]) -> Slots:
        """Rows, and the slots that are no holes in all of them."""
        index = torch.tensor(rows, device=self.after.device)
        return index, self.valid[index].any(dim=0).nonzero()[:, 0]
