"""Label Studio's exports: tasks (JSON), and a flat object for each annotation (JSON_MIN)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from .record import LeftOut, RawSpan, Record, raw_span

FACTS = ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement")
"""The fields of JSON_MIN that are about the annotation, and not about the task."""

UNLABELLED = "regions without a label"


def read_task(item: Mapping[str, Any], place: str) -> Record | LeftOut:
    """Read a task.

    Of several annotations, the one that is ground truth counts, or else the newest one. Cancelled
    annotations do not count.

    Raises:
        ValueError: If it is not a task of labelled text; the error names its place.
    """
    annotations = _objects(item.get("annotations", []), f"{place}: `annotations`")
    done = [annotation for annotation in annotations if not annotation.get("was_cancelled")]
    if not done:
        return LeftOut(place, "cancelled" if annotations else "not annotated")
    gold = max(
        done, key=lambda each: (each.get("ground_truth") is True, str(each.get("created_at") or ""))
    )
    predictions = _objects(item.get("predictions", []), f"{place}: `predictions`")
    ignored = ["other annotations of a task"] * (len(done) - 1)
    ignored += ["predictions"] * len(predictions)
    spans = list[RawSpan]()
    names = dict[str, None]()  # the names of the texts that the labels refer to
    for result in _objects(gold.get("result"), f"{place}: `result`"):
        match result:
            case {"type": "labels", "value": {"labels": []}}:
                ignored.append(UNLABELLED)
            case {"type": "labels"}:
                spans += _spans(result.get("value"), place)
                names[str(result.get("to_name"))] = None
            case _:
                _refuse_other_texts(result.get("value"), place)
                ignored.append(str(result.get("type")))
    return Record(place, _text(item["data"], names, place), [], spans, ignored=tuple(ignored))


def read_task_min(item: Mapping[str, Any], place: str) -> Record:
    """Read an annotation of JSON_MIN: the fields of the task beside the lists of its spans.

    Raises:
        ValueError: If it is not an annotation of labelled text; the error names its place.
    """
    data = {name: value for name, value in item.items() if name not in FACTS}
    entries = chain.from_iterable(value for value in data.values() if isinstance(value, list))
    regions = [entry for entry in entries if isinstance(entry, dict) and "start" in entry]
    for region in regions:
        _refuse_other_texts(region, place)
    spans, ignored = list[RawSpan](), list[str]()
    for region in regions:
        if region.get("labels"):
            spans += _spans(region, place)
        else:
            ignored.append(UNLABELLED)
    return Record(place, _text(data, (), place), [], spans, ignored=tuple(ignored))


def _spans(region: Any, place: str) -> list[RawSpan]:
    match region:
        case {"start": start, "end": end, "labels": [*labels]}:
            texts = (region["text"],) if isinstance(region.get("text"), str) else ()
            return [raw_span(place, start, end, label, texts) for label in labels]
    raise ValueError(
        f"{place} {region!r:.80} is not a span: expected `start`, `end` and a list as `labels`"
    )


def _refuse_other_texts(region: Any, place: str) -> None:
    """Refuse spans of HTML and of paragraphs.

    They have other offsets, and other names for their labels, such as `hypertextlabels`.
    """
    if not isinstance(region, dict) or "start" not in region:
        return
    for name in region:
        if name.endswith("labels") and name != "labels":
            raise ValueError(
                f"{place} has {name}: only spans of plain text can be read, those of the tag "
                "<Labels>"
            )


def _text(data: Mapping[str, Any], names: Iterable[str], place: str) -> str:
    """Return the text with the name that the labels refer to; else `text`, or the only one."""
    texts = {name: value for name, value in data.items() if isinstance(value, str)}
    wanted = list(names) or ["text"]
    found = [texts[name] for name in wanted if name in texts] or list(texts.values())
    if len(wanted) > 1 or len(found) != 1:
        raise ValueError(
            f"{place} has texts named {list(texts)} and labels of {wanted}: expected labels of "
            "one text. If there are several texts, it must have the name that the labels have as "
            "`to_name`, or the name `text`"
        )
    return found[0]


def _objects(value: Any, what: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ValueError(
            f"{what} is {value!r:.40}: expected a list of objects, as Label Studio writes it"
        )
    return value
