"""What updates and evaluations gave, to be played back instead of making them again."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter
from typing import Any

import srsly
import torch
from spacy.strings import StringStore
from spacy.training import Example

from .checkpoint import random_states, set_random_states

Results = dict[str, Any]


class Tape:
    """Entries that are played back one after the other, and then new ones, which are recorded.

    Args:
        path: Where the entries are kept, for messages.
        strings: The words of the vocabulary. Predictions may add some, and they are saved with the
            pipeline.
        devices: Where random numbers may be drawn.
    """

    def __init__(self, path: Path, strings: StringStore, devices: Iterable[torch.device]) -> None:
        self._path, self._strings, self._devices = path, strings, devices
        self._entries: list[dict[str, Any]] = []
        self._place = 0
        self._random: dict[str, Any] | None = (
            None  # as the newest entry left it, if that was recorded here
        )

    @property
    def updates(self) -> int:
        """How many entries are updates."""
        return sum(entry["kind"] == "update" for entry in self._entries)

    @property
    def evaluations(self) -> list[Results]:
        """The results of those entries that are evaluations."""
        return [entry["results"] for entry in self._entries if entry["kind"] == "evaluation"]

    @property
    def seconds(self) -> float:
        """How long it took to make them all, whenever that was."""
        return sum((entry["seconds"] for entry in self._entries), 0.0)

    @property
    def ended(self) -> bool:
        """Whether the next result will be recorded."""
        return self._place == len(self._entries)

    def result(self, kind: str, examples: list[Example], make: Callable[[], Results]) -> Results:
        """The next one, played back or made.

        Raises:
            ValueError: If it is not of these examples.
        """
        key = zlib.crc32("\0".join(example.text for example in examples).encode())
        if self.ended:
            self._record(kind, key, make)
        entry = self._entries[self._place]
        if (entry["kind"], entry["key"]) != (kind, key):
            raise ValueError(
                f"the data come in another order than when {self._path} was written, so that "
                "training cannot go on "
                "from there: use a reader that gives the same documents at every run, or delete "
                "the file to begin anew"
            )
        for string in entry["strings"]:
            self._strings.add(string)
        if self._random is None and entry["random"]:
            set_random_states(entry["random"])
        self._place += 1
        results: Results = entry["results"]
        return results

    def to_bytes(self) -> bytes:
        """All entries."""
        self._note_draws()
        return bytes(srsly.msgpack_dumps(self._entries))

    def from_bytes(self, data: bytes) -> None:
        """Play these back from now on."""
        self._entries, self._place, self._random = srsly.msgpack_loads(data), 0, None

    def _record(self, kind: str, key: int, make: Callable[[], Results]) -> None:
        self._note_draws()
        known, start = len(self._strings), perf_counter()
        entry = {
            "kind": kind,
            "key": key,
            "results": make(),
            "seconds": perf_counter() - start,
            "random": None,
        }
        entry["strings"] = list(self._strings)[known:] if len(self._strings) > known else []
        self._entries.append(entry)
        self._random = random_states(self._devices)

    def _note_draws(self) -> None:
        """Where the training loop draws random numbers, to shuffle say, it must draw the same when
        it is played back.
        That is rare: to keep the states of each entry would take far more space than all else."""
        if self._random not in (None, random_states(self._devices)):
            self._entries[-1]["random"] = self._random
