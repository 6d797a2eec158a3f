from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import spacy

import spacy_genner
from spacy_genner.labels.label_set import as_labels
from spacy_genner.labels.schemes import definitions, make_labels

SCHEMES = sorted(
    path.stem
    for path in (Path(spacy_genner.__file__).parent / "labels" / "definitions").glob("*.json")
)
NAMES = {
    "ace": "PER FAC GPE LOC VEH ORG WEA",
    "bc5cdr": "Chemical Disease",
    "btc": "PER LOC ORG",
    "conll2003": "PER ORG LOC MISC",
    "genia": "DNA RNA protein cell_line cell_type",
    "germeval14": (
        "LOC LOCderiv LOCpart ORG ORGderiv ORGpart OTH OTHderiv OTHpart PER PERderiv PERpart"
    ),
    "ontonotes5": "PERSON NORP FAC ORG GPE LOC PRODUCT EVENT WORK_OF_ART LAW LANGUAGE DATE TIME PERCENT MONEY QUANTITY "
    "ORDINAL CARDINAL",
    "stockmark-ja": "人名 法人名 政治的組織名 その他の組織名 地名 施設名 製品名 イベント名",
    "wnut17": "corporation creative-work group location person product",
}


@pytest.mark.parametrize("scheme", NAMES)
def test_a_scheme_has_its_labels(scheme: str) -> None:
    assert list(definitions(scheme)) == NAMES[scheme].split()


def test_every_scheme_is_known_here() -> None:
    assert sorted(NAMES) == SCHEMES


@pytest.mark.parametrize("scheme", SCHEMES)
def test_definitions_are_single_phrases_and_all_different(scheme: str) -> None:
    texts = [text for wordings in definitions(scheme).values() for text in wordings]
    assert len({text.lower() for text in texts}) == len(texts)
    for text in texts:
        assert text == " ".join(text.split())
        assert not re.search(r"[.!?](\s|$)|。", text), f"more than a phrase: {text}"
    assert all(len(wordings) >= 2 for wordings in definitions(scheme).values())


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_first_definition_is_the_default(scheme: str) -> None:
    made = make_labels(scheme)
    assert made == {label: wordings[0] for label, wordings in definitions(scheme).items()}
    assert as_labels(made) == made


@pytest.mark.parametrize("scheme", ["", "Genia", "genia.json", "../labels"])
def test_an_unknown_scheme_is_refused_with_the_known_ones(scheme: str) -> None:
    with pytest.raises(ValueError, match=r"scheme = '.*': choose one of ace, bc5cdr, .*, wnut17"):
        make_labels(scheme)


CORPORA = Path(os.environ.get("GENNER_CORPORA", ""))
# Scheme, files of a corpus, how a label looks in them, labels of the scheme that they do not have.
FILES = [
    ("ace", "litbank/brat/*.ann", r"^T\d+\t(\w+) ", {"WEA"}),
    ("bc5cdr", "bc5cdr/*.tsv", r"\t[BI]-(\S+)$", set()),
    ("btc", "btc/btc.*", r"\t[BI]-(\S+)$", set()),
    ("conll2003", "wikigold/*.conll.txt", r" [BI]-(\S+)$", set()),
    ("conll2003", "sec-fin/FIN*.txt", r" [BI]-(\S+)$", set()),
    ("genia", "genia/genia.*.iob2", r"\t[BI]-(\S+)(?:\t|$)", set()),
    ("germeval14", "germeval14/germ.dev.iob2", r"\t[BI]-(\S+)(?:\t|$)", set()),
    ("stockmark-ja", "stockmark-ja/ner.json", r'"type": "(.*)"', set()),
    ("wnut17", "wnut17/*.conll", r"\t[BI]-(\S+)$", set()),
]


@pytest.mark.skipif("GENNER_CORPORA" not in os.environ, reason="GENNER_CORPORA names no folder")
@pytest.mark.parametrize(("scheme", "files", "pattern", "absent"), FILES)
def test_the_names_are_those_of_the_corpus(
    scheme: str, files: str, pattern: str, absent: set[str]
) -> None:
    texts = [path.read_text("utf-8") for path in CORPORA.glob(files)]
    found = {label for text in texts for label in re.findall(pattern, text, re.MULTILINE)}
    assert found == set(definitions(scheme)) - absent


def test_a_configuration_names_the_other_wordings() -> None:
    paraphrases = {"@misc": "spacy_genner.Definitions.v1", "scheme": "genia"}
    block = {"sampling": {"@misc": "spacy_genner.LabelSampling.v1", "paraphrases": paraphrases}}
    sampling = spacy.registry.resolve(block, validate=True)["sampling"]
    assert sampling.paraphrases == definitions("genia")
