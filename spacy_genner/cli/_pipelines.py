"""What the commands need of any pipeline: load it, read documents, and read the spans that they carry."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from spacy import util
from spacy.cli._util import setup_gpu
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Corpus, Example

from ..lm.manifest import WeightsError
from ..pipeline.docs import own_labels
from ..pipeline.extension import set_labels
from ..pipeline.generative_ner import GenerativeNER
from ..types import Entity
from ..writing import filling
from ._printing import msg

Found = list[tuple[Span, float | None]]
"""Spans in text order, an outer one before those inside it, with their scores if the component gives any."""

MENDABLE: tuple[type[Exception], ...] = (OSError, ValueError, WeightsError)
"""What the user can mend."""


@contextmanager
def plain_errors(kinds: tuple[type[Exception], ...] = MENDABLE) -> Iterator[None]:
    """Ends the command with the message of an error of these kinds, without a traceback."""
    try:
        yield
    except kinds as error:
        msg.fail(str(error), exits=1)


def load(model: str, gpu_id: int = -1) -> Language:
    """The pipeline from a folder or an installed package; ends the command with a message if it is not there."""
    setup_gpu(gpu_id, silent=True)
    with plain_errors():
        return util.load_model(model)


def save(nlp: Language, folder: Path) -> None:
    """Save a pipeline, whole or not at all. Raises: OSError if it cannot be written."""
    with filling(folder, whole=nlp.component_names) as content:
        nlp.to_disk(content)


def generative_ner_of(nlp: Language, name: str) -> GenerativeNER:
    """A component by its name. Raises: ValueError if there is none, or if it is another component."""
    if name not in nlp.pipe_names:
        raise ValueError(f"the pipeline has no component {name!r}, only {', '.join(nlp.pipe_names)}")
    pipe = nlp.get_pipe(name)
    if not isinstance(pipe, GenerativeNER):
        raise ValueError(f"the component {name!r} is a {type(pipe).__name__}, no generative_ner")
    return pipe


def read_corpus(path: Path, nlp: Language, limit: int = 0) -> list[Example]:
    """The documents of a .spacy file or folder, as `spacy evaluate` reads them, but to be asked for the label sets that
    they were annotated with, where they say so; 0: all of them.

    Raises: ValueError if a file is no .spacy file, if there is no document, or if the tokenizer changes a text.
    """
    try:
        examples = list(Corpus(path, limit=limit)(nlp))
    except (ValueError, KeyError) as error:
        raise ValueError(f"{path}: cannot be read as .spacy data ({error}): write it with spaCy's DocBin") from error
    if not examples:
        raise ValueError(f"{path}: there is no document with a token in it")
    for i, example in enumerate(examples, 1):
        if example.predicted.text != example.reference.text:
            raise ValueError(
                f"{path}, document {i}: the pipeline's tokenizer changes {example.reference.text[:60]!r} to "
                f"{example.predicted.text[:60]!r}, so that spans cannot be compared: use one that keeps the text"
            )
        if labels := own_labels(example.reference):
            set_labels(example.predicted, labels)
    return examples


def layer(docs: Iterable[Doc], spans_key: str) -> str:
    """Where the spans of documents are: "spans" if one of them has `doc.spans[spans_key]`, else "ents"."""
    return "spans" if any(spans_key in doc.spans for doc in docs) else "ents"


def read_spans(doc: Doc, where: str, spans_key: str) -> Found:
    """The spans of `doc.ents` (where = "ents") or of `doc.spans[spans_key]`, each once."""
    if where == "ents" or spans_key not in doc.spans:
        group, scores = list(doc.ents) if where == "ents" else [], None
    else:
        group, scores = list(doc.spans[spans_key]), doc.spans[spans_key].attrs.get("scores")
    if scores is not None and len(scores) != len(group):
        warnings.warn(
            f"doc.spans[{spans_key!r}] has {len(group)} spans but {len(scores)} scores: left out", stacklevel=2
        )
        scores = None
    values = [None] * len(group) if scores is None else [float(score) for score in scores]
    found = {(span.start, -span.end, span.label_): (span, value) for span, value in zip(group, values, strict=True)}
    return [found[key] for key in sorted(found)]


def read_own_spans(doc: Doc, spans_key: str) -> Found:
    """The spans of `doc.spans[spans_key]` if this document has it, else of `doc.ents`."""
    return read_spans(doc, layer([doc], spans_key), spans_key)


def characters(found: Found) -> frozenset[Entity]:
    """The spans with character offsets, which do not depend on the tokenizer."""
    return frozenset(Entity(span.start_char, span.end_char, span.label_) for span, _ in found)
