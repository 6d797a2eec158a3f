"""Label Studio's exports: tasks (JSON), and one flat object for each annotation of a task
(JSON_MIN)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .record import LeftOut, RawSpan, Record, raw_span

FACTS = ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement")
"""What JSON_MIN says about an annotation."""

UNLABELLED = "regions without a label"


def read_task(item: Mapping[str, Any], place: str) -> Record | LeftOut:
    """A task: of several annotations the one that is ground truth, else the newest. Cancelled ones
    do not count.

    Raises:
        ValueError: For what is not a task of labelled text, with its place.
    """
    annotations = _objects(item.get("annotations", []), f"{place}: `annotations`")
    done = [annotation for annotation in annotations if not annotation.get("was_cancelled")]
    if not done:
        return LeftOut(place, "cancelled" if annotations else "not annotated")
    gold = max(
        done, key=lambda each: (each.get("ground_truth") is True, str(each.get("created_at") or ""))
    )
    ignored = ["other annotations of a task"] * (len(done) - 1)
    ignored += ["predictions"] * len(
        _objects(item.get("predictions", []), f"{place}: `predictions`")
    )
    spans, names = list[RawSpan](), dict[str, None]()
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
    """An annotation of JSON_MIN: the fields of the task beside the lists of its spans.

    Raises:
        ValueError: For what is not an annotation of labelled text, with its place.
    """
    data = {name: value for name, value in item.items() if name not in FACTS}
    lists = [value for value in data.values() if isinstance(value, list)]
    regions = [
        entry for value in lists for entry in value if isinstance(entry, dict) and "start" in entry
    ]
    for region in regions:
        _refuse_other_texts(region, place)
    spans = [span for region in regions if region.get("labels") for span in _spans(region, place)]
    unlabelled = sum(not region.get("labels") for region in regions)
    return Record(place, _text(data, (), place), [], spans, ignored=(UNLABELLED,) * unlabelled)


def _spans(region: Any, place: str) -> list[RawSpan]:
    match region:
        case {"start": start, "end": end, "labels": [*labels]}:
            texts = (region["text"],) if isinstance(region.get("text"), str) else ()
            return [raw_span(place, start, end, label, texts) for label in labels]
    raise ValueError(
        f"{place} {region!r:.80} is no span: expected `start`, `end` and a list as `labels`"
    )


def _refuse_other_texts(region: Any, place: str) -> None:
    """Spans of HTML and of paragraphs have other offsets, and other names for their labels."""
    names = (
        [name for name in region if name.endswith("labels") and name != "labels"]
        if isinstance(region, dict)
        else []
    )
    if names and "start" in region:
        raise ValueError(
            f"{place} has {names[0]}: only spans of plain text can be read, those of the tag "
            "<Labels>"
        )


def _text(data: Mapping[str, Any], names: Iterable[str], place: str) -> str:
    """The text with the name that the labels refer to; or `text`, or the only one."""
    texts = {name: value for name, value in data.items() if isinstance(value, str)}
    wanted = list(names) or ["text"]
    found = [texts[name] for name in wanted if name in texts] or list(texts.values())
    if len(wanted) > 1 or len(found) != 1:
        raise ValueError(
            f"{place} has texts named {list(texts)} and labels of {wanted}: expected labels of "
            "one text. If there are "
            "several texts, it must have the name that the labels have as `to_name`, or `text`"
        )
    return found[0]


def _objects(value: Any, what: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ValueError(
            f"{what} is {value!r:.40}: expected a list of objects, as Label Studio writes it"
        )
    return value
