"""Which format free answers have, whatever format they were asked in."""

from __future__ import annotations

import inspect
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from spacy.util import registry

from ..answers import Marked
from ..formats.base import Format, parse
from ..formats.inline_bracketed import InlineBracketed
from ..models.answered import Answered
from ..reading.align import common
from ..reading.resolve import PIECE, resolve
from ..text import Text
from ..types import Entity

_LABEL = re.compile(r"[^\W_](?:[\w .-]*\w)?")
"""A label in a mark."""


def all_formats() -> Iterator[Format]:
    """Yield the registered formats with the settings that they have by default, and inline brackets
    with the label first."""
    for thing in registry.misc.get_all().values():
        if isinstance(thing, type) and hasattr(thing, "read") and hasattr(thing, "grammar"):
            try:
                yield thing()
            except TypeError:  # A format of the user may have settings without a default.
                continue
    yield InlineBracketed(label_first=True)


def read_by(format: Format, answer: Answered) -> tuple[list[Entity], bool]:
    """Read a free answer in a format, under whatever labels it has there.

    Returns:
        What the format's reader finds, and whether the answer is a legal one of the format.
    """
    read, source = format.read(answer.written), answer.grammar.source
    if isinstance(read, Marked):
        found = [label for _, _, label in read.spans]
    else:
        found = [mention.label for mention in read.mentions]
    if format.names_labels:
        labels = dict.fromkeys(answer.labels if set(found) <= set(answer.labels) else found, "")
    else:
        labels = dict.fromkeys(answer.labels if len(answer.labels) == 1 else [""], "")
    entities, _ = resolve(read, source, labels)
    try:
        legal = parse(format.grammar(source, labels), answer.written) is not None
    except ValueError:  # The format cannot have such labels.
        legal = False
    return entities, legal


def delimiters(answers: Iterable[Answered]) -> InlineBracketed | None:
    """Return the format whose delimiters free answers put around gold entities most often.

    Returns:
        None if there are none, or such delimiters cannot be told apart from a text.
    """
    around = Counter[tuple[str, str]]()
    for answer in answers:
        around.update(_around(answer))
    for (before, after), _ in around.most_common(1):
        return _bracketed(before, after)
    return None


def _around(answer: Answered) -> Iterator[tuple[str, str]]:
    """Yield what a free answer has before and after each gold entity that it copies, with the text
    "\\0" in the place of the label."""
    source = Text(answer.grammar.source.words, answer.grammar.source.spaces)
    text = answer.written
    written, pieces = list(PIECE.finditer(text)), list(PIECE.finditer(source.text))
    found = common([piece[0] for piece in written], [piece[0] for piece in pieces])
    copies = {j: i for i, j in enumerate(found) if j is not None}
    starts = {piece.start(): j for j, piece in enumerate(pieces)}
    ends = {piece.end(): j for j, piece in enumerate(pieces)}
    for entity in answer.gold:
        first = starts.get(source.starts[entity.start])
        last = ends.get(source.ends[entity.end - 1])
        if first not in copies or last not in copies:
            continue
        left, right = written[copies[first]].start(), written[copies[last]].end()
        before = written[copies[first - 1]].end() if first - 1 in copies else 0
        after = written[copies[last + 1]].start() if last + 1 in copies else len(text)
        yield _no_label(text[before:left].lstrip()), _no_label(text[right:after].rstrip())


def _no_label(mark: str) -> str:
    return _LABEL.sub("\0", mark)


def _bracketed(before: str, after: str) -> InlineBracketed | None:
    """Return the format that writes these delimiters; None if there can be no such format."""
    settings: dict[str, Any]
    match before.split("\0"), after.split("\0"):
        case [opening], [separator, closing]:
            settings = {"opening": opening, "separator": separator, "closing": closing}
        case [opening, separator], [closing]:
            settings = {"opening": opening, "separator": separator, "closing": closing}
            settings["label_first"] = True
        case [opening], [closing]:
            settings = {"opening": opening, "closing": closing, "names_labels": False}
        case _:
            return None
    try:
        return InlineBracketed(**settings)
    except ValueError:  # Empty or ambiguous delimiters are no delimiters.
        return None


def described(format: Format) -> str:
    """Return the registered name of a format and the settings that are not the default ones."""
    kind = type(format)
    names = [name for name, thing in registry.misc.get_all().items() if thing is kind]
    name = names[0] if names else kind.__name__
    given = list[str]()
    for setting in inspect.signature(kind).parameters.values():
        value = getattr(format, setting.name, setting.default)
        if value != setting.default:
            given.append(f"{setting.name} = {json.dumps(value, ensure_ascii=False)}")
    return f"{name} with {', '.join(given)}" if given else name
