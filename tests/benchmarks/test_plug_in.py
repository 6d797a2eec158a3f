"""How the adapters of the benchmark are told to mark a text, and that each kind is refused."""

from __future__ import annotations

import pytest
import spacy
from spacy.tokens import Span

from benchmarks.plug_in import marked, show_refused


def test_a_marked_text() -> None:
    doc = spacy.blank("en")("The University of Edinburgh, Scotland")
    spans = [(1, 4, "ORG"), (3, 4, "PLACE"), (5, 6, "PLACE"), (0, 6, "ORG")]
    doc.spans["sc"] = [Span(doc, *span) for span in spans]
    assert marked(doc, {"ORG": "org", "PLACE": "place"}) == (
        "{The {University of {Edinburgh}<place>}<org>, {Scotland}<place>}<org>"
    )


def test_every_kind_that_cannot_be_used_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    show_refused()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(set(lines)) > 15
    assert all(line.startswith("adapter_config.json: ") for line in lines)
