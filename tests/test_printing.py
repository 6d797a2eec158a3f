from __future__ import annotations

import re
from pathlib import Path

import pytest

from spacy_genner import cli
from spacy_genner.printing import msg

BAD = "a\x1b[31m\x07\r\x9b\u202eb\u2067"
GOOD = r"a\x1b[31m\x07\r\x9b\u202eb\u2067"


@pytest.mark.parametrize("method", ["good", "info", "warn", "text"])
def test_messages_are_visible(method: str, capsys: pytest.CaptureFixture[str]) -> None:
    getattr(msg, method)(f"one {BAD}", f"two {BAD}\nthree")
    printed = capsys.readouterr().out
    assert (
        f"one {GOOD}" in printed
        and f"two {GOOD} three" in printed.replace("\n", " ")
        and BAD not in printed
    )


def test_errors_are_visible_and_end_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        msg.fail("Nothing is written", ValueError(BAD), exits=1)
    assert GOOD in capsys.readouterr().out


def test_tables_are_visible(capsys: pytest.CaptureFixture[str]) -> None:
    msg.table([(BAD, 1), ("b\nc", 2)], header=(f"of {BAD}", ""), aligns=("l", "r"))
    printed = capsys.readouterr().out
    assert (
        f"{GOOD}" in printed
        and f"of {GOOD}" in printed
        and r"b\nc" in printed
        and BAD not in printed
    )


def test_all_commands_print_so() -> None:
    """wasabi's own printer shows a text from a file as it is."""
    files = sorted(Path(cli.__file__).parent.glob("*.py"))
    using = [file.name for file in files if re.search(r"import .*\bmsg\b", file.read_text("utf-8"))]
    plain = [
        file.name for file in files if re.search(r"from wasabi import", file.read_text("utf-8"))
    ]
    assert len(using) > 8 and plain == []
