"""A decoder as a layer over `Doc`s, on which spaCy's own components can be built."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from ..lm.causal import CausalLM
from ..models.token_encoder import build_encoder
from ..types import Source
from ..windows import Window, shares, split
from .docs import DocSource, Reading

Tok2Vec: TypeAlias = Model[list[Doc], list[Floats2d]]

_READING = Reading(sentence_starts=False, line_breaks=False)
"""Line breaks are spaces here: the components above decide whether a name may cross one."""


def build_decoder_tok2vec(
    lm: CausalLM,
    attention: str = "causal",
    pooling: str = "mean",
    echo: bool = False,
    window: int = 256,
    width: int | None = None,
) -> Tok2Vec:
    """Build a decoder that gives each token of a `Doc` its hidden state, for spaCy's `ner`,
    `spancat`, `tagger`, ….

    Args:
        lm: The language model. What its `tuning` trains is trained with the gradients of the layers
            above.
        attention: "causal", as in its pretraining, or "bidirectional".
        pooling: How the hidden states of the token ids of a token become one: "mean", "first" or
            "last".
        echo: Whether the text is read twice, and the hidden states are those of the second reading,
            which has seen the whole text (Springer et al. 2024, arXiv 2402.15449).
        window: The maximum number of tokens, not counting white space, that the model reads at
            once; fewer if they do not fit into its positions. Longer documents are cut where
            sentences begin, or else where lines begin, or else anywhere, with an overlap.
        width: The width of a hidden state, for listeners that ask before the weights are loaded.

    Returns:
        A thinc model from documents to their hidden states, tokens × width. White space has a row
        of zeros.

    Raises:
        ValueError: If a setting has a value that it cannot have; at initialization, if `width` is
            not that of the language model.
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
        ValueError: If the weights cannot be loaded, or have another width than the configured one.
    """
    encoder = model.layers[0]
    encoder.initialize()
    configured, found = model.maybe_get_dim("nO"), encoder.get_dim("nO")
    if configured not in (None, found):
        raise ValueError(
            f"width = {configured}: the language model's hidden states have {found} numbers: set "
            f"width = {found}"
        )
    model.set_dim("nO", found)


def forward(
    model: Tok2Vec, docs: Sequence[Doc], is_train: bool, *, window: int
) -> tuple[list[Floats2d], Callable[[list[Floats2d]], list[Doc]]]:
    """Return a row for each token of each document, and the function that takes their gradients.

    The encoder returns the rows of all words of all windows. Each word of a document then takes its
    row from one window, and gives it to its token; tokens of white space keep zeros.
    """
    encoder, reads = model.layers[0], [_READING(doc) for doc in docs]
    windows, parts = list[list[Window]](), list[Source]()
    for read in reads:
        room = encoder.attrs["room"](encoder, read.source, window)
        cut = split(read.source, room, read.sentences, read.lines)
        windows.append(cut)
        parts += [read.source[start:end] for start, end in cut]
    words, backprop_words = encoder(parts, is_train)
    lengths = [len(doc) for doc in docs]
    token_rows = model.ops.asarray1i(_token_rows(reads, lengths))
    word_rows = model.ops.asarray1i(_word_rows(windows))
    tokens = model.ops.alloc2f(sum(lengths), model.get_dim("nO"))
    tokens[token_rows] = words[word_rows]

    def backprop(d_tokens: list[Floats2d]) -> list[Doc]:
        d_words = model.ops.alloc2f(*words.shape)
        if len(token_rows):
            d_words[word_rows] = model.ops.flatten(d_tokens)[token_rows]
        backprop_words(d_words)
        return []

    return model.ops.unflatten(tokens, model.ops.asarray1i(lengths)), backprop


def _token_rows(reads: Sequence[DocSource], lengths: Sequence[int]) -> list[int]:
    """Return the rows of the tokens that are not white space, in a matrix of all tokens.

    Args:
        lengths: The number of tokens of each document.
    """
    rows, before = list[int](), 0
    for read, length in zip(reads, lengths, strict=True):
        rows += [before + token for token in read.tokens]
        before += length
    return rows


def _word_rows(windows: Sequence[Sequence[Window]]) -> list[int]:
    """Return the rows to take each word of each document from, in a matrix of all windows.

    Where two windows overlap, a word has a row in both, and is taken from one.
    """
    rows, before = list[int](), 0
    for cut in windows:
        for (start, end), (first, last) in zip(cut, shares(cut), strict=True):
            rows += range(before + first - start, before + last - start)
            before += end - start
    return rows
