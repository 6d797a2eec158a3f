"""Run a pipeline over gold documents and score what it finds."""

from __future__ import annotations

import time
from collections.abc import Sequence, Set
from dataclasses import asdict, dataclass
from typing import Any

from spacy.about import __version__
from spacy.language import Language
from spacy.training import Example
from tqdm import tqdm

from ..pipeline.docs import gold_spans
from ..types import Entity
from .metrics import Document, Name, Scores, names, score_documents
from .spans import Found, characters, layer, read_own_spans, read_spans


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        layers: Where the spans of "gold" and "predicted" were read: "spans" or "ents".
        gold, predicted: The spans of each document.
        failed: How many documents the pipeline's error handler dropped; they count as documents
            without predictions.
        seconds: The time that the pipeline took.
    """

    layers: dict[str, str]
    gold: list[Found]
    predicted: list[Found]
    failed: int
    seconds: float
    scores: Scores


def annotated(examples: Sequence[Example], spans_key: str) -> list[Example]:
    """The examples with gold annotation; as in spaCy's scorer, predictions in others are neither
    right nor wrong.

    Raises:
        ValueError: If there is none.
    """
    kept = [example for example in examples if gold_spans(example.reference, spans_key) is not None]
    if not kept:
        raise ValueError(
            f"none of the {len(examples)} gold documents has doc.spans[{spans_key!r}] or "
            "annotated doc.ents: check "
            "--spans-key; a document without entities has an empty group, or doc.ents = []"
        )
    return kept


def training_names(examples: Sequence[Example], spans_key: str) -> set[Name]:
    """The names of all gold spans."""
    sides = [
        (example.reference.text, read_own_spans(example.reference, spans_key))
        for example in examples
    ]
    return {name for text, gold in sides for name in names(text, characters(gold)).values()}


def evaluate(
    nlp: Language,
    examples: Sequence[Example],
    spans_key: str = "sc",
    predicted: str = "auto",
    seen: Set[Name] | None = None,
    batch_size: int | None = None,
) -> Evaluation:
    """Run the pipeline over the examples, which then hold its predictions, and score them.

    Args:
        examples: At least one; the two sides of each have one text. The gold spans of a document
            are those of `doc.spans[spans_key]` if it has that, else `doc.ents`.
        predicted: "spans" or "ents": where to read predictions; "auto": `doc.spans[spans_key]` if
            any document has that.
        seen: The names of the training part.
    """
    where = {"gold": layer((example.reference for example in examples), spans_key)}
    done, seconds = _predict(nlp, examples, batch_size)
    where["predicted"] = (
        layer((e.predicted for e in examples), spans_key) if predicted == "auto" else predicted
    )
    gold = [read_own_spans(example.reference, spans_key) for example in examples]
    found = [
        read_spans(e.predicted, where["predicted"], spans_key) if i in done else []
        for i, e in enumerate(examples)
    ]
    sides = zip(examples, gold, found, strict=True)
    documents = [
        Document(example.reference.text, characters(g), characters(p)) for example, g, p in sides
    ]
    return Evaluation(
        where, gold, found, len(examples) - len(done), seconds, score_documents(documents, seen)
    )


def summary(nlp: Language, result: Evaluation, name: str = "") -> dict[str, Any]:
    """The content of the metrics file; all scores are fractions.

    Args:
        name: What `compare` calls the system.
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
        "training_seconds": nlp.meta.get("performance", {}).get("training_seconds"),
        **asdict(result.scores),
    }


def repairs_of(nlp: Language) -> dict[str, dict[str, int]]:
    """What was wrong with the answers that components have written freely so far, by the name of
    the component."""
    decoders = {
        name: pipe.model.attrs.get("decoder")
        for name, pipe in nlp.pipeline
        if hasattr(pipe, "model")
    }
    return {
        name: asdict(decoder.repairs)
        for name, decoder in decoders.items()
        if hasattr(decoder, "repairs")
    }


def _predict(
    nlp: Language, examples: Sequence[Example], batch_size: int | None
) -> tuple[set[int], float]:
    """The indices of the examples that got through the pipeline, and the seconds it took."""
    start, tasks = time.perf_counter(), [example.predicted for example in examples]
    docs = list(
        tqdm(nlp.pipe(tasks, batch_size=batch_size), total=len(tasks), unit="doc", mininterval=1)
    )
    seconds = time.perf_counter() - start
    places = list(range(len(tasks)))
    if len(docs) < len(tasks):  # some failed: the others are known by being the same objects
        by_identity = {id(task): i for i, task in enumerate(tasks)}
        places = [by_identity[id(doc)] for doc in docs]
    for i, doc in zip(places, docs, strict=True):
        examples[i].predicted = doc
    return set(places), seconds


def outcomes(result: Evaluation) -> tuple[list[float], list[bool], list[int]]:
    """The score of each predicted span, whether it is a gold span, and the number of its
    document."""
    scores, correct, documents = list[float](), list[bool](), list[int]()
    for number, (predicted, gold) in enumerate(zip(result.predicted, result.gold, strict=True)):
        right = characters(gold)
        for span, value in predicted:
            scores.append(1.0 if value is None else value)
            correct.append(Entity(span.start_char, span.end_char, span.label_) in right)
            documents.append(number)
    return scores, correct, documents
