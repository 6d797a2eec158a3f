"""Snips' queries to a voice assistant, read from its JSON: one file for each intent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..files.text_files import opened_as_found, present
from .json_values import parse_json
from .record import RawSpan, Record, raw_span

INTENTS = (
    "AddToPlaylist",
    "BookRestaurant",
    "GetWeather",
    "PlayMusic",
    "RateBook",
    "SearchCreativeWork",
    "SearchScreeningEvent",
)


def read_snips(folder: Path, pattern: str) -> list[Record]:
    """Read the queries of all intents.

    Args:
        folder: The folder of the corpus.
        pattern: The name of the file of an intent, with `{}` for the intent.

    Raises:
        ValueError: If a file cannot be read; the error names the place.
    """
    return [
        query
        for intent in INTENTS
        for query in _queries(present(folder / pattern.format(intent)), intent)
    ]


def _queries(path: Path, intent: str) -> Iterator[Record]:
    match parse_json(_text(path), str(path)):
        case {**intents} if isinstance(queries := intents.get(intent), list):
            for number, query in enumerate(queries, 1):
                yield _query(query, f"{path}, query {number}")
        case _:
            raise ValueError(f"{path}: expected an object with a list of queries as {intent!r}")


def _query(query: Any, place: str) -> Record:
    """Return a query: its pieces make up the text, and those with an entity are spans."""
    text, spans = "", list[RawSpan]()
    match query:
        case {"data": [*pieces]}:
            for piece in pieces:
                match piece:
                    case {"text": str(written), "entity": label}:
                        spans.append(raw_span(place, len(text), len(text + written), label))
                    case {"text": str(written)}:
                        pass
                    case _:
                        raise ValueError(f"{place}: {piece!r:.80} is no piece: expected a text")
                text += written
            return Record(place, text, [], spans)
    raise ValueError(f"{place}: expected an object with a list of pieces as 'data'")


def _text(path: Path) -> str:
    """Return the text of a file in UTF-8, or in CESU-8 as one of the files is: there a character
    above U+FFFF, such as an emoji, is written as two surrogates of three bytes each."""
    with opened_as_found(path, path.stat().st_size) as file:
        content = file.read().encode(errors="surrogateescape")
    try:
        halves = content.decode(errors="surrogatepass")
        return halves.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} cannot be read ({error}): expected UTF-8 text") from error
