"""Whatever is in a file, a reader gives documents and a full account, or a ValueError that says
where the fault is."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin

from spacy_genner.annotating.inputs import Inputs
from spacy_genner.answers import Marked
from spacy_genner.corpora.columns import Layout
from spacy_genner.corpora.conversion import Output, convert_brat, convert_columns, convert_json
from spacy_genner.corpora.conversion_report import Report
from spacy_genner.corpora.offsets import Alignment
from spacy_genner.evaluation.curve import charts, read_log
from spacy_genner.evaluation.predictions import evaluate_predictions, read_predictions
from spacy_genner.files.text_files import as_found, printable
from spacy_genner.types import Entity
from tests.corpora.tools import FLAT, RECORDS, TAG_NAMES
from tests.damage import damaged_texts, json_files, noises, text_files
from tests.formats.examples import written
from tests.formats.table import FORMATS

NLP = spacy.blank("xx")
PLACE = r"(:\d+|\[\d+\]|, line \d+)"
WHOLE_FILE = "cannot be read|is empty|is an empty array|has no sentence|has no text"
"""What may be wrong with a file as a whole; all else has a place in it."""

COLUMNS = [
    "New\tB-LOC\tO\nYork\tI-LOC\tB-X\n\n# c\nÜlm\tS-LOC\tO\n",
    "EU NNP I-ORG I-X\n\n-DOCSTART- O\n. . O O\n",
]
TEXTS = ["Ann of\r\nLeeds 😀 met Bob.", "Left and right arm\nof John  Smith"]
MARKS = "T1\tPER 0 3\tAnn\nT2\tX 0 7;8 13\tAnn of\r Leeds\nT3\tLOC 16 19\tmet\nR1\tr Arg1:T1 Arg2:T2\n#1\tnote T1\tx\n"
LOG = [
    {"step": step, "epoch": 0, "losses": {"ner": 3.5, "tok2vec": 0.0}, "score": 0.5}
    for step in (0, 50)
]
GNER = {
    "dataset": "towns",
    "label_list": ["city"],
    "instance": {"words": ["Bonn", "or", "Ulm"], "labels": ["B-city", "O", "O"]},
    "prediction": "Bonn(B-city) or(O) Ulm(O)",
}
PROMPT = "Label Set:\nORG(organization): A company.\nGPE: A place.\nNow process the input sentence:\nEssex or Essex"
ANSWERS = [
    "[Essex | GPE] or [Essex | ORG]",
    "<GPE>Essex</GPE> or Essex",
    '{"GPE": ["Essex"], "ORG": []}',
    '[{"text": "Essex", "label": "GPE", "occurrence_index": 1}]',
    '[{"text": "Essex", "label": "GPE", "start": 0, "end": 5}]',
]
LLMS4NER = [{"prompt": PROMPT, "predict": answer, "label": answer} for answer in ANSWERS]

ESSEX = [Entity(0, 1, "GPE")]
FREE = [*ANSWERS, *(written(format, "Essex or Essex", ESSEX) for format in FORMATS)]
"""Answers in all formats."""

often = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def check_corpus(docs: list[Doc], report: Report) -> None:
    """All spans are accounted for, and all can be printed and written."""
    written = [span for doc in docs for span in doc.spans["sc"]]
    assert report.read == len(written) + report.lost.total() and report.written == len(written)
    assert report.documents == len(docs) > 0
    assert not set("\x00\x1b\r\u202e") & set(str(report)) and str(report).encode()
    DocBin(docs=docs).to_bytes()


def attempt(read: Callable[[], Any], *paths: Path) -> None:
    """Read; an error has to be a ValueError with a file and a place."""
    try:
        read()
    except ValueError as error:
        names = "|".join(re.escape(str(path)) for path in paths)
        assert re.search(rf"({names})({PLACE}|.*({WHOLE_FILE}))", str(error), re.DOTALL), error


def write(folder: Path, name: str, file: tuple[str, bytes]) -> Path:
    path = folder / f"{name}{file[0]}"
    path.write_bytes(file[1])
    return path


@pytest.mark.parametrize("tool", RECORDS | FLAT)
@given(st.data(), st.sampled_from(Alignment), st.sampled_from([[], TAG_NAMES]))
@often
def test_json(
    folder: Path, tool: str, data: st.DataObject, alignment: Alignment, names: list[str]
) -> None:
    """A tool's own records, between those of one's own."""
    seeds = [(RECORDS | FLAT)[tool], RECORDS["own file"]]
    path = write(folder, "a.json", data.draw(json_files(seeds)))
    attempt(
        lambda: check_corpus(*convert_json([path], NLP, Output(), alignment, tag_names=names)), path
    )


LAYOUTS = st.builds(
    Layout,
    st.integers(-1, 1),
    st.sampled_from([(-1,), (1, 2), (2, -1)]),
    st.sampled_from(["", "#"]),
)


@given(text_files(COLUMNS), text_files(COLUMNS), LAYOUTS, st.booleans())
@often
def test_columns(
    folder: Path, one: tuple[str, bytes], two: tuple[str, bytes], layout: Layout, merge: bool
) -> None:
    paths = [write(folder, "1.conll", one), write(folder, "2.conll", two)]
    attempt(
        lambda: check_corpus(
            *convert_columns(paths, NLP, Output(), layout, scheme=None, merge=merge)
        ),
        *paths,
    )


@given(text_files(TEXTS), text_files([MARKS]), st.sampled_from(Alignment))
@often
def test_brat(
    folder: Path, text: tuple[str, bytes], marks: tuple[str, bytes], alignment: Alignment
) -> None:
    folder = folder / "brat"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    paths = [write(folder, "a.txt", text), write(folder, "a.ann", marks)]
    attempt(lambda: check_corpus(*convert_brat(paths[:1], NLP, Output(), alignment)), *paths)


@given(json_files([GNER]) | json_files(LLMS4NER))
@often
def test_predictions(folder: Path, file: tuple[str, bytes]) -> None:
    path = write(folder, "predictions.jsonl", file)
    attempt(lambda: str(evaluate_predictions(read_predictions(path))).encode(), path)


@given(json_files(LOG))
@often
def test_training_logs(folder: Path, file: tuple[str, bytes]) -> None:
    path = write(folder, "log.jsonl", ("", file[1]))
    attempt(
        lambda: [
            chart.path(line) for chart in charts(read_log(path)) for line in chart.lines.values()
        ],
        path,
    )


@given(text_files(TEXTS), st.booleans())
@often
def test_plain_texts(folder: Path, file: tuple[str, bytes], lines: bool) -> None:
    path = write(folder, "text.txt", ("", file[1]))
    read = [each.fields.get("line") or each.text for each in Inputs.of(path, lines=lines)]
    everything = printable(as_found(BytesIO(file[1])).read())
    assert "".join("".join(read).split()) == "".join(everything.split())


@given(st.sampled_from(FREE).flatmap(damaged_texts) | noises)
@often
def test_free_answers(answer: str) -> None:
    """These are never refused: what cannot be read is counted, or stays part of the copy."""
    for format in FORMATS:
        read = format.read(answer)
        if isinstance(read, Marked):
            assert all(0 <= start <= end <= len(read.text) for start, end, _ in read.spans)
        else:
            assert read.unread >= 0
