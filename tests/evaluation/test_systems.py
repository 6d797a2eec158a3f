import json
from dataclasses import asdict
from pathlib import Path

import pytest

from spacy_genner.evaluation.errors import errors_of
from spacy_genner.evaluation.metrics import Document, score_documents
from spacy_genner.evaluation.significance import per_document
from spacy_genner.evaluation.systems import read_systems
from spacy_genner.types import Entity

BONN = frozenset({Entity(0, 4, "GPE")})
DOCUMENTS = [Document("Bonn", BONN, BONN), Document("Bonn", BONN, frozenset())]


def test_what_the_page_shows_of_a_file(tmp_path: Path) -> None:
    metrics = asdict(score_documents(DOCUMENTS)) | {
        "per_document": per_document(DOCUMENTS),
        "errors": asdict(errors_of(DOCUMENTS)),
        "predictions": [[[0, 4, "GPE"]], []],
    }
    (tmp_path / "ours.json").write_text(json.dumps(metrics), encoding="utf-8")
    (system,) = read_systems([tmp_path])
    (run,) = system.runs
    assert run.types == {"GPE": pytest.approx(2 / 3)}
    assert {kind: number for kind, number in run.errors.items() if number} == {
        "correct": 1,
        "missed": 1,
    }
    assert run.predictions == [BONN, frozenset()]


def test_an_older_file_has_neither_errors_nor_predictions(tmp_path: Path) -> None:
    metrics = asdict(score_documents(DOCUMENTS)) | {"per_document": per_document(DOCUMENTS)}
    (tmp_path / "old.json").write_text(json.dumps(metrics), encoding="utf-8")
    (system,) = read_systems([tmp_path])
    assert system.runs[0].errors == {} and system.runs[0].predictions == []


def test_a_mean_is_that_of_the_runs_where_it_is_known(tmp_path: Path) -> None:
    for i, types in enumerate(({"GPE": {"f": 1.0}}, {}, {"GPE": {"f": 0.5}, "ORG": {"f": None}})):
        metrics = asdict(score_documents(DOCUMENTS)) | {"per_document": per_document(DOCUMENTS)}
        metrics |= {"name": "ours", "types": types}
        (tmp_path / f"{i}.json").write_text(json.dumps(metrics), encoding="utf-8")
    (system,) = read_systems([tmp_path])
    assert (system.f_of("GPE"), system.f_of("ORG"), system.errors_of("missed")) == (
        0.75,
        None,
        None,
    )
