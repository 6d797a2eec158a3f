"""Whichever tool wrote it, one annotated text is the same gold."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy

from spacy_genner.corpora.conversion import Output, convert_json
from spacy_genner.corpora.offsets import Alignment
from tests.corpora.tools import FILES, FLAT, TAG_NAMES

NLP = spacy.blank("xx")
GOLD = [("Oak and Elm", "ORG"), ("Elm", "PER"), ("Acme", "ORG")]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("in_array", [False, True])
def test_every_tool_gives_the_same_gold(tmp_path: Path, name: str, in_array: bool) -> None:
    path = tmp_path / "a.json"
    path.write_text(f"[\n{FILES[name]}\n]" if in_array else FILES[name], encoding="utf-8")
    (doc,), report = convert_json([path], NLP, Output(), Alignment.strict, tag_names=TAG_NAMES)
    gold = [GOLD[0], GOLD[2]] if name in FLAT else GOLD
    assert [(span.text.strip(), span.label_) for span in doc.spans["sc"]] == gold
    assert report.read == report.written == len(gold) and not report.lost
    assert report.left_out == ({"skipped": 1} if name == "NER Annotator" else {})
    browser = name.startswith(("Label", "Doccano", "NER"))
    assert report.changed == ({"offsets count UTF-16 units": 1} if browser else {})
