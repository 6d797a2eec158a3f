"""A format is in three places: its file in `spacy_genner/formats`, its entry point in `setup.cfg`, and
its row in `tests/formats/table.py`. These tests name the place that is missing."""

from __future__ import annotations

import inspect
import pkgutil
from configparser import ConfigParser
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from spacy_genner import formats
from tests.formats.table import TYPES

SETUP = Path(__file__).parents[2] / "setup.cfg"
MEMBERS = ("max_depth", "names_labels", "instruction", "marks", "grammar", "read")
"""What makes a class a format."""


def of_formats(entries: dict[str, str]) -> dict[str, str]:
    """The entry points, name → place, that lead to the room of the formats."""
    return {name: place for name, place in entries.items() if f"{formats.__name__}." in place}


def registered() -> dict[str, str]:
    """The formats that setup.cfg registers: name → `module:class`."""
    settings = ConfigParser(delimiters=("=",))
    settings.optionxform = str  # type: ignore[assignment, method-assign]
    settings.read(SETUP, "utf-8")
    lines = settings["options.entry_points"]["spacy_misc"].strip().splitlines()
    return of_formats(dict(line.split(" = ") for line in lines))


def written() -> list[Any]:
    """The classes in the files of the formats that are complete formats."""
    modules = [
        import_module(f"{formats.__name__}.{module.name}")
        for module in pkgutil.iter_modules(formats.__path__)
    ]
    return [
        found
        for module in modules
        for found in vars(module).values()
        if inspect.isclass(found)
        and found.__module__ == module.__name__
        and all(hasattr(found, member) for member in MEMBERS)
        and not inspect.isabstract(found)
        and not getattr(found, "_is_protocol", False)
    ]


def entry_point(format: Any) -> tuple[str, str]:
    return f"spacy_genner.{format.__name__}.v1", f"{format.__module__}:{format.__name__}"


def test_every_format_has_an_entry_point() -> None:
    expected = dict(map(entry_point, [*written(), *TYPES]))
    missing = [f"{name} = {place}" for name, place in (expected.items() - registered().items())]
    assert not missing, f"setup.cfg, under spacy_misc, lacks: {missing}"


def test_every_entry_point_leads_to_a_format() -> None:
    places = dict(map(entry_point, written())).values()
    wrong = [f"{name} = {place}" for name, place in registered().items() if place not in places]
    assert not wrong, f"there is no such format: {wrong}"


def test_every_registered_format_has_a_row() -> None:
    rows = {entry_point(format)[1] for format in TYPES}
    missing = [place for place in registered().values() if place not in rows]
    assert not missing, f"tests/formats/table.py has no row for {missing}"


def test_the_package_is_installed_with_these_entry_points() -> None:
    found = {entry.name: entry.value for entry in entry_points(group="spacy_misc")}
    assert of_formats(found) == registered(), "install the package again: `pip install -e .`"
