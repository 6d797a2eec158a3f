"""Stored predictions of other systems: JSON lines in the layouts of GNER and LLMs4NER."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from ..answers import Listed, Marked, Repairs
from ..corpora.json_values import parse_json
from ..corpora.tags import chunks, parse_tag
from ..files.text_files import numbered_lines
from ..formats.bio import read_bio
from ..formats.grouped_json import read_grouped_json
from ..formats.inline_bracketed import read_bracketed
from ..formats.inline_xml import read_xml
from ..formats.json_items import read_mentions_json
from ..reading.resolve import PIECE, resolve
from ..text import Text
from ..types import Entity, Source
from .metrics import Document, score_documents
from .published import AnswerFormat, Tally, gner_tally, llms4ner_tally

_READERS: dict[AnswerFormat, Callable[[str], Marked | Listed]] = {
    AnswerFormat.bracketed: read_bracketed,
    AnswerFormat.xml: read_xml,
    AnswerFormat.grouped: read_grouped_json,
    AnswerFormat.occurrence: read_mentions_json,
    AnswerFormat.offset: read_mentions_json,
}
_TEMPLATE = r"\n|<\|\w+\|>|<end_of_turn>|</s>|\[/INST\]|$"
"""What may follow the sentence in a prompt: the templates of several chat models."""
_SENTENCE = re.compile(rf".*Now process the input sentence:\s*(.*?)\s*(?:{_TEMPLATE})", re.DOTALL)
_LABELS = re.compile(r"Label Set:\n(.*?)\nNow process", re.DOTALL)

Line = tuple[str, dict[str, Any]]
"""The place of a line (file and number), and its JSON object."""


@dataclass(frozen=True, slots=True)
class StoredPrediction:
    """An answer, read and counted.

    Attributes:
        dataset: The name of the dataset.
        document: The text with gold and predicted spans, in characters.
        tally: The count of the published script.
        repairs: What had to be repaired in the answer.
        gold_repairs: What had to be repaired in the gold answer.
    """

    dataset: str
    document: Document
    tally: Tally
    repairs: Repairs
    gold_repairs: Repairs


def read_predictions(path: Path) -> list[StoredPrediction]:
    """Read the answers in a file of JSON lines, whose layout is recognised by the first line.

    A line of GNER has `dataset`, `label_list`, `prediction` and, under `instance`, `words` and
    `labels` (BIO tags). A line of LLMs4NER, as LLaMA-Factory writes it, has `prompt`, `predict` and
    `label` (the gold answer).

    Raises:
        ValueError: If a line is not in the layout of the file; the error names the line.
        ValueError: If the file has no answers.
    """
    lines = [(f"{path}:{number}", line) for number, line in numbered_lines(path) if line.strip()]
    items = [(place, _object(line, place)) for place, line in lines]
    if not items:
        raise ValueError(f"{path} is empty: expected JSON lines, each with a prediction")
    place, first = items[0]
    if "prediction" in first:
        return [_gner(*line) for line in items]
    if "predict" in first:
        return _llms4ner(items, path.stem)
    raise ValueError(
        f"{place} has neither `prediction` (GNER) nor `predict` (LLMs4NER), only "
        f"{', '.join(first) or 'nothing'}: give a file in one of these layouts"
    )


def evaluate_predictions(predictions: Sequence[StoredPrediction]) -> dict[str, Any]:
    """Return the metrics of each dataset and of all predictions.

    These are the scores by position, the published count, and the repairs. `mean_f` is the mean
    over the datasets, which is what GNER reports.
    """
    names = dict.fromkeys(prediction.dataset for prediction in predictions)
    datasets = {name: _metrics([p for p in predictions if p.dataset == name]) for name in names}
    means = {
        kind: mean(each[kind]["f"] or 0.0 for each in datasets.values())
        for kind in ("position", "published")
    }
    return {"datasets": datasets, "overall": _metrics(predictions), "mean_f": means}


def _metrics(predictions: Sequence[StoredPrediction]) -> dict[str, Any]:
    tally = sum((p.tally for p in predictions), Tally())
    return {
        "documents": len(predictions),
        "position": asdict(score_documents([p.document for p in predictions]).total),
        "published": {**asdict(tally), "f": tally.f},
        "repairs": asdict(sum((p.repairs for p in predictions), Repairs())),
        "gold_repairs": asdict(sum((p.gold_repairs for p in predictions), Repairs())),
    }


def _object(line: str, place: str) -> dict[str, Any]:
    item = parse_json(line, place)
    if not isinstance(item, dict):
        raise ValueError(f"{place} is of type {type(item).__name__}: expected a JSON object")
    return item


def _gner(place: str, item: dict[str, Any]) -> StoredPrediction:
    match item:
        case {
            "dataset": str(dataset),
            "label_list": [*labels],
            "instance": {"words": [*words], "labels": [*tags]},
            "prediction": str(answer),
        } if _all_strings([*labels, *words, *tags]) and len(words) == len(tags):
            pass
        case _:
            raise ValueError(
                f"{place} is not in GNER's layout: expected strings as `dataset` and `prediction`, "
                "a list of strings as `label_list` and, under `instance`, lists of strings of the "
                "same length as `words` and `labels`"
            )
    try:
        source = Source(tuple(words), (True,) * len(words))
        gold = [entity for entity, _ in chunks(map(parse_tag, tags))]
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error
    found, repairs = resolve(read_bio(answer), source, labels)
    tally = gner_tally(words, tags, answer, labels)
    return StoredPrediction(dataset, _document(source, gold, found), tally, repairs, Repairs())


def _all_strings(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _llms4ner(lines: Sequence[Line], dataset: str) -> list[StoredPrediction]:
    for place, item in lines:
        if not {"predict", "label"} <= item.keys():
            raise ValueError(
                f"{place} is not in LLMs4NER's layout: expected `predict` and `label` (the gold "
                "answer)"
            )
    format = _format(lines)
    read = _READERS[format]
    golds = [read(_text(item["label"])) for _, item in lines]
    labels: dict[str, None] = {}  # the labels of prompts come before those of gold answers only
    for _, item in lines:
        labels |= dict.fromkeys(_prompt_labels(item))
    for gold in golds:
        labels |= dict.fromkeys(_written_labels(gold))
    predictions = []
    for (place, item), gold in zip(lines, golds, strict=True):
        source = _source(gold.text if isinstance(gold, Marked) else _sentence(place, item))
        entities, gold_repairs = resolve(gold, source, labels)
        found, repairs = resolve(read(_text(item["predict"])), source, labels)
        document = _document(source, entities, found)
        tally = llms4ner_tally(format, item["predict"], item["label"], labels)
        predictions.append(StoredPrediction(dataset, document, tally, repairs, gold_repairs))
    return predictions


def _format(lines: Sequence[Line]) -> AnswerFormat:
    """Return the format of the answers, by the first gold answer that has an entity."""
    for gold in [_text(item["label"]) for _, item in lines]:
        match _json(gold):
            case [{"occurrence_index": _}, *_]:
                return AnswerFormat.occurrence
            case [{"start": _}, *_]:
                return AnswerFormat.offset
            case dict():
                return AnswerFormat.grouped
        if read_xml(gold).spans:
            return AnswerFormat.xml
        if read_bracketed(gold).spans:
            return AnswerFormat.bracketed
    raise ValueError(
        f"{lines[0][0]} and the lines after it: no gold answer (`label`) has an entity that tells "
        "which of LLMs4NER's formats it is in"
    )


def _text(answer: Any) -> str:
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


def _json(answer: str) -> Any:
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        return None


def _prompt_labels(item: dict[str, Any]) -> list[str]:
    """Return the labels of the label set in a prompt.

    Each is in a line of its own, as in "ORG(organization): a company": it ends before the name in
    parentheses or the colon.
    """
    found = _LABELS.search(str(item.get("prompt")))
    if not found:
        return []
    return [label.strip() for label in re.findall(r"^[^(:\n]+", found[1], re.MULTILINE)]


def _written_labels(answer: Marked | Listed) -> list[str]:
    if isinstance(answer, Marked):
        return [label for _, _, label in answer.spans]
    return [mention.label for mention in answer.mentions]


def _sentence(place: str, item: dict[str, Any]) -> str:
    found = _SENTENCE.match(str(item.get("prompt")))
    if not found:
        raise ValueError(
            f'{place}: expected "Now process the input sentence:" in `prompt`, and the sentence '
            "after it"
        )
    return found[1]


def _source(sentence: str) -> Source:
    pieces = list(PIECE.finditer(sentence))
    spaces = (piece.start() > 0 and sentence[piece.start() - 1].isspace() for piece in pieces)
    return Source(tuple(piece[0] for piece in pieces), tuple(spaces))


def _document(source: Source, gold: Iterable[Entity], found: Iterable[Entity]) -> Document:
    text = Text(source.words, source.spaces)

    def characters(entities: Iterable[Entity]) -> frozenset[Entity]:
        return frozenset(
            Entity(text.starts[e.start], text.ends[e.end - 1], e.label) for e in entities
        )

    return Document(text.text, characters(gold), characters(found))
