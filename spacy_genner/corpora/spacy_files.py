"""Documents in .spacy files."""

from __future__ import annotations

from pathlib import Path

from spacy.language import Language
from spacy.training import Corpus, Example

from ..pipeline.docs import own_labels
from ..pipeline.extension import set_doc_labels


def read_corpus(path: Path, nlp: Language, limit: int = 0) -> list[Example]:
    """The documents of a .spacy file or folder, as `spacy evaluate` reads them, but to be asked for
    the label sets that they were annotated with, where they say so; 0: all of them.

    Raises:
        ValueError: If a file is no .spacy file, if there is no document, or if the tokenizer
            changes a text.
    """
    try:
        examples = list(Corpus(path, limit=limit)(nlp))
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"{path}: cannot be read as .spacy data ({error}): write it with spaCy's DocBin"
        ) from error
    if not examples:
        raise ValueError(f"{path}: there is no document with a token in it")
    for i, example in enumerate(examples, 1):
        if example.predicted.text != example.reference.text:
            raise ValueError(
                f"{path}, document {i}: the pipeline's tokenizer changes "
                f"{example.reference.text[:60]!r} to "
                f"{example.predicted.text[:60]!r}, so that spans cannot be compared: use one that "
                "keeps the text"
            )
        if labels := own_labels(example.reference):
            set_doc_labels(example.predicted, labels)
    return examples
