"""The settings of a component: how they are changed, saved, and read again."""

import gc
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from spacy import util
from spacy.language import Language
from spacy.pipeline.trainable_pipe import TrainablePipe
from spacy.vocab import Vocab
from thinc.api import Model

from ..decoding.calibration import Platt, as_platt
from ..files.saved import MODEL_FILES, pack_parts, parse_object, read_object, reading, unpack_parts
from ..files.writing import filling
from ..labels.label_set import Labels, as_labels
from ..prompts.shots import shot_from_json
from .configurable import as_configured, survives
from .docs import Reading
from .saved_settings import Owner, Settings, Threshold, as_threshold, check, restored

Self = TypeVar("Self", bound="AdjustablePipe")


class AdjustablePipe(TrainablePipe):
    """A component whose settings can be changed at any time, and are saved with it.

    It is saved and loaded as a whole, or not at all: its settings, the vocabulary, and the language
    model, which is the shim of its network.

    Args:
        cfg: The settings by name, without the labels.
        labels: The label set; None if it is not configured.

    Attributes:
        cfg: The present settings. Some of them have a copy in `model.attrs`, for the network.
    """

    def __init__(
        self,
        nlp: Language,
        model: Model[Any, Any],
        name: str,
        cfg: Settings,
        labels: Mapping[str, str] | Iterable[str] | None,
    ) -> None:
        self.vocab = nlp.vocab
        self.model = model
        self.name = name
        self.cfg = cfg
        self._owner = Owner(nlp)
        self._labels_configured = labels is not None
        self._put_labels(labels)

    @property
    def threshold(self) -> Threshold:
        """The lowest score of a span, or that of the spans of each label."""
        return as_threshold(self.cfg["threshold"])

    @threshold.setter
    def threshold(self, threshold: Threshold) -> None:
        self.cfg["threshold"] = as_threshold(threshold)
        names = threshold if isinstance(threshold, Mapping) else ()
        if survives(dict.fromkeys(names, "")):  # or else the config keeps the former value
            self._owner.configure(self, "threshold", self.threshold)

    @property
    def spans_key(self) -> str:
        """The key of `doc.spans` under which spans are read and written."""
        return str(self.cfg["spans_key"])

    @spans_key.setter
    def spans_key(self, spans_key: str) -> None:
        self.cfg["spans_key"] = spans_key
        self._owner.configure(self, "spans_key", spans_key)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the labels."""
        return tuple(self.cfg["labels"])

    @property
    def label_data(self) -> dict[str, str]:
        """The labels with their definitions, in the form that `initialize` takes."""
        return dict(self.cfg["labels"])

    @property
    def reading(self) -> Reading:
        """The way in which documents are read."""
        return Reading(self.cfg["sentence_starts"], self.cfg["line_breaks"])

    def set_labels(self, labels: Mapping[str, str] | Iterable[str] | None) -> None:
        """Use another label set from now on; it may be one that the model was never trained on."""
        self._put_labels(labels)
        self._configure_labels()

    def add_label(self, label: str, definition: str = "") -> int:
        """Add a label to the label set.

        Returns:
            1 if the label was added, 0 if it was there already.
        """
        if label in self.cfg["labels"]:
            return 0
        self.set_labels({**self.cfg["labels"], label: definition})
        return 1

    def calibrate(self, scaling: Platt | None) -> None:
        """Turn scores into probabilities with this scaling from now on, until the next training.

        Args:
            scaling: The scaling; None leaves the scores as they are.
        """
        self.cfg["calibration"] = None if scaling is None else asdict(scaling)
        self.cfg["scoring"] = self.model.attrs["scoring"] = "own"

    def use_cfg(self, cfg: Settings) -> None:
        """Take over the settings, the labels, the calibration and the examples that were saved.

        Raises:
            ValueError: If a setting has a value that it cannot have.
            TypeError: If labels or examples are of a wrong type.
            LookupError: If a setting is missing.
        """
        check(cfg)
        as_platt(cfg["calibration"])
        self.cfg = cfg
        attrs = self.model.attrs
        attrs["scoring"] = cfg["scoring"]
        if cfg["template"] is not None:
            attrs["prompt"] = replace(attrs["prompt"], template=cfg["template"])
        self._put_labels(cfg["labels"])
        if attrs["prompt"].shots:
            attrs["set_shots"](self.model, map(shot_from_json, cfg.get("shots", ())))

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save the component to a folder, with what training changed as a PEFT folder in it.

        After an error, the folder is as it was before.

        Raises:
            OSError: If the folder cannot be written.
        """
        writers = {
            # the standard library writes numbers exactly; srsly would round them
            "cfg": lambda p: p.write_text(json.dumps(self.cfg), encoding="utf8"),
            "vocab": lambda p: self.vocab.to_disk(p),
            "model": self.model.shims[0].to_disk,
        }
        with filling(path, whole=[f"model/{name}" for name in MODEL_FILES]) as content:
            util.to_disk(content, writers, exclude)

    def from_disk(self: Self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:
        """Load the component from a folder. After an error, it is as it was before.

        Raises:
            ValueError: If a file is missing or corrupt, or if the base weights are not those that
                the component was trained on.
        """
        readers: dict[str, Callable[..., Any]] = {
            "cfg": lambda p: self._take_cfg(read_object(p), p, p.parent),
            "vocab": lambda p: _check_vocab(lambda vocab: vocab.from_disk(p), p),
            "model": self.model.shims[0].from_disk,
        }
        with self._all_or_nothing():
            util.from_disk(path, readers, exclude)
        if "vocab" not in exclude:
            self.vocab.from_disk(Path(path, "vocab"))
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Save the component as bytes, which hold the same as the folder of `to_disk`."""
        writers = {
            "cfg": lambda: json.dumps(self.cfg).encode(),
            "vocab": lambda: self.vocab.to_bytes(exclude=exclude),
            "model": self.model.shims[0].to_bytes,
        }
        return pack_parts(util.to_dict(writers, exclude))

    def from_bytes(self: Self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> Self:
        """Load the component from bytes, with the vocabulary if they hold it.

        After an error, the component is as it was before.

        Raises:
            ValueError: If a part is missing or corrupt, or if the base weights are not those that
                the component was trained on.
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
        with self._all_or_nothing():
            util.from_dict(parts, readers, exclude)
        if "vocab" in parts.keys() - set(exclude):
            self.vocab.from_bytes(parts["vocab"], exclude=exclude)
        return self

    def _put_labels(self, labels: Mapping[str, str] | Iterable[str] | None) -> None:
        """Use a label set, and leave the config as it is."""
        self.cfg["labels"] = as_labels(labels)
        for label in self.cfg["labels"]:
            self.vocab.strings.add(label)
        self.model.attrs["set_labels"](self.model, self.cfg["labels"])

    def _configure_labels(self) -> None:
        """Write the labels into the config, if it had some and can hold these."""
        if self._labels_configured and (configured := as_configured(self.cfg["labels"])):
            self._owner.configure(self, "labels", configured)

    def _required_labels(self) -> Labels:
        """Return the label set.

        Raises:
            ValueError: If it is empty.
        """
        if not self.labels:
            raise ValueError(
                f"[{self.name}] has no labels: give `labels` in its config, or train it on data "
                f"with annotated spans in doc.spans[{self.spans_key!r}] or doc.ents"
            )
        labels: Labels = self.cfg["labels"]
        return labels

    def _take_cfg(self, saved: Settings, place: object, folder: Path | None = None) -> None:
        """Take over saved settings, except where the config was changed since."""
        with reading(place):
            given = self._owner.given(self, folder) if folder else set[str]()
            self.use_cfg(restored(self.cfg, saved, given))

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Put back the settings and the attributes of the network if an error is raised inside."""
        cfg, attrs = dict(self.cfg), dict(self.model.attrs)
        try:
            yield
        except BaseException:
            self.cfg = cfg
            self.model.attrs.update(attrs)
            raise


def _check_vocab(read: Callable[[Vocab], object], place: object) -> None:
    """Check that a vocabulary can be read, by reading it into a new one.

    If reading failed halfway in the vocabulary of the pipeline, that would stay half changed.

    Raises:
        ValueError: If it cannot be read.
    """
    collects = gc.isenabled()
    try:
        with reading(place):
            read(Vocab())
    finally:
        if collects:
            gc.enable()  # srsly turns the garbage collector off, and leaves it off after an error
