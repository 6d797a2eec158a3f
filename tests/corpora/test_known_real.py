"""The known corpora themselves: what their parts are known to hold. The folder is named by
GENNER_CORPORA."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import spacy

from spacy_genner.corpora.conversion import Output
from spacy_genner.corpora.known import KNOWN, convert_known
from spacy_genner.corpora.offsets import Alignment

FOLDER = Path(os.environ.get("GENNER_CORPORA", ""))
pytestmark = pytest.mark.skipif(
    "GENNER_CORPORA" not in os.environ, reason="GENNER_CORPORA names no folder"
)

# Corpus, part → documents, spans written, nested spans, lost spans.
PARTS = {
    ("wnut17", "train"): (3394, 1975, 0, 0),
    ("wnut17", "dev"): (1009, 836, 0, 0),
    ("wnut17", "test"): (1287, 1079, 0, 0),
    ("genia", "train"): (15023, 43769, 1907, 0),
    ("genia", "dev"): (1765, 4714, 444, 0),
    ("genia", "test"): (1732, 5119, 603, 0),
    ("tasteset", "train"): (800, 15478, 0, 0),
    ("tasteset", "fit"): (600, 11687, 0, 0),
    ("tasteset", "dev"): (200, 3791, 0, 0),
    ("tasteset", "test"): (200, 3872, 0, 0),
    ("re3d", "train"): (72, 3050, 716, 35),
    ("re3d", "fit"): (54, 2206, 522, 24),
    ("re3d", "dev"): (18, 844, 194, 11),
    ("re3d", "test"): (18, 827, 191, 13),
    ("mspt", "train"): (200, 18885, 16, 11),
    ("mspt", "dev"): (15, 1190, 2, 0),
    ("mspt", "test"): (15, 1259, 0, 0),
    ("litbank", "train"): (80, 10831, 1565, 0),
    ("litbank", "fit"): (60, 8187, 1202, 0),
    ("litbank", "dev"): (20, 2644, 363, 0),
    ("litbank", "test"): (20, 3081, 578, 0),
}


def test_every_part_is_counted() -> None:
    assert set(PARTS) == {(name, part) for name, corpus in KNOWN.items() for part in corpus.parts}


@pytest.mark.parametrize(("name", "part"), PARTS)
def test_a_part_holds_what_it_is_known_to_hold(name: str, part: str) -> None:
    nlp = spacy.blank("en")
    docs, report = convert_known(name, part, FOLDER / name, nlp, Output(), Alignment.expand)
    found = (len(docs), report.written, report.nested, sum(report.lost.values()))
    assert found == PARTS[name, part]
