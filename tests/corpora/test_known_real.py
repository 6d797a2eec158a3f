"""The known corpora themselves: what their parts are known to hold. The folder is named by
GENNER_CORPORA."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc

from spacy_genner.corpora.conversion import Output, convert_json
from spacy_genner.corpora.known import KNOWN, convert_known
from spacy_genner.corpora.offsets import Alignment
from spacy_genner.labels.schemes import definitions

FOLDER = Path(os.environ.get("GENNER_CORPORA", ""))
pytestmark = pytest.mark.skipif(
    "GENNER_CORPORA" not in os.environ, reason="GENNER_CORPORA names no folder"
)

# Corpus, part → documents, spans written, nested spans, lost spans.
PARTS = {
    ("wnut17", "train"): (3394, 1975, 0, 0),
    ("wnut17", "dev"): (1009, 836, 0, 0),
    ("wnut17", "test"): (1287, 1079, 0, 0),
    ("genia", "train"): (15033, 46210, 4388, 24),
    ("genia", "dev"): (1765, 4714, 444, 8),
    ("genia", "test"): (1732, 5119, 603, 4),
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
    ("bc5cdr", "train"): (4560, 9385, 0, 0),
    ("bc5cdr", "dev"): (4581, 9593, 0, 0),
    ("bc5cdr", "test"): (4797, 9809, 0, 0),
    ("germeval14", "train"): (24000, 31393, 2183, 0),
    ("germeval14", "dev"): (2200, 2886, 212, 0),
    ("germeval14", "test"): (5100, 6691, 512, 2),
    ("stockmark-ja", "train"): (4274, 10506, 0, 0),
    ("stockmark-ja", "fit"): (3210, 7947, 0, 0),
    ("stockmark-ja", "dev"): (1064, 2559, 0, 0),
    ("stockmark-ja", "test"): (1069, 2679, 0, 0),
    ("wikigold", "train"): (1377, 2910, 0, 0),
    ("wikigold", "fit"): (1034, 2170, 0, 0),
    ("wikigold", "dev"): (343, 740, 0, 0),
    ("wikigold", "test"): (319, 648, 0, 0),
    ("few-nerd", "train"): (12861, 30253, 0, 0),
    ("few-nerd", "dev"): (4684, 11048, 0, 0),
    ("few-nerd", "test"): (7026, 16749, 0, 0),
    ("btc", "train"): (6338, 8779, 0, 0),
    ("btc", "dev"): (1001, 1730, 0, 0),
    ("btc", "test"): (2001, 4376, 0, 0),
    ("gum", "train"): (3707, 22330, 9436, 0),
    ("gum", "train-cc-by"): (2387, 14036, 6077, 0),
    ("gum", "dev"): (438, 2993, 1333, 0),
    ("gum", "test"): (491, 3142, 1425, 0),
    ("snips", "train"): (13784, 35748, 0, 0),
    ("snips", "fit"): (11027, 28568, 0, 0),
    ("snips", "dev"): (2757, 7180, 0, 0),
    ("snips", "test"): (700, 1793, 2, 1),  # one entity starts inside a word that another has
    ("anem", "train"): (2815, 1879, 0, 0),
    ("anem", "fit"): (2252, 1524, 0, 0),
    ("anem", "dev"): (563, 355, 0, 0),
    ("anem", "test"): (1882, 1256, 0, 0),
    ("bionlp13cg", "train"): (3033, 10826, 0, 0),
    ("bionlp13cg", "dev"): (1003, 3616, 0, 0),
    ("bionlp13cg", "test"): (1906, 6881, 0, 0),
    ("wlp", "train"): (6546, 37654, 0, 0),  # of 8444 sentences, 1898 are in another part
    ("wlp", "dev"): (2862, 15904, 0, 0),
    ("wlp", "test"): (3562, 23549, 0, 0),
    ("wlp", "test2018"): (2813, 16363, 0, 0),
    ("cyner", "train"): (2811, 3131, 0, 0),
    ("cyner", "dev"): (813, 784, 0, 0),
    ("cyner", "test"): (748, 936, 0, 0),
    ("stackoverflow", "train"): (9265, 11454, 0, 0),  # 2004 placeholders are left out
    ("stackoverflow", "dev"): (2936, 3737, 0, 0),
    ("stackoverflow", "test"): (3109, 3951, 0, 0),
    ("stackoverflow", "github"): (6255, 5415, 0, 0),
    ("inlegalner", "train"): (9959, 29964, 0, 0),
    ("inlegalner", "fit"): (7967, 23985, 0, 0),
    ("inlegalner", "dev"): (1992, 5979, 0, 0),
    ("inlegalner", "test"): (982, 3261, 0, 0),
    ("sec-fin", "train"): (1164, 1168, 0, 0),
    ("sec-fin", "fit"): (888, 849, 0, 0),
    ("sec-fin", "dev"): (276, 319, 0, 0),
    ("sec-fin", "test"): (303, 318, 0, 0),
}


def test_every_part_is_counted() -> None:
    assert set(PARTS) == {(name, part) for name, corpus in KNOWN.items() for part in corpus.parts}


def without_spaces(doc: Doc) -> tuple[str, set[tuple[int, int, str]]]:
    """The text of a Doc and its spans, as if there were no white space."""
    before = [0]
    for char in doc.text:
        before.append(before[-1] + (not char.isspace()))
    spans = {(before[s.start_char], before[s.end_char], s.label_) for s in doc.spans["sc"]}
    return "".join(doc.text.split()), spans


@pytest.mark.parametrize(("part", "count"), [("dev", 4714), ("test", 5119)])
def test_genia_has_the_spans_of_yan(part: str, count: int) -> None:
    """Its tokens are cut where an entity starts or ends, and have spaces between them: `TREp
    -containing`. The texts differ in nothing else."""
    file = FOLDER / "genia" / "yan2022" / f"{part}.jsonlines"
    theirs, _ = convert_json([file], spacy.blank("xx"), Output(), Alignment.strict)
    ours, report = convert_known(
        "genia", part, FOLDER / "genia", KNOWN["genia"].training.blank(), Output(), Alignment.strict
    )
    assert list(map(without_spaces, ours)) == list(map(without_spaces, theirs))
    assert report.written == count and set(report.lost) == {"duplicate"}


def test_genia_is_spelled_as_in_the_original() -> None:
    """No token is set apart by spaces that are not there, as in `IL - 2`."""
    nlp = KNOWN["genia"].training.blank()
    for part in ("train", "test"):
        docs, _ = convert_known("genia", part, FOLDER / "genia", nlp, Output(), Alignment.expand)
        names = [span.text for doc in docs for span in doc.spans["sc"]]
        assert names.count("IL-2") > 50 and "IL - 2" not in names


@pytest.mark.parametrize(
    ("name", "part"),
    [
        pytest.param(*key, marks=pytest.mark.slow if key == ("germeval14", "train") else [])
        for key in PARTS
    ],
)
def test_a_part_holds_what_it_is_known_to_hold(name: str, part: str) -> None:
    nlp = KNOWN[name].training.blank()
    docs, report = convert_known(name, part, FOLDER / name, nlp, Output(), Alignment.expand)
    found = (len(docs), report.written, report.nested, sum(report.lost.values()))
    assert found == PARTS[name, part]
    assert set(report.spans) <= set(definitions(KNOWN[name].scheme))
