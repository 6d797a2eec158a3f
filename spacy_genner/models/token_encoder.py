"""A decoder as an encoder of tokens: sources in, hidden states of their words out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

import torch
from thinc.api import Model, torch2xp
from thinc.types import Floats2d
from torch.nn.functional import embedding_bag

from ..lm.causal import CausalLM
from ..types import Source
from ..windows import Room
from .shim import LMShim

AHEAD = {"causal": False, "bidirectional": True}
"""Attention → whether it reads what comes later."""
POOLING = {"mean": slice(None), "first": slice(1), "last": slice(-1, None)}
"""The ids of a word whose states count."""
_SOURCES = 64  # read at once where nothing is learnt: memory stays flat

Encoder: TypeAlias = Model[Sequence[Source], Floats2d]


def build_encoder(lm: CausalLM, attention: str, pooling: str, echo: bool) -> Encoder:
    """A language model that reads sources, each as if alone; see `pipeline.tok2vec`.

    Returns:
        A thinc model from sources to one row for each of their words, one source below the other.

    Raises:
        ValueError: For an unknown attention or pooling.
    """
    if attention not in AHEAD:
        raise ValueError(f'attention = "{attention}": choose one of {", ".join(AHEAD)}')
    if pooling not in POOLING:
        raise ValueError(f'pooling = "{pooling}": choose one of {", ".join(POOLING)}')
    shim = WordShim(lm, attention, pooling, echo)
    return Model(
        "decoder", forward, init=init, attrs={"room": room}, dims={"nO": None}, shims=[shim]
    )


def init(model: Encoder, X: Any = None, Y: Any = None) -> None:
    """Load the base weights, and begin with a fresh adapter.

    Raises:
        ValueError: If they cannot be loaded.
    """
    shim: Any = model.shims[0]
    shim.reset()
    model.set_dim("nO", shim.lm.width)


def forward(
    model: Encoder, sources: Sequence[Source], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Source]]]:
    """Sources → rows of their words."""
    shim: Any = model.shims[0]
    if not sources:
        return model.ops.alloc2f(0, model.get_dim("nO")), lambda _: []
    rows, backprop = (
        shim.begin_update(sources) if is_train else (shim.predict(sources), lambda _: None)
    )
    return cast(Floats2d, torch2xp(rows, ops=model.ops)), lambda d_rows: backprop(d_rows) or []


def room(model: Encoder, source: Source, tokens: int) -> Room:
    """What a window of a source can hold: at most so many tokens."""
    shim: WordShim = model.shims[0]  # type: ignore[assignment]
    return shim.room(source, tokens)


class WordShim(LMShim):
    """Sources in, hidden states of their words out, float32."""

    lm: CausalLM

    def __init__(self, lm: CausalLM, attention: str, pooling: str, echo: bool) -> None:
        super().__init__(lm)
        self._ahead, self._counts, self._times = (
            AHEAD[attention],
            POOLING[pooling],
            2 if echo else 1,
        )

    def begin_update(
        self, sources: Sequence[Source]
    ) -> tuple[torch.Tensor, Callable[[Floats2d], None]]:
        """With the weights in training.

        Returns:
            The rows, and the way back from their gradient.
        """
        self.lm.model.train()
        rows = self._rows(sources, merged=False)
        return rows.detach(), self.way_back(rows)

    @torch.inference_mode()
    def predict(self, sources: Sequence[Source]) -> torch.Tensor:
        """With the weights for decoding.

        Raises:
            RuntimeError: On a GPU in a process that was forked.
        """
        starts = range(0, len(sources), _SOURCES)
        with self.lock:
            self.enter_process()
            return torch.cat(
                [self._rows(sources[start : start + _SOURCES], merged=True) for start in starts]
            )

    def room(self, source: Source, tokens: int) -> Room:
        """What a window of a source can hold: at most so many tokens."""
        left = self.lm.positions - len(self.lm.pieces.encode_prefix(""))
        if math.isinf(left):
            return Room(tokens)
        return Room(tokens, map(len, self.lm.pieces.words(source)), int(left / self._times))

    def _rows(self, sources: Sequence[Source], merged: bool) -> torch.Tensor:
        pieces = self.lm.pieces
        bodies, bags, start = list[list[int]](), list[list[int]](), 0
        for source in sources:
            body, words = self._read(source)
            bodies.append(body)
            bags += [[start + place for place in word[self._counts]] for word in words]
            start += len(body)
        prefixes = [pieces.encode_prefix("")] * len(bodies)
        states = torch.cat(self.lm.hidden(prefixes, bodies, ahead=self._ahead, merged=merged))
        places = torch.tensor(
            [place for bag in bags for place in bag], dtype=torch.long, device=states.device
        )
        ends = torch.tensor([0, *map(len, bags)], device=states.device).cumsum(0)
        return embedding_bag(places, states.float(), ends, mode="mean", include_last_offset=True)

    def _read(self, source: Source) -> tuple[list[int], list[range]]:
        """The ids of a source, and the places of those of each of its words; of an echo, in the
        last copy."""
        body = list[int]()
        for time in range(self._times):
            words = list[range]()
            copy = Source(source.words, (True, *source.spaces[1:])) if time else source
            for ids in self.lm.pieces.words(copy):
                words.append(range(len(body), len(body) + len(ids)))
                body += ids
        return body, words
