"""The settings of a component that can be changed after it was made, and how the changes are saved.

They are saved with the component as they are, and hold when it is loaded: unless its configuration
is no longer the one that it was saved with, as in `spacy.load(path, config=…)`. What is given there
wins.
"""

from __future__ import annotations

import weakref
from collections.abc import Set
from functools import reduce
from pathlib import Path
from typing import Any

import srsly
from spacy.language import Language
from spacy.pipeline.trainable_pipe import TrainablePipe
from thinc.api import Config

from ..decoding.scores import SCORINGS

Settings = dict[str, Any]
"""By name; JSON."""
CONFIG_PLACES = {
    "labels": "labels",
    "line_breaks": "line_breaks",
    "sentence_starts": "sentence_starts",
    "spans_key": "spans_key",
    "template": "model.prompt.template",
    "threshold": "threshold",
}
"""Where settings stand in the configuration of the component."""
BEFORE: Settings = {"line_breaks": False, "scoring": "moves", "sentence_starts": False}
"""What version 0.1 did, which knew no such settings."""

TYPES: dict[str, tuple[type, ...]] = {
    "labels": (dict,),
    "line_breaks": (bool,),
    "scoring": (str,),
    "sentence_starts": (bool,),
    "spans_key": (str,),
    "template": (str, type(None)),
    "threshold": (int, float),
}
"""The types that the saved settings have in JSON."""

_NO = "{}"


def restored(own: Settings, saved: Settings, given: Set[str] = frozenset()) -> Settings:
    """The settings of a component that is loaded.

    Args:
        own: As it was made.
        saved: Version 0.1 saved only the labels of those that stand in the configuration.
        given: Which of them the configuration says otherwise than when they were saved.
    """
    unsaved = CONFIG_PLACES.keys() - (BEFORE | saved).keys() - {"labels"}
    return {**BEFORE, **saved, **{name: own[name] for name in given | unsaved}}


def check(settings: Settings) -> None:
    """range.

    Raises:
        ValueError: For a saved setting of another type than it can have, or out of its.
    """
    for name, kinds in TYPES.items():
        if not isinstance(settings[name], kinds):
            expected = " or ".join(kind.__name__ for kind in kinds)
            raise ValueError(f"{name} = {settings[name]!r}: expected {expected}")
    as_threshold(settings["threshold"])
    if settings["scoring"] not in SCORINGS:
        raise ValueError(
            f"scoring = {settings['scoring']!r}: expected one of {', '.join(SCORINGS)}"
        )


def as_threshold(value: Any) -> float:
    """The least score of a span; a configuration may hold "0.5".

    Raises:
        ValueError: If it is no probability.
    """
    threshold = float(value)
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold = {threshold}: scores lie between 0 and 1")
    return threshold


class Owner:
    """The pipeline that has made a component, as long as it lives. A copy of the component has
    none."""

    def __init__(self, nlp: Language | None = None) -> None:
        self._nlp = (lambda: None) if nlp is None else weakref.ref(nlp)

    def __reduce__(self) -> tuple[type[Owner], tuple[()]]:
        return Owner, ()

    def configure(self, component: object, setting: str, value: Any) -> None:
        """Write a setting into the configuration as well: the former one, given again, is another
        one then."""
        for nlp, name in self._places(component):
            nlp.get_pipe_config(name)[setting] = value

    def given(self, component: object, folder: Path) -> set[str]:
        """The settings that the configuration says otherwise than that with which the component was
        saved.

        Args:
            folder: Where it was saved; the configuration is beside it, if a pipeline was saved.
        """
        path, found = folder.parent / "config.cfg", set[str]()
        for nlp, name in self._places(component) if path.exists() else ():
            now = nlp.config.interpolate()["components"][name]
            before = Config().from_disk(path).get("components", {}).get(folder.name, now)
            for setting, place in CONFIG_PLACES.items():
                if _written(before, place) not in (_NO, _written(now, place)):
                    found.add(setting)
        return found

    def _places(self, component: object) -> list[tuple[Language, str]]:
        """The pipeline, and the name of the component in it."""
        nlp = self._nlp()
        return [(nlp, name) for name, held in nlp.components if held is component] if nlp else []


def _written(config: Config, place: str) -> str:
    """A setting as text: the order of labels counts. `_NO` if it is not there."""
    return str(
        srsly.json_dumps(
            reduce(lambda section, key: section.get(key, {}), place.split("."), config)
        )
    )


class AdjustablePipe(TrainablePipe):
    """A component whose `cfg` has settings that may be changed at any time."""

    cfg: Settings
    _owner: Owner

    @property
    def threshold(self) -> float:
        """The least score of a span."""
        return float(self.cfg["threshold"])

    @threshold.setter
    def threshold(self, threshold: float) -> None:
        self._set("threshold", as_threshold(threshold))

    @property
    def spans_key(self) -> str:
        """Where spans are read from and written to, in `doc.spans`."""
        return str(self.cfg["spans_key"])

    @spans_key.setter
    def spans_key(self, spans_key: str) -> None:
        self._set("spans_key", spans_key)

    def _set(self, name: str, value: Any) -> None:
        self.cfg[name] = value
        self._owner.configure(self, name, value)
