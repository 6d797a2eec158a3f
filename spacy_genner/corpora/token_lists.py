"""Records of tokens: GLiNER's training data, and Hugging Face's token classification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .columns import Level, Sentence
from .record import Record, raw_span
from .tags import chunks, parse_tag


def read_gliner(item: Mapping[str, Any], place: str) -> Record:
    """Read a record of GLiNER.

    It has `tokenized_text`, and `ner` with [first token, last token, label] for each span.

    Raises:
        ValueError: If it is not such a record; the error names its place.
    """
    tokens = _strings(item["tokenized_text"], f"{place}: `tokenized_text`")
    spans = []
    for span in _list(item.get("ner"), f"{place}: `ner`"):
        match span:
            case [start, end, label]:
                found = raw_span(place, start, end, label)
                spans.append(found._replace(parts=((start, end + 1),)))
            case _:
                raise ValueError(
                    f"{place} {span!r:.80} is not a span: expected [first token, last token, label]"
                )
    return Record(place, None, tokens, spans)


def read_tags(item: Mapping[str, Any], place: str, tags: Any, names: Sequence[str]) -> Sentence:
    """Read a record of `tokens` with tags.

    Args:
        item: The JSON object.
        place: Its place in the input.
        tags: A tag for each token: its name, or its number in `names`.
        names: The names of tags that are numbers.

    Raises:
        ValueError: If it is not such a record; the error names its place.
    """
    words = _strings(item["tokens"], f"{place}: `tokens`")
    tags = _list(tags, f"{place}: the list of tags")
    if len(tags) != len(words):
        raise ValueError(
            f"{place} has {len(words)} tokens and {len(tags)} tags: expected a tag for each token"
        )
    try:
        found = chunks([parse_tag(_name(tag, names)) for tag in tags])
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error
    level = Level(place, range(1, len(words) + 1), found)
    return Sentence(place, words, [True] * len(words), [level])


def _name(tag: Any, names: Sequence[str]) -> str:
    if isinstance(tag, str):
        return tag
    if type(tag) is not int or not 0 <= tag < len(names):
        given = f"from 0 to {len(names) - 1}" if names else "with --tag-names O,B-ORG,…"
        raise ValueError(f"{tag!r:.40} is not a tag: expected its name, or a number {given}")
    return names[tag]


def _strings(value: Any, what: str) -> list[str]:
    strings = _list(value, what)
    if others := [entry for entry in strings if not isinstance(entry, str)]:
        raise ValueError(f"{what} has {others[0]!r:.40}: expected only strings")
    return strings


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{what} is {value!r:.40}: expected a list")
    return value
