"""How a component with a language model is saved, and read back: whole, or not at all."""

import gc
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from spacy import util
from spacy.vocab import Vocab
from thinc.api import Model

from ..files.saved import MODEL_FILES, pack_parts, parse_object, read_object, reading, unpack_parts
from ..files.writing import filling
from .settings import AdjustablePipe, Settings, restored

Self = TypeVar("Self", bound="SavedPipe")


class SavedPipe(AdjustablePipe):
    """A component that consists of settings, a vocabulary, and a network whose shim is a language
    model."""

    model: Model[Any, Any]
    vocab: Vocab

    def use_cfg(self, cfg: Settings) -> None:
        """Take over settings that were saved.

        Raises:
            ValueError:
            TypeError or LookupError: For others.
        """
        raise NotImplementedError

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write a folder: the settings, and what training changed as a PEFT folder. After an error
        the folder is as it was.

        Raises:
            OSError: If it cannot be written.
        """
        writers = {
            "cfg": lambda p: p.write_text(
                json.dumps(self.cfg), encoding="utf8"
            ),  # srsly would round numbers
            "vocab": lambda p: self.vocab.to_disk(p),
            "model": self.model.shims[0].to_disk,
        }
        with filling(path, whole=[f"model/{name}" for name in MODEL_FILES]) as content:
            util.to_disk(content, writers, exclude)

    def from_disk(self: Self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:
        """Read it back. After an error everything is as it was.

        Raises:
            ValueError: If a file is missing or corrupt, or the base weights are others.
        """
        readers: dict[str, Callable[..., Any]] = {
            "cfg": lambda p: self._take_cfg(read_object(p), p, p.parent),
            "vocab": lambda p: _check_vocab(lambda vocab: vocab.from_disk(p), p),
            "model": self.model.shims[0].from_disk,
        }
        with self._unless_it_fails():
            util.from_disk(path, readers, exclude)
        if "vocab" not in exclude:
            self.vocab.from_disk(Path(path, "vocab"))
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """The same as bytes."""
        writers = {
            "cfg": lambda: json.dumps(self.cfg).encode(),
            "vocab": lambda: self.vocab.to_bytes(exclude=exclude),
            "model": self.model.shims[0].to_bytes,
        }
        return pack_parts(util.to_dict(writers, exclude))

    def from_bytes(self: Self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> Self:
        """Read them back, with the vocabulary if it is there.

        Raises the same errors as `from_disk`.
        """
        place = f"the component {self.name!r} in bytes"
        parts = unpack_parts(bytes_data, place)
        if missing := {"cfg", "model"} - parts.keys() - set(exclude):
            raise ValueError(
                f"{place} lacks {', '.join(sorted(missing))}: exclude what is not to be read"
            )
        readers: dict[str, Callable[..., Any]] = {
            "cfg": lambda data: self._take_cfg(parse_object(data, f"cfg of {place}"), place),
            "vocab": lambda data: _check_vocab(
                lambda vocab: vocab.from_bytes(data, exclude=exclude), f"vocab of {place}"
            ),
            "model": self.model.shims[0].from_bytes,
        }
        with self._unless_it_fails():
            util.from_dict(parts, readers, exclude)
        if "vocab" in parts.keys() - set(exclude):
            self.vocab.from_bytes(parts["vocab"], exclude=exclude)
        return self

    def _take_cfg(self, saved: Settings, place: object, folder: Path | None = None) -> None:
        with reading(place):
            given = self._owner.given(self, folder) if folder else set[str]()
            self.use_cfg(restored(self.cfg, saved, given))

    @contextmanager
    def _unless_it_fails(self) -> Iterator[None]:
        """After an error, the settings and the attributes of the network are those of before."""
        cfg, attrs = dict(self.cfg), dict(self.model.attrs)
        try:
            yield
        except BaseException:
            self.cfg = cfg
            self.model.attrs.update(attrs)
            raise


def _check_vocab(read: Callable[[Vocab], object], place: object) -> None:
    """Read into another vocabulary first: a failure would leave that of the pipeline half changed.

    Raises:
        ValueError: If it cannot.
    """
    collects = gc.isenabled()
    try:
        with reading(place):
            read(Vocab())
    finally:
        if collects:
            gc.enable()  # srsly has turned it off, and leaves it so after an error
