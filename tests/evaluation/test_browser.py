"""The pages in a real browser, without a window."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest

from spacy_genner.evaluation.curve import LoggedStep, charts
from spacy_genner.evaluation.drawing import DrawnSpan, Panel
from spacy_genner.evaluation.errors import errors_of
from spacy_genner.evaluation.metrics import Document, score_documents
from spacy_genner.evaluation.page import Row, write_page
from spacy_genner.evaluation.reliability import charts_of, reliability
from spacy_genner.evaluation.side_by_side import rows, tables
from spacy_genner.types import Entity
from tests.evaluation.test_side_by_side import GOLD, OTHER, OURS

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), "")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium")

EVIL = "<script>alert(1)</script>"
WIDTH = 390
"""The width of a telephone, in pixels. A window of Chromium is at least 500 wide, a frame is not."""
MEASURE = """
onload = () => {
  const page = document.querySelector("iframe").contentDocument
  const all = query => [...page.querySelectorAll(query)]
  const seen = query => all(query).filter(one => one.getBoundingClientRect().height > 9).length
  document.title = JSON.stringify({
    charts: seen("figure.card svg"),
    lines: all("polyline").filter(one => one.getTotalLength() > 9).length,
    tables: seen("table"),
    documents: seen(".document"),
    width: page.documentElement.scrollWidth,
    text: page.body.textContent,
  })
}
"""
"""Measures the page in a frame, and writes what it finds into the title of the page around it."""


def opened(path: Path, *options: str) -> tuple[str, list[str]]:
    """Return what a page has become in the browser, and what it wrote to the console."""
    command = [CHROMIUM, "--headless", "--no-sandbox", "--hide-scrollbars", "--dump-dom"]
    command += ["--enable-logging=stderr", f"--user-data-dir={path.parent / 'profile'}", *options]
    done = subprocess.run(
        [*command, path.as_uri()], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout, re.findall(r"CONSOLE.*", done.stderr)


def measured(path: Path, *options: str) -> tuple[dict[str, Any], list[str]]:
    """Return what `MEASURE` finds in a page, and what the page wrote to the console."""
    content, around = escape(path.read_text(encoding="utf-8")), path.with_name("around.html")
    frame = (
        f'<iframe style="width: {WIDTH}px; height: 800px; border: 0" srcdoc="{content}"></iframe>'
    )
    around.write_text(
        f"<!DOCTYPE html><meta charset=utf-8><title></title><script>{MEASURE}</script>{frame}",
        encoding="utf-8",
    )
    html, console = opened(around, *options)
    found = re.search(r"<title>(.*?)</title>", html, re.DOTALL)
    return json.loads(unescape(found[1] if found else "")), console


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page of an evaluation with everything in it, and with texts that look like scripts."""
    path, outer = tmp_path / "page.html", frozenset({Entity(0, 4, EVIL)})
    gold = frozenset({*outer, Entity(1, 3, "X")})
    documents = [Document(EVIL, gold, outer, [0]), Document(EVIL, outer, frozenset(), [0])]
    text = Panel([EVIL, "am", "Rhein"], [" ", " ", ""], [DrawnSpan(0, 1, EVIL, EVIL)], EVIL)
    log = [LoggedStep(0, {EVIL: 3.0, "b": 1.0}, 0.1), LoggedStep(9, {EVIL: 2.0, "b": 0.5}, 0.6)]
    errors = errors_of(documents)
    write_page(
        path,
        EVIL,
        {EVIL: EVIL},
        [Row([text, text], [EVIL], EVIL), Row([text, text], [EVIL], EVIL)],
        score_documents(documents, set()),
        charts(log),
        charts_of(reliability([0.2, 0.5, 0.7], [False, True, True]), gold=4),
        [errors.table],
        errors.confusion,
    )
    return path


@pytest.mark.parametrize("options", [[], ["--blink-settings=preferredColorScheme=0"]])
def test_everything_is_shown_and_nothing_goes_wrong(page: Path, options: list[str]) -> None:
    """Also in dark mode."""
    found, console = measured(page, *options)
    text = found.pop("text")
    # The losses of two components, the score, three of reliability, and the diagonal.
    assert found == {"charts": 5, "lines": 7, "tables": 3, "documents": 2, "width": WIDTH}
    assert console == []
    assert text.strip().startswith(EVIL) and text.count(EVIL) > 20


def test_systems_side_by_side_are_shown(tmp_path: Path) -> None:
    shown = rows([OURS, OTHER], GOLD, limit=9)
    write_page(tmp_path / "page.html", EVIL, {}, shown, tables=tables([OURS, OTHER]))
    found, console = measured(tmp_path / "page.html")
    text = found.pop("text")
    assert found == {"charts": 0, "lines": 0, "tables": 2, "documents": 2, "width": WIDTH}
    assert console == [] and "other: 1 missed, 1 spurious" in text


def test_a_script_in_a_text_stays_text(page: Path) -> None:
    html, console = opened(page)
    assert console == [] and "<script" not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 20


def test_what_is_wrong_would_be_noticed(tmp_path: Path) -> None:
    path = tmp_path / "wrong.html"
    wide = f'<div style="width: {2 * WIDTH}px">wide</div>'
    path.write_text(
        f"<svg><polyline points='NaN,1'/></svg><script>nothing()</script>{wide}", encoding="utf-8"
    )
    found, console = measured(path)
    assert found["width"] > WIDTH and found["tables"] == 0
    assert len(console) == 2 and "Expected number" in console[0] and "nothing" in console[1]
