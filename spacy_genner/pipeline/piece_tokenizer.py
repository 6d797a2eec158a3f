"""The tokenizer `spacy_genner.PieceTokenizer.v1`, which cuts a text at every change between letters
and other characters."""

from __future__ import annotations

from collections.abc import Callable

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import DummyTokenizer, get_words_and_spaces
from spacy.vocab import Vocab

from ..reading.resolve import PIECE


class PieceTokenizer(DummyTokenizer):
    """A tokenizer without rules for a language.

    A token is a run of letters and digits, any other single character, or one letter of a script
    that puts no space between words (Thai to Burmese, Khmer, and CJK). So spans can start and end
    where the words of other tokenizers do not, such as at "IL-2" in "(IL-2)-induced", or inside a
    Japanese sentence. It does not suit scripts whose vowel signs are not letters, such as
    Devanagari: it separates them.

    Args:
        vocab: The vocabulary of the Docs.
    """

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        """Return the Doc of a text."""
        words, spaces = get_words_and_spaces(PIECE.findall(text), text)
        return Doc(self.vocab, words=words, spaces=spaces)


def make_piece_tokenizer() -> Callable[[Language], PieceTokenizer]:
    """Return a function that makes the tokenizer of a pipeline, for [nlp.tokenizer] of a config."""
    return lambda nlp: PieceTokenizer(nlp.vocab)
