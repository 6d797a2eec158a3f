"""The results of updates and evaluations, to be played back instead of being computed again."""

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
    """A sequence of results: the recorded ones are played back in order, then new ones are added.

    Args:
        path: The file that the entries are kept in; for error messages only.
        strings: The strings of the vocabulary. Predictions may add some, and they are saved with
            the pipeline.
        devices: The devices on which random numbers may be drawn.
    """

    def __init__(self, path: Path, strings: StringStore, devices: Iterable[torch.device]) -> None:
        self._path = path
        self._strings = strings
        self._devices = devices
        self._entries: list[dict[str, Any]] = []
        self._place = 0
        # The random states after the newest entry, if that was recorded by this process.
        self._random: dict[str, Any] | None = None

    @property
    def updates(self) -> int:
        """The number of entries that are updates."""
        return sum(entry["kind"] == "update" for entry in self._entries)

    @property
    def evaluations(self) -> list[Results]:
        """The results of the entries that are evaluations."""
        return [entry["results"] for entry in self._entries if entry["kind"] == "evaluation"]

    @property
    def seconds(self) -> float:
        """The time that it took to compute all entries, in this process and in earlier ones."""
        return sum((entry["seconds"] for entry in self._entries), 0.0)

    @property
    def ended(self) -> bool:
        """Whether all entries were played back, so that the next result will be recorded."""
        return self._place == len(self._entries)

    def result(self, kind: str, examples: list[Example], make: Callable[[], Results]) -> Results:
        """Return the next result, played back from the tape or else computed and recorded.

        Args:
            kind: "update" or "evaluation".
            examples: The examples that the result depends on.
            make: Computes the result.

        Raises:
            ValueError: If the next entry on the tape is of another kind or of other examples.
        """
        key = zlib.crc32("\0".join(example.text for example in examples).encode())
        if self.ended:
            self._record(kind, key, make)
        entry = self._entries[self._place]
        if (entry["kind"], entry["key"]) != (kind, key):
            raise ValueError(
                f"the data come in another order than when {self._path} was written, so training "
                "cannot go on from there: use a reader that gives the same documents in every run, "
                "or delete the file to start again"
            )
        for string in entry["strings"]:
            self._strings.add(string)
        if self._random is None and entry["random"]:
            set_random_states(entry["random"])
        self._place += 1
        results: Results = entry["results"]
        return results

    def to_bytes(self) -> bytes:
        """Serialise all entries."""
        self._note_draws()
        return bytes(srsly.msgpack_dumps(self._entries))

    def from_bytes(self, data: bytes) -> None:
        """Load entries that `to_bytes` returned, and play them back from the first one on."""
        self._entries = srsly.msgpack_loads(data)
        self._place = 0
        self._random = None

    def _record(self, kind: str, key: int, make: Callable[[], Results]) -> None:
        self._note_draws()
        known = len(self._strings)
        start = perf_counter()
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
        """Keep the random states after the newest entry if random numbers were drawn since then.

        Where the training loop draws random numbers between two entries (to shuffle, for
        instance), it must draw the same ones when they are played back. That is rare, and to keep
        the states of every entry would take far more space than everything else.
        """
        if self._random not in (None, random_states(self._devices)):
            self._entries[-1]["random"] = self._random
