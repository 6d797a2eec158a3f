"""Everything in the package folder comes along when the package is installed."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def packaged() -> set[Path]:
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg", "utf-8")
    patterns = [pattern.strip() for pattern in settings["options.package_data"]["*"].split(",")]
    rooms = [path.parent for path in ROOT.glob("spacy_genner/**/__init__.py")]
    return {path for room in rooms for pattern in patterns for path in room.glob(pattern)}


FILES = [
    path
    for path in sorted(ROOT.glob("spacy_genner/**/*"))
    if path.is_file() and not path.suffix.startswith(".py")
]


def test_there_are_such_files() -> None:
    assert len(FILES) > 10


@pytest.mark.parametrize(
    "path", [*FILES, ROOT / "spacy_genner" / "py.typed"], ids=lambda path: path.name
)
def test_it_is_packaged(path: Path) -> None:
    assert path in packaged()
