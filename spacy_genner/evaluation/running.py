"""Running a pipeline over gold documents, and scoring what it finds."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.about import __version__
from spacy.language import Language
from spacy.training import Example
from tqdm import tqdm

from ..answers import Repairs
from ..pipeline.docs import gold_spans
from ..types import Entity
from .metrics import Document, Name, Scores, names, score_documents
from .peak_memory import peak_memory
from .significance import per_document
from .spans import Found, characters, layer, read_own_spans, read_spans


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of an evaluation.

    Attributes:
        layers: Where the spans of "gold" and "predicted" were read: "spans" or "ents".
        gold: The gold spans of each document.
        predicted: The predicted spans of each document.
        documents: The same spans with the texts, their offsets in characters.
        words: The number of tokens in the gold documents.
        failed: The number of documents that the pipeline's error handler dropped; they count as
            documents without predictions.
        seconds: The time that the pipeline took.
        peak_memory: The most memory that the process had held when the pipeline was done, in MiB;
            see `peak_memory`.
        scores: The scores of all documents.
    """

    layers: dict[str, str]
    gold: list[Found]
    predicted: list[Found]
    documents: list[Document]
    words: int
    failed: int
    seconds: float
    peak_memory: float | None
    scores: Scores


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The predicted spans of an evaluation as arrays of the same length.

    Attributes:
        scores: The score of each span; not a number if it has none.
        correct: Whether it is a gold span.
        documents: The number of its document.
        labels: Its label.
        gold: The number of gold spans of each label.
    """

    scores: NDArray[np.float64]
    correct: NDArray[np.bool_]
    documents: NDArray[np.int64]
    labels: NDArray[np.str_]
    gold: dict[str, int]

    @property
    def scored(self) -> bool:
        """Whether there are spans, and all of them have a score."""
        return len(self.scores) > 0 and not np.isnan(self.scores).any()


def annotated(examples: Sequence[Example], spans_key: str) -> list[Example]:
    """Return the examples with gold annotation.

    In the others, predictions are neither right nor wrong: spaCy's scorer ignores them, too.

    Raises:
        ValueError: If there are none.
    """
    kept = [example for example in examples if gold_spans(example.reference, spans_key) is not None]
    if not kept:
        raise ValueError(
            f"none of the {len(examples)} gold documents has doc.spans[{spans_key!r}] or "
            "annotated doc.ents: check --spans-key; a document without entities has an empty "
            "group, or doc.ents = []"
        )
    return kept


def gold_documents(examples: Sequence[Example], spans_key: str) -> list[Document]:
    """Return the gold spans of each example, without predictions."""
    references = [example.reference for example in examples]
    return [
        Document(doc.text, characters(read_own_spans(doc, spans_key)), frozenset())
        for doc in references
    ]


def training_names(examples: Sequence[Example], spans_key: str) -> set[Name]:
    """Return the names of all gold spans."""
    result = set[Name]()
    for example in examples:
        gold = read_own_spans(example.reference, spans_key)
        result.update(names(example.reference.text, characters(gold)).values())
    return result


def evaluate(
    nlp: Language,
    examples: Sequence[Example],
    spans_key: str = "sc",
    predicted: str = "auto",
    seen: Set[Name] | None = None,
    batch_size: int | None = None,
) -> Evaluation:
    """Run a pipeline over examples, which then hold its predictions, and score them.

    Args:
        nlp: The pipeline.
        examples: At least one example; both sides of each have the same text. The gold spans of a
            document are those of `doc.spans[spans_key]` if it has that, else `doc.ents`.
        spans_key: The key of the spans, gold and predicted.
        predicted: Where to read predictions: "spans", "ents", or "auto" for
            `doc.spans[spans_key]` if any document has that, else `doc.ents`.
        seen: The names of the training data (see `training_names`).
        batch_size: The number of documents in a batch; None for the pipeline's own.
    """
    layers = {"gold": layer((example.reference for example in examples), spans_key)}
    done, seconds = _predict(nlp, examples, batch_size)
    memory = peak_memory()
    if predicted == "auto":
        predicted = layer((example.predicted for example in examples), spans_key)
    layers["predicted"] = predicted
    golds, founds, documents = list[Found](), list[Found](), list[Document]()
    for i, example in enumerate(examples):
        gold = read_own_spans(example.reference, spans_key)
        found = read_spans(example.predicted, predicted, spans_key) if i in done else []
        golds.append(gold)
        founds.append(found)
        tokens = [token.idx for token in example.reference]
        text = example.reference.text
        documents.append(Document(text, characters(gold), characters(found), tokens))
    words = sum(len(example.reference) for example in examples)
    failed = len(examples) - len(done)
    scores = score_documents(documents, seen)
    return Evaluation(layers, golds, founds, documents, words, failed, seconds, memory, scores)


def summary(nlp: Language, result: Evaluation, name: str = "") -> dict[str, Any]:
    """Return the content of the metrics file. All scores in it are fractions.

    Args:
        nlp: The evaluated pipeline.
        result: What `evaluate` returned.
        name: The name of the system for `compare`; empty to leave it out.
    """
    documents = len(result.gold)
    return {
        **({"name": name} if name else {}),
        "model": f"{nlp.meta['lang']}_{nlp.meta['name']}",
        "version": nlp.meta["version"],
        "spacy_version": __version__,
        "components": nlp.pipe_names,
        "layers": result.layers,
        "documents": documents,
        "failed": result.failed,
        "repairs": repairs_of(nlp),
        "seconds": result.seconds,
        "docs_per_second": documents / result.seconds,
        "words_per_second": result.words / result.seconds,
        "peak_memory_mib": result.peak_memory,
        "training_seconds": nlp.meta.get("performance", {}).get("training_seconds"),
        **asdict(result.scores),
        "per_document": per_document(result.documents),
        "predictions": [_extents(document.predicted) for document in result.documents],
    }


def _extents(entities: Set[Entity]) -> list[tuple[int, int, str]]:
    return [(entity.start, entity.end, entity.label) for entity in sorted(entities)]


def facts(metrics: dict[str, Any]) -> dict[str, str]:
    """Return what the HTML page shows of the metrics that `summary` returned, below its title."""
    return {
        "version": metrics["version"],
        "spaCy": metrics["spacy_version"],
        "components": ", ".join(metrics["components"]),
        "documents": f"{metrics['documents']:,}",
        "documents/s": f"{metrics['docs_per_second']:.1f}",
    }


def repairs_of(nlp: Language) -> dict[str, dict[str, int]]:
    """Return how often free answers had to be repaired, by component and by kind of repair.

    It counts all answers that the components have written so far.
    """
    result = {}
    for name, pipe in nlp.pipeline:
        attributes = pipe.model.attrs if hasattr(pipe, "model") else {}
        repairs = getattr(attributes.get("decoder"), "repairs", None)
        if isinstance(repairs, Repairs):  # another decoder may call something else so
            result[name] = asdict(repairs)
    return result


def outcomes(result: Evaluation) -> Outcomes:
    """Return the outcome of each predicted span."""
    scores, correct, documents, labels = list[float](), list[bool](), list[int](), list[str]()
    gold = Counter[str]()
    for number, (predicted, annotated) in enumerate(
        zip(result.predicted, result.gold, strict=True)
    ):
        right = characters(annotated)
        gold.update(entity.label for entity in right)
        for span, score in predicted:
            scores.append(math.nan if score is None else score)
            correct.append(Entity(span.start_char, span.end_char, span.label_) in right)
            documents.append(number)
            labels.append(span.label_)
    return Outcomes(
        np.array(scores, dtype=np.float64),
        np.array(correct, dtype=np.bool_),
        np.array(documents, dtype=np.int64),
        np.array(labels, dtype=np.str_),
        dict(gold),
    )


def _predict(
    nlp: Language, examples: Sequence[Example], batch_size: int | None
) -> tuple[set[int], float]:
    """Set the predictions of the examples.

    Returns:
        The indices of the examples that did not fail in the pipeline, and the seconds it took.
    """
    tasks = [example.predicted for example in examples]
    start = time.perf_counter()
    found = nlp.pipe(tasks, batch_size=batch_size)
    docs = list(tqdm(found, total=len(tasks), unit="doc", mininterval=1))
    seconds = time.perf_counter() - start
    places = list(range(len(tasks)))
    if len(docs) < len(tasks):  # some failed: the others are recognised as the same objects
        by_identity = {id(task): i for i, task in enumerate(tasks)}
        places = [by_identity[id(doc)] for doc in docs]
    for i, doc in zip(places, docs, strict=True):
        examples[i].predicted = doc
    return set(places), seconds
