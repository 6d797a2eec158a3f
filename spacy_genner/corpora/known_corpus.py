"""What the table of known corpora says of one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import spacy
from spacy.language import Language

from .source_parts import Reader

PIECES = "spacy_genner.PieceTokenizer.v1"
"""The tokenizer for corpora whose spans start or end inside the words of spaCy's tokenizer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What a training on a corpus takes.

    Attributes:
        part: The part to train on.
        documents: How many of its documents, drawn at random.
        dev_documents: How many documents of the development part to evaluate on, drawn likewise.
        batch: The number of documents in a step: 16 sentences, or whole documents with about 500
            tokens together.
        steps: The number of steps.
        eval_frequency: The number of steps from one evaluation to the next.
        max_depth: How deep the answers nest.
        baseline: The component of spaCy to compare with: `ner`, or `spancat` for a nested corpus.
        lang: The language of the pipeline.
        tokenizer: The registered name of its tokenizer.
    """

    part: str = "train"
    documents: int
    dev_documents: int = 200
    batch: int = 16
    steps: int
    eval_frequency: int = 100
    max_depth: int
    baseline: str
    lang: str = "en"
    tokenizer: str = "spacy.Tokenizer.v1"

    def blank(self) -> Language:
        """Return an empty pipeline with this tokenizer."""
        config = {"nlp": {"tokenizer": {"@tokenizers": self.tokenizer}}}
        return spacy.blank(self.lang, config=config)


@dataclass(frozen=True, slots=True)
class KnownCorpus:
    """A public corpus.

    Attributes:
        title: What it is.
        sources: The addresses that its files come from, each with the commit. The project fetches
            GUM, LitBank, MSPT and WLP from the branch `master`, which may have moved on since then.
        licence: The licence of the annotations, and that of the texts where it is another one.
        citation: The paper to cite, or the holder of the rights.
        split: Where the division into parts comes from.
        scheme: The scheme that defines its labels (see `labels/schemes.py`). A scheme may have
            labels that the corpus has not.
        parts: The readers of the parts by name.
        training: What a training on it takes.
    """

    title: str
    sources: Sequence[str]
    licence: str
    citation: str
    split: str
    scheme: str
    parts: Mapping[str, Reader]
    training: Training
