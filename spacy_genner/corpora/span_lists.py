"""Records with a list of spans: Prodigy, Doccano, spaCy, and files of your own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .record import LeftOut, RawSpan, Record, raw_span

SPANS = ("spans", "entities", "label", "labels", "entity_mentions")
"""The names of a list of spans."""
START = ("start", "start_offset")
END = ("end", "end_offset")
LABEL = ("label", "type", "entity_type")


def span_fields(item: Mapping[str, Any]) -> list[str]:
    """Return the names under which an object has a list of spans.

    A list of strings as `label` or `labels` is about the whole text, and does not count.
    """
    lists = {name: item[name] for name in SPANS if isinstance(item.get(name), list)}
    whole = [
        name
        for name in ("label", "labels")
        if name in lists and isinstance(next(iter(lists[name]), None), str)
    ]
    return [name for name in lists if name not in whole]


def read_span_record(item: Mapping[str, Any], place: str, *, bare: bool = False) -> Record:
    """Read a record of a text with a list of spans.

    It has `text` or `data` (a string) or `tokens` (strings), and its spans under one of `SPANS`. A
    span is [start, end, label], or an object with a name of `START` and of `END` (or both as
    "span": [start, end]) and of `LABEL`.

    What else the record says of a span is kept, to be compared: its `text` (or `name` beside
    "span"), and Prodigy's tokens from `token_start` to `token_end`. Doccano's offsets count UTF-16
    units.

    Args:
        item: The JSON object.
        place: Its place in the input.
        bare: Whether a record without spans is a text without entities.

    Raises:
        ValueError: If it is not such a record; the error names its place.
    """
    fields = span_fields(item)
    if len(fields) > 1 or not (fields or bare):
        raise ValueError(
            f"{place} has lists of spans under {fields or 'no name'}: expected one of "
            f"{', '.join(SPANS)}"
        )
    spans = item[fields[0]] if fields else []
    match item:
        case {"text": str(text)} | {"data": str(text)}:
            tokens = _tokens(item.get("tokens"))
            found = [_span(span, place, tokens) for span in spans]
            relations = item["relations"] if isinstance(item.get("relations"), list) else []
            ignored = ("relations",) * len(relations)
            return Record(place, text, [], found, utf16=_is_doccano(item, spans), ignored=ignored)
        case {"tokens": [*words]} if all(isinstance(word, str) for word in words):
            return Record(place, None, words, [_span(span, place, []) for span in spans])
    raise ValueError(f"{place} has neither a string as `text` nor a list of strings as `tokens`")


def _is_doccano(item: Mapping[str, Any], spans: list[Any]) -> bool:
    """Return whether Doccano wrote a record."""
    return "Comments" in item or any(
        isinstance(span, dict) and "start_offset" in span for span in spans
    )


def read_doc(item: Mapping[str, Any], place: str, spans_key: str) -> Record | LeftOut:
    """Read a document that spaCy's `Doc.to_json` wrote.

    Args:
        item: The JSON object.
        place: Its place in the input.
        spans_key: The key of the spans. A document without it has its entities as spans.

    Raises:
        ValueError: If it is not such a document; the error names its place.
    """
    groups = item.get("spans", {})
    if not isinstance(groups, dict):
        raise ValueError(
            f"{place}: `spans` is {groups!r:.40}: expected an object, groups of spans by their "
            "names"
        )
    spans = groups.get(spans_key, item.get("ents"))
    if spans is None:
        return LeftOut(place, f"neither spans[{spans_key!r}] nor ents")
    record = read_span_record({"text": item["text"], "spans": spans}, place)
    ignored: list[str] = []
    for name, group in groups.items():
        if name != spans_key and isinstance(group, list):
            ignored += [f"spans[{name!r}]"] * len(group)
    return replace(record, ignored=tuple(ignored))


def _tokens(value: Any) -> list[dict[str, Any]]:
    """Return Prodigy's tokens; none if they are of another kind."""
    match value:
        case [*tokens] if all(
            isinstance(token, dict) and {"text", "start", "end"} <= token.keys() for token in tokens
        ):
            return tokens
    return []


def _span(span: Any, place: str, tokens: list[dict[str, Any]]) -> RawSpan:
    match span:
        case [start, end, label]:
            return raw_span(place, start, end, label)
        case {"span": [start, end]}:
            found = raw_span(place, start, end, _first(span, LABEL), _texts(span, "text", "name"))
        case dict():
            start, end = _first(span, START), _first(span, END)
            found = raw_span(place, start, end, _first(span, LABEL), _texts(span, "text"))
        case _:
            raise ValueError(
                f"{place} {span!r:.80} is not a span: expected [start, end, label], or an object "
                "with these"
            )
    return _compared(found, span, tokens)


def _compared(found: RawSpan, span: Mapping[str, Any], tokens: list[dict[str, Any]]) -> RawSpan:
    """Add to a span the text of the tokens that it names, and whether they contradict its offsets.

    Args:
        found: The span.
        span: The JSON object that it was read from.
        tokens: Prodigy's tokens.
    """
    match span:
        case {"token_start": int(first), "token_end": int(last)} if tokens:
            covered = tokens[first : last + 1] or [{"text": "", "start": None, "end": None}]
            text = "".join(str(token["text"]) for token in covered)
            differ = (covered[0]["start"], covered[-1]["end"]) != found.extent
            return found._replace(
                texts=(*found.texts, text), contradiction="tokens differ" if differ else ""
            )
    return found


def _texts(span: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    return tuple(span[name] for name in names if isinstance(span.get(name), str))


def _first(span: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((span[name] for name in names if name in span), None)
