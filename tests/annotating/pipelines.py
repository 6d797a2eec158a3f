"""Pipelines of rules that other processes can load, some of them with faults."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc

PATTERNS = [
    {"label": "ORG", "pattern": "University of Edinburgh"},
    {"label": "GPE", "pattern": "Edinburgh"},
    {"label": "GPE", "pattern": "Leith"},
]


@Language.component("genner_test_faults")
def faults(doc: Doc) -> Doc:
    """Fail at a document with the word FAIL."""
    if "FAIL" in doc.text:
        raise RuntimeError("a word that cannot be read")
    return doc


@Language.factory("genner_test_deaths", default_config={"marks": "", "deaths": 1})
def make_deaths(nlp: Language, name: str, marks: str, deaths: int) -> Deaths:
    return Deaths(Path(marks), deaths)


class Deaths:
    """Kill the process at a document with the word KILL, at most so many times; each leaves a file
    in a folder."""

    def __init__(self, marks: Path, deaths: int) -> None:
        self._marks = marks
        self._deaths = deaths

    def __call__(self, doc: Doc) -> Doc:
        if "KILL" in doc.text and (count := len(list(self._marks.iterdir()))) < self._deaths:
            (self._marks / str(count)).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return doc


def rules(marks: Path | None = None, deaths: int = 1) -> Language:
    """A pipeline that knows three names, fails at FAIL, and dies at KILL if it gets a folder."""
    nlp = spacy.blank("en")
    config = {"spans_key": "sc", "annotate_ents": True}
    nlp.add_pipe("span_ruler", config=config).add_patterns(PATTERNS)
    nlp.add_pipe("genner_test_faults")
    if marks:
        nlp.add_pipe("genner_test_deaths", config={"marks": str(marks), "deaths": deaths})
    return nlp


def unloadable() -> Language:
    """A pipeline whose process dies while it loads it."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def broken() -> Language:
    """A pipeline that cannot be loaded."""
    raise ValueError("there is no such pipeline")
