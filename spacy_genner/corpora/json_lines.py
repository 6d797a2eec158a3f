"""JSON files of annotated texts. The shape of a record tells which tool wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .columns import Sentence
from .json_values import read_values
from .label_studio import read_task, read_task_min
from .record import LeftOut, Record
from .span_lists import read_doc, read_span_record, span_fields
from .token_lists import read_gliner, read_tags

Item = Record | Sentence | LeftOut


def read_json(path: Path, spans_key: str = "sc", tag_names: Sequence[str] = ()) -> list[Item]:
    """Read the records of a file of JSON lines, of one JSON array, or of one object.

    Args:
        path: The file.
        spans_key: The key of the spans to read in documents that spaCy's `Doc.to_json` wrote.
        tag_names: The names of tags that are numbers.

    Raises:
        ValueError: If the file has no records.
        ValueError: If something in it is not JSON.
        ValueError: If a record is in no known layout; the error names its place.
    """
    values = read_values(path)
    bare = any(isinstance(value, dict) and span_fields(value) for _, value in values)
    items: list[Item] = []
    for place, value in values:
        match value:
            case {"classes": _, "annotations": [*annotations]}:
                items += [
                    _annotator_item(each, f"{place}, annotations[{i}]")
                    for i, each in enumerate(annotations)
                ]
            case _:
                items.append(_item(value, place, spans_key, tag_names, bare))
    if not items:
        raise ValueError(f"{path} has no text in its `annotations`")
    return items


def _annotator_item(value: Any, place: str) -> Item:
    """Read a text of NER Annotator, where null stands for a text that the user skipped.

    NER Annotator runs in a browser: its offsets count UTF-16 units.
    """
    match value:
        case None:
            return LeftOut(place, "skipped")
        case [str(text), dict(annotation)]:
            return replace(read_span_record({**annotation, "text": text}, place), utf16=True)
    raise ValueError(
        f'{place} is {value!r:.40}: expected [text, {{"entities": [[start, end, label]]}}] or null'
    )


def _item(value: Any, place: str, spans_key: str, tag_names: Sequence[str], bare: bool) -> Item:
    """Read a record in the first layout whose shape it has.

    Args:
        bare: Whether a record without spans is a text without entities.
    """
    match value:
        case {"answer": "reject" | "ignore" as answer}:  # Prodigy
            return LeftOut(place, f"answer: {answer}")
        case {"_is_binary": True}:  # Prodigy asked about one span only: nobody looked for others
            return LeftOut(place, "answer to a binary question")
        case {"data": dict()}:
            return read_task(value, place)
        case {"annotation_id": _}:
            return read_task_min(value, place)
        case {"tokenized_text": _}:
            return read_gliner(value, place)
        case {"tokens": _, "ner_tags": tags}:
            return read_tags(value, place, tags, tag_names)
        case {"tokens": _, "tags": tags} if not span_fields(value):
            return read_tags(value, place, tags, tag_names)
        case {"text": str(), "spans": dict()}:
            return read_doc(value, place, spans_key)
        case {"text": str(), "ents": _} if not span_fields(value):
            return read_doc(value, place, spans_key)
        case {"text": str(), "tokens": [{"id": _, "start": _, "end": _, **others}, *_]} if (
            "text" not in others and not span_fields(value)
        ):
            return read_doc(value, place, spans_key)
        case [str(text), dict(annotation)]:  # a training example of spaCy 2
            return read_span_record({**annotation, "text": text}, place)
        case dict():
            return read_span_record(value, place, bare=bare)
    raise ValueError(
        f"{place} is of type {type(value).__name__}: expected an object with a text and its spans"
    )
