"""Documents in .spacy files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus, Example

from ..files.writing import replacing
from ..pipeline.docs import own_labels
from ..pipeline.extension import set_doc_labels


def read_corpus(path: Path, nlp: Language, limit: int = 0) -> list[Example]:
    """Read the documents of a .spacy file or folder, as `spacy evaluate` does.

    Documents that carry the label set that they were annotated with are asked for those labels.

    Args:
        path: The file or folder.
        nlp: The pipeline whose tokenizer makes the documents to predict.
        limit: The maximum number of documents, the first ones; 0 for all.

    Raises:
        ValueError: If a file is not a .spacy file.
        ValueError: If there is no document.
        ValueError: If the tokenizer changes a text.
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
        text, gold_text = example.predicted.text, example.reference.text
        if text != gold_text:
            raise ValueError(
                f"{path}, document {i}: the pipeline's tokenizer changes {gold_text[:60]!r} to "
                f"{text[:60]!r}, so spans cannot be compared: use a tokenizer that keeps the text"
            )
        if labels := own_labels(example.reference):
            set_doc_labels(example.predicted, labels)
    return examples


def write_doc_bin(path: Path, docs: Iterable[Doc]) -> None:
    """Write documents to a .spacy file.

    Raises:
        OSError: If the file cannot be written.
    """
    with replacing(path) as new:
        DocBin(docs=docs).to_disk(new)
