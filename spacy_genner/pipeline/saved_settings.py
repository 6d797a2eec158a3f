"""The settings that are saved with a component, and the config that may override them.

A component that is loaded has the settings that were saved with it, unless its config is no longer
the one that it was saved with, as in `spacy.load(path, config=…)`: what is given there wins.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

import srsly
from spacy.language import Language
from thinc.api import Config

from ..decoding.scores import SCORINGS

Settings = dict[str, Any]
"""The settings of a component by name, with values that JSON can hold."""
Threshold = float | dict[str, float]
"""The lowest score of a span, or that of the spans of each label. A label that is not named keeps
all of its spans."""
CONFIG_PLACES = {
    "labels": "labels",
    "line_breaks": "line_breaks",
    "sentence_starts": "sentence_starts",
    "spans_key": "spans_key",
    "template": "model.prompt.template",
    "threshold": "threshold",
}
"""The place of each setting in the config of a component, for the settings that have one."""
BEFORE: Settings = {"line_breaks": False, "scoring": "moves", "sentence_starts": False}
"""How version 0.1 behaved, which did not have these settings yet."""

TYPES: dict[str, tuple[type, ...]] = {
    "labels": (dict,),
    "line_breaks": (bool,),
    "scoring": (str,),
    "sentence_starts": (bool,),
    "spans_key": (str,),
    "template": (str, type(None)),
    "threshold": (int, float, dict),
}
"""The types that the saved settings have in JSON."""

_ABSENT = "{}"
"""What `_written` returns for a setting that the config does not have."""


def restored(own: Settings, saved: Settings, given: Set[str] = frozenset()) -> Settings:
    """Return the settings of a component that is loaded.

    Args:
        own: Its settings as it was made from its config.
        saved: The settings that were saved. Of those that the config has as well, version 0.1 saved
            only the labels.
        given: The names of the settings that differ between the present config and the one that was
            saved.
    """
    unsaved = CONFIG_PLACES.keys() - (BEFORE | saved).keys() - {"labels"}
    return {**BEFORE, **saved, **{name: own[name] for name in given | unsaved}}


def check(settings: Settings) -> None:
    """Check the types and the ranges of saved settings.

    Raises:
        ValueError: If a setting has another type than it can have, or is out of its range.
        KeyError: If a setting is missing.
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


def as_threshold(value: Any) -> Threshold:
    """Return a threshold in numbers; a config may hold "0.5".

    Raises:
        ValueError: If it is neither a number between 0 and 1, nor such a number for each label.
    """
    if not isinstance(value, Mapping):
        return _as_score(value, "threshold")
    threshold = dict[str, float]()
    for label, lowest in value.items():
        if not isinstance(label, str):
            raise ValueError(f"threshold of {label!r}: expected the name of a label, a string")
        threshold[label] = _as_score(lowest, f"threshold of {label!r}")
    return threshold


def lowest_score(threshold: Threshold, label: str) -> float:
    """Return the lowest score that a span with this label may have."""
    return threshold.get(label, 0.0) if isinstance(threshold, dict) else threshold


def _as_score(value: Any, name: str) -> float:
    try:
        score = float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} = {value!r}: expected a number between 0 and 1") from error
    if not 0 <= score <= 1:
        raise ValueError(f"{name} = {score}: scores lie between 0 and 1")
    return score


class Owner:
    """The pipeline that has made a component, for as long as the pipeline exists.

    A copy of the component has no owner.
    """

    def __init__(self, nlp: Language | None = None) -> None:
        self._nlp = None if nlp is None else weakref.ref(nlp)

    def __reduce__(self) -> tuple[type[Owner], tuple[()]]:
        return Owner, ()

    def configure(self, component: object, setting: str, value: Any) -> None:
        """Write a setting that was changed into the config as well.

        The config is then saved with the new value, so that the old one, if it is given when the
        pipeline is loaded, counts as a change.
        """
        for nlp, name in self._places(component):
            nlp.get_pipe_config(name)[setting] = value

    def given(self, component: object, folder: Path) -> set[str]:
        """Return the names of the settings that differ between the present config and the one that
        the component was saved with.

        Args:
            folder: Where the component was saved. If it was saved with a pipeline, the config is
                next to this folder; if not, there is nothing to compare.
        """
        found = set[str]()
        path = folder.parent / "config.cfg"
        if not path.exists():
            return found
        for nlp, name in self._places(component):
            now = nlp.config.interpolate()["components"][name]
            before = Config().from_disk(path).get("components", {}).get(folder.name, now)
            for setting, place in CONFIG_PLACES.items():
                if _written(before, place) not in (_ABSENT, _written(now, place)):
                    found.add(setting)
        return found

    def _places(self, component: object) -> list[tuple[Language, str]]:
        """Return the pipeline with the component's name in it; nothing if there is no owner."""
        nlp = self._nlp() if self._nlp else None
        if nlp is None:
            return []
        return [(nlp, name) for name, held in nlp.components if held is component]


def _written(config: Config, place: str) -> str:
    """Return a setting as JSON, in which the order of labels counts; `_ABSENT` if there is none."""
    found: Any = config
    for key in place.split("."):
        found = found.get(key, {})
    return str(srsly.json_dumps(found))
