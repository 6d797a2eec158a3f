"""A causal language model that decoders read on with, batch by batch."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch

from ..decoding.marks import Plan
from .attention import attention_mask
from .cache import empty_cache, repeated, selected
from .draft_head import DraftHead
from .head import Head


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
            alone = CausalSession(self, empty_cache(), 0, 1)
            alone.extend([prefix])
            self._prefixes = {prefix: alone.cache}  # another prefix comes with other labels: the old one is not needed
        return CausalSession(self, repeated(self._prefixes[prefix], rows), len(prefix), rows)

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
    length: The number of ids that every row has read, the same ones in all.
    rows: The number of rows.
    layer: The number of layers behind which to keep the hidden states of a chunk, for the draft head.
    states: Those of the last chunk.
    """

    states: torch.Tensor

    def __init__(self, steps: CausalSteps, cache: Any, length: int, rows: int) -> None:
        self._steps = steps
        self.layer = steps.draft_head.layer if steps.draft_head else None
        self._device = steps.model.device
        self.cache = cache
        self._next = torch.full((rows,), length, device=self._device)
        self._positions = torch.arange(length, device=self._device).repeat(rows, 1)
        self._valid = torch.ones_like(self._positions, dtype=torch.bool)

    @torch.inference_mode()
    def extend(self, chunks: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read a chunk in every row: one forward pass. Returns hidden states, rows × longest chunk × width."""
        lengths = torch.tensor([len(chunk) for chunk in chunks], device=self._device)
        width = int(lengths.max())
        ids = torch.tensor([[*chunk, *[0] * (width - len(chunk))] for chunk in chunks], device=self._device)
        offsets = torch.arange(width, device=self._device)
        positions = self._next[:, None] + offsets
        self._positions = torch.cat([self._positions, positions], dim=1)
        self._valid = torch.cat([self._valid, offsets < lengths[:, None]], dim=1)
        self._next = self._next + lengths
        model = self._steps.model
        mask = attention_mask(model.config, positions, self._positions, self._valid[:, None], model.dtype)
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
        hidden: torch.Tensor = output.last_hidden_state
        return hidden

    def expect(self, words: Sequence[Sequence[int]]) -> list[Plan]:
        """What the draft head expects of each row, if there is one."""
        head, self.layer = self._steps.draft_head, None  # later chunks are not asked
        return head.plans([row[places] for row, places in zip(self.states, words, strict=True)]) if head else []

    def drop(self, counts: Sequence[int]) -> None:
        """Forget the last ids of each row: their slots become holes."""
        self._next = self._next - torch.tensor(counts, device=self._device)
        self._valid = self._valid & (self._positions < self._next[:, None])

    def select(self, rows: Sequence[int]) -> CausalSession:
        """These rows only, without the slots that are holes in all of them."""
        index = torch.tensor(list(rows), device=self._device)
        valid = self._valid[index]
        slots = valid.any(dim=0).nonzero()[:, 0]
        session = copy.copy(self)
        session.cache = selected(self.cache, index, slots)
        session._next, session._positions = self._next[index], self._positions[index][:, slots]
        session._valid = valid[:, slots]
        return session
