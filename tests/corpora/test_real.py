"""Real corpora: the counts that their authors' files are known to have. The folder is named by
GENNER_CORPORA."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import spacy

from spacy_genner.corpora.columns import Layout
from spacy_genner.corpora.conversion import Output, convert_brat, convert_columns, convert_json
from spacy_genner.corpora.offsets import Alignment

FOLDER = Path(os.environ.get("GENNER_CORPORA", ""))
pytestmark = pytest.mark.skipif(
    "GENNER_CORPORA" not in os.environ, reason="GENNER_CORPORA names no folder"
)

# Files, tag columns, scheme, documents, spans, nested spans, lost spans.
COLUMNS = [
    ("wnut17/wnut17train.conll", (1,), "iob2", 3394, 1975, 0, 0),
    ("wnut17/emerging.dev.conll", (1,), "iob2", 1009, 836, 0, 0),
    ("wnut17/emerging.test.annotated", (1,), "iob2", 1287, 1079, 0, 0),
    ("btc/btc.train", (1,), "iob2", 6338, 8779, 0, 0),
    ("btc/btc.dev", (1,), "iob2", 1001, 1730, 0, 0),
    ("btc/btc.test", (1,), "iob2", 2001, 4376, 0, 0),
    ("wikigold/wikigold.conll.txt", (-1,), "iob1", 1696, 3558, 0, 0),
    ("sec-fin/FIN5.train.txt", (-1,), "iob1", 1164, 1168, 0, 0),
    ("sec-fin/FIN3.test.txt", (-1,), "iob1", 303, 318, 0, 0),
    ("bc5cdr/train.tsv", (1,), "iob2", 4560, 9385, 0, 0),
    ("bc5cdr/devel.tsv", (1,), "iob2", 4581, 9593, 0, 0),
    ("bc5cdr/test.tsv", (1,), "iob2", 4797, 9809, 0, 0),
    ("germeval14/germ.dev.iob2", (1, 2), "iob2", 2200, 2886, 212, 0),
    ("germeval14/germ.test.iob2.gz", (1, 2), "iob2", 5100, 6693, 512, 2),
    ("litbank/tsv/*.tsv", (1, 2, 3, 4), "iob2", 8562, 13912, 2143, 0),
]
MERGED = [
    ("genia/mlc/*_train.conll.gz", (-1,), "iob2", 15023, 43769, 1907, 0),
    pytest.param(
        "germeval14/mlc/*_train.conll.gz",
        (-1,),
        "iob2",
        24000,
        31393,
        2183,
        0,
        marks=pytest.mark.slow,
    ),
]
# File, language of the tokenizer, documents, spans, nested spans. The tokenizer "zh" cuts at every
# character.
JSON = [
    ("genia/yan2022/dev.jsonlines", "en", 1765, 4714, 444),
    ("genia/yan2022/test.jsonlines", "en", 1732, 5119, 603),
    ("stockmark-ja/ner.json", "zh", 5343, 13185, 0),
]


def paths(pattern: str) -> list[Path]:
    found = sorted(FOLDER.glob(pattern))
    assert found, f"no {pattern} in {FOLDER}"
    return found


@pytest.mark.parametrize(
    ("files", "tags", "scheme", "documents", "spans", "nested", "lost"), COLUMNS + MERGED
)
def test_column_files(
    files: str,
    tags: tuple[int, ...],
    scheme: str,
    documents: int,
    spans: int,
    nested: int,
    lost: int,
) -> None:
    layout, merge = Layout(tags=tags), "/mlc/" in files
    docs, report = convert_columns(
        paths(files), spacy.blank("xx"), Output(), layout, scheme=None, merge=merge
    )
    assert (report.scheme, report.documents, report.read, report.nested) == (
        scheme,
        documents,
        spans,
        nested,
    )
    assert report.written == spans - lost == sum(len(doc.spans["sc"]) for doc in docs)
    assert report.lost == ({"crossing": lost} if lost else {})
    assert not any("not valid" in change for change in report.changed)


@pytest.mark.parametrize(("files", "lang", "documents", "spans", "nested"), JSON)
def test_json_files(files: str, lang: str, documents: int, spans: int, nested: int) -> None:
    docs, report = convert_json(paths(files), spacy.blank(lang), Output(), Alignment.strict)
    assert (report.documents, report.read, report.written, report.nested) == (
        documents,
        spans,
        spans,
        nested,
    )
    assert not report.lost and not report.changed
    assert sum(len(doc.spans["sc"]) for doc in docs) == spans


def test_brat_files() -> None:
    """Ten annotations of LitBank end inside a word; its column files have the same spans."""
    docs, report = convert_brat(
        [FOLDER / "litbank" / "brat"], spacy.blank("xx"), Output(), Alignment.expand
    )
    assert (report.documents, report.read, report.written, report.nested) == (
        100,
        13912,
        13912,
        2143,
    )
    assert (
        report.changed == {"misaligned: expand": 10}
        and sum(len(doc.spans["sc"]) for doc in docs) == 13912
    )


def test_japanese_tokens_grow_spans_by_little() -> None:
    """Words of Sudachi do not always end where an entity ends."""
    pytest.importorskip("sudachipy")
    _, report = convert_json(
        paths("stockmark-ja/ner.json"), spacy.blank("ja"), Output(), Alignment.expand
    )
    assert report.read == 13185 and report.written + sum(report.lost.values()) == 13185
    assert 0 < report.changed["misaligned: expand"] < 1000
