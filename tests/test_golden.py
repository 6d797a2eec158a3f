"""Pipelines that were saved by earlier versions load, and find what they found then."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy
import srsly

from tests.golden.make import FOLDER, findings

PIPELINES = sorted(path.parent for path in FOLDER.glob("*/found.json"))


def test_there_are_golden_pipelines() -> None:
    assert [path.name for path in PIPELINES] == ["bio", "bracketed", "list"]
    assert all(
        sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) < 1e6
        for path in PIPELINES
    )


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.name)
def test_saved_pipelines_find_the_same_spans_with_the_same_scores(path: Path) -> None:
    nlp = spacy.load(path)
    found = srsly.read_json(path / "found.json")
    docs = list(nlp.pipe(item["text"] for item in found))
    assert sum(len(item["spans"]) for item in found) >= 5
    for doc, item in zip(docs, found, strict=True):
        for (*span, score), (*expected, expected_score) in zip(
            findings(doc), item["spans"], strict=True
        ):
            assert span == expected
            assert score == pytest.approx(expected_score, rel=1e-3)
