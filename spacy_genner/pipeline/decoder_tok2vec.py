"""`Doc`s through a decoder: the layer that spaCy's own components can sit on."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import Any, TypeAlias

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..lm.causal import CausalLM
from ..models.token_encoder import build_encoder
from ..windows import Room, Window, shares, split
from .docs import DocSource, Reading

Tok2Vec: TypeAlias = Model[list[Doc], list[Floats2d]]

_READING = Reading(sentence_starts=False, line_breaks=False)
"""Line breaks are spaces here: whether a name may go across one is up to the components above."""


def build_decoder_tok2vec(
    lm: CausalLM,
    attention: str = "causal",
    pooling: str = "mean",
    echo: bool = False,
    window: int = 256,
    width: int | None = None,
) -> Tok2Vec:
    """A decoder that gives each token of a `Doc` its hidden state, for spaCy's `ner`, `spancat`,
    `tagger`, ….

    Args:
        lm: The language model. Its tuning is trained by the gradient of the layers above.
        attention: "causal", as the model has learnt to read, or "bidirectional".
        pooling: Of the sub-tokens of a token: "mean", "first" or "last".
        echo: Read the text twice and take the second reading, which has seen all of it (arXiv
            2402.15449).
        window: How many tokens, white space apart, the model reads at once; fewer if they do not
            fit its positions. Longer documents are cut where sentences begin, or else lines, or
            else anywhere, with an overlap.
        width: How many numbers a hidden state has, for listeners that ask before the weights are
            loaded.

    Returns:
        A thinc model. White space has a row of zeros.

    Raises:
        ValueError: For settings that make no sense; at initialization, if the width is another one.
    """
    if window < 1:
        raise ValueError(f"window = {window}: the model reads at least one token")
    encoder = build_encoder(lm, attention, pooling, echo)
    return Model(
        "decoder_tok2vec",
        partial(forward, window=window),
        init=init,
        layers=[encoder],
        dims={"nO": width},
    )


def init(model: Tok2Vec, X: Any = None, Y: Any = None) -> None:
    """Load the base weights, and begin with a fresh adapter.

    Raises:
        ValueError: If they cannot be loaded, or have another width than was said.
    """
    encoder = model.layers[0]
    encoder.initialize()
    said, found = model.maybe_get_dim("nO"), encoder.get_dim("nO")
    if said not in (None, found):
        raise ValueError(
            f"width = {said}: the language model's hidden states have {found} numbers: set width "
            f"= {found}"
        )
    model.set_dim("nO", found)


def forward(
    model: Tok2Vec, docs: Sequence[Doc], is_train: bool, *, window: int
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Doc]]]:
    """Documents → a row for each of their tokens."""
    encoder, reads = model.layers[0], [_READING(doc) for doc in docs]
    cut = [_windows(read, encoder.attrs["room"](encoder, read.source, window)) for read in reads]
    parts = [
        read.source[start:end]
        for read, windows in zip(reads, cut, strict=True)
        for start, end in windows
    ]
    words, backprop_words = encoder(parts, is_train)
    lengths = [len(doc) for doc in docs]
    starts = accumulate(lengths, initial=0)
    rows = [
        start + token for start, read in zip(starts, reads, strict=False) for token in read.tokens
    ]
    places, counted = model.ops.asarray1i(rows), model.ops.asarray1i(_counted(cut))
    tokens = model.ops.alloc2f(sum(lengths), model.get_dim("nO"))
    tokens[places] = words[counted]

    def backprop(d_tokens: list[Floats2d]) -> list[Doc]:
        d_words = model.ops.alloc2f(*words.shape)
        if rows:
            d_words[counted] = model.ops.flatten(d_tokens)[places]
        backprop_words(d_words)
        return []

    return model.ops.unflatten(tokens, model.ops.asarray1i(lengths)), backprop


def _windows(read: DocSource, room: Room) -> list[Window]:
    return split(read.source, room, read.sentences, read.lines)


def _counted(cut: Sequence[Sequence[Window]]) -> list[int]:
    """The rows of the words of all windows, below one another, so that each word of a document
    counts once."""
    rows, before = list[int](), 0
    for windows in cut:
        for (start, end), (first, last) in zip(windows, shares(windows), strict=True):
            rows += range(before + first - start, before + last - start)
            before += end - start
    return rows
