"""Records with a list of spans: Prodigy, Doccano, spaCy, and files of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .record import LeftOut, RawSpan, Record, raw_span

SPANS = ("spans", "entities", "label", "labels", "entity_mentions")
START = ("start", "start_offset")
END = ("end", "end_offset")
LABEL = ("label", "type", "entity_type")


def span_fields(item: Mapping[str, Any]) -> list[str]:
    """The names under which an object has a list of spans; `labels` that are strings belong to the
    whole text."""
    lists = {name: item[name] for name in SPANS if isinstance(item.get(name), list)}
    whole = [
        name
        for name in ("label", "labels")
        if name in lists and isinstance(next(iter(lists[name]), None), str)
    ]
    return [name for name in lists if name not in whole]


def read_span_record(item: Mapping[str, Any], place: str, *, bare: bool = False) -> Record:
    """A record with `text` or `data` (a string) or `tokens` (of strings), and its spans under one
    of `SPANS`. A span is [start, end, label], or an object with `START`, `END` (or both as "span":
    [start, end]) and `LABEL`.

    What the record says of a span besides is kept, to be compared: its `text` (or `name` beside
    "span"), and Prodigy's tokens from `token_start` to `token_end`. Doccano's offsets count UTF-16
    units.

    Args:
        bare: Whether a record without spans is a text without entities.

    Raises:
        ValueError: For what is not such a record, with its place.
    """
    fields = span_fields(item)
    if len(fields) > 1 or not (fields or bare):
        raise ValueError(
            f"{place} has lists of spans under {fields or 'no name'}: expected one of "
            f"{', '.join(SPANS)}"
        )
    spans = item[fields[0]] if fields else []
    relations = item["relations"] if isinstance(item.get("relations"), list) else []
    match item:
        case {"text": str(text)} | {"data": str(text)}:
            tokens = _tokens(item.get("tokens"))
            doccano = "Comments" in item or any(
                isinstance(span, dict) and "start_offset" in span for span in spans
            )
            found = [_span(span, place, tokens) for span in spans]
            return Record(
                place, text, [], found, utf16=doccano, ignored=("relations",) * len(relations)
            )
        case {"tokens": [*words]} if all(isinstance(word, str) for word in words):
            return Record(place, None, words, [_span(span, place, []) for span in spans])
    raise ValueError(f"{place} has neither a string as `text` nor a list of strings as `tokens`")


def read_doc(item: Mapping[str, Any], place: str, spans_key: str) -> Record | LeftOut:
    """A document that spaCy's `Doc.to_json` wrote: the group of that name, or else the entities.

    Raises:
        ValueError: For what is not such a document, with its place.
    """
    groups = item.get("spans", {})
    if not isinstance(groups, dict):
        raise ValueError(
            f"{place}: `spans` is {groups!r:.40}: expected groups of spans by their names"
        )
    spans = groups.get(spans_key, item.get("ents"))
    if spans is None:
        return LeftOut(place, f"neither spans[{spans_key!r}] nor ents")
    record = read_span_record({"text": item["text"], "spans": spans}, place)
    others = {
        name: group
        for name, group in groups.items()
        if name != spans_key and isinstance(group, list)
    }
    return replace(
        record, ignored=tuple(f"spans[{name!r}]" for name, group in others.items() for _ in group)
    )


def _tokens(value: Any) -> list[dict[str, Any]]:
    """Prodigy's tokens; none if they are of another kind."""
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
            found = raw_span(
                place,
                _first(span, START),
                _first(span, END),
                _first(span, LABEL),
                _texts(span, "text"),
            )
        case _:
            raise ValueError(
                f"{place} {span!r:.80} is no span: expected [start, end, label], or an object "
                "with these"
            )
    return _compared(found, span, tokens)


def _compared(found: RawSpan, span: Mapping[str, Any], tokens: list[dict[str, Any]]) -> RawSpan:
    """The span, with what its tokens say of it if it has numbers of such."""
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
