"""The Makefile names all tests that can differ between the two stacks."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
STACKS_DIFFER = re.compile(
    r"^\s*(?:from|import) (?:transformers|peft|spacy_transformers|\.\.(?:weights|lm|models))\b",
    re.MULTILINE,
)


def test_every_room_that_uses_language_models_is_tested_on_both_stacks() -> None:
    package = ROOT / "spacy_genner"
    rooms = {
        path.parent.name
        for path in package.glob("*/*.py")
        if STACKS_DIFFER.search(path.read_text(encoding="utf8"))
    }
    makefile = (ROOT / "Makefile").read_text(encoding="utf8").replace("\\\n", "")
    found = re.search(r"^STACK4_TESTS = (.*)$", makefile, re.MULTILINE)
    assert found
    assert {"weights", "lm", "models"} <= rooms
    assert {f"tests/{room}" for room in rooms} - set(found[1].split()) == set()
