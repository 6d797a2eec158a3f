"""A decoder as an encoder: sources in, hidden states of their words out."""

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
"""Attention → whether a token id sees those after it."""
POOLING = {"mean": slice(None), "first": slice(1), "last": slice(-1, None)}
"""Pooling → the token ids of a word whose hidden states are averaged."""
_SOURCES = 64
"""The number of sources that are read at once when nothing is learnt, so that memory stays flat."""

Encoder: TypeAlias = Model[Sequence[Source], Floats2d]


def build_encoder(lm: CausalLM, attention: str, pooling: str, echo: bool) -> Encoder:
    """Build a network that reads sources, each as if it were the only one.

    See `build_decoder_tok2vec` for the arguments.

    Returns:
        A thinc model from sources to the hidden states of their words, words × width, one source
        after the other.

    Raises:
        ValueError: If the attention or the pooling is unknown.
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
        ValueError: If the weights cannot be loaded.
    """
    shim: Any = model.shims[0]
    shim.reset()
    model.set_dim("nO", shim.lm.width)


def forward(
    model: Encoder, sources: Sequence[Source], is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], list[Source]]]:
    """Return the rows of the words of sources, and the function that takes their gradients."""
    shim: Any = model.shims[0]
    if not sources:
        return model.ops.alloc2f(0, model.get_dim("nO")), lambda _: []
    if not is_train:
        return cast(Floats2d, torch2xp(shim.predict(sources), ops=model.ops)), lambda _: []
    rows, backprop_rows = shim.begin_update(sources)

    def backprop(d_rows: Floats2d) -> list[Source]:
        backprop_rows(d_rows)
        return []

    return cast(Floats2d, torch2xp(rows, ops=model.ops)), backprop


def room(model: Encoder, source: Source, tokens: int) -> Room:
    """Return what a window of a source can hold.

    Args:
        tokens: The maximum number of tokens in a window.
    """
    shim: WordShim = model.shims[0]  # type: ignore[assignment]
    return shim.room(source, tokens)


class WordShim(LMShim):
    """A language model that encodes: sources in, hidden states of their words out, float32."""

    lm: CausalLM

    def __init__(self, lm: CausalLM, attention: str, pooling: str, echo: bool) -> None:
        super().__init__(lm)
        self._ahead = AHEAD[attention]
        self._pooled = POOLING[pooling]
        self._copies = 2 if echo else 1

    def begin_update(
        self, sources: Sequence[Source]
    ) -> tuple[torch.Tensor, Callable[[Floats2d], None]]:
        """Read sources with the weights that are trained.

        Returns:
            The hidden states of the words, and the function that takes their gradients.
        """
        self.lm.model.train()
        rows = self._rows(sources, merged=False)
        return rows.detach(), self.way_back(rows)

    @torch.inference_mode()
    def predict(self, sources: Sequence[Source]) -> torch.Tensor:
        """Return the hidden states of the words, read with the weights for decoding.

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
        """Return what a window of a source can hold.

        Args:
            tokens: The maximum number of tokens in a window.
        """
        left = self.lm.positions - len(self.lm.pieces.encode_prefix(""))
        if math.isinf(left):
            return Room(tokens)
        return Room(tokens, map(len, self.lm.pieces.words(source)), int(left / self._copies))

    def _rows(self, sources: Sequence[Source], merged: bool) -> torch.Tensor:
        """Return the hidden states of the words: means over the token ids that are pooled.

        `embedding_bag` takes them from one matrix of the states of all sources: the rows of all
        words one after the other (`places`), and where those of each word begin (`starts`).
        """
        bodies, places, starts, before = list[list[int]](), list[int](), [0], 0
        for source in sources:
            body, words = self._read(source)
            bodies.append(body)
            for word in words:
                places += [before + place for place in word[self._pooled]]
                starts.append(len(places))
            before += len(body)
        prefixes = [self.lm.pieces.encode_prefix("")] * len(bodies)
        states = torch.cat(self.lm.hidden(prefixes, bodies, ahead=self._ahead, merged=merged))
        return embedding_bag(
            torch.tensor(places, dtype=torch.long, device=states.device),
            states.float(),
            torch.tensor(starts, device=states.device),
            mode="mean",
            include_last_offset=True,
        )

    def _read(self, source: Source) -> tuple[list[int], list[range]]:
        """Return the token ids of a source, and the places of those of each word.

        Of an echo, these are the places in the second copy.
        """
        body, words = list[int](), list[range]()
        for number in range(self._copies):
            words = []
            # a space separates the second copy from the first one
            copy = Source(source.words, (True, *source.spaces[1:])) if number else source
            for ids in self.lm.pieces.words(copy):
                words.append(range(len(body), len(body) + len(ids)))
                body += ids
        return body, words
