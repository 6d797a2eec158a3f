"""Several processes write what one does, and none of them is missed when it dies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spacy_genner.annotating.crew import WorkerError
from spacy_genner.annotating.inputs import Inputs
from tests.annotating.folders import annotated, dying, ids, parts, processes, run_of, write_texts
from tests.annotating.pipelines import broken, unloadable

TEXTS = ["Leith", None, "The University of Edinburgh", "KILL", "FAIL", "Edinburgh", "end"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_texts(tmp_path / "in.jsonl", TEXTS)


def test_two_workers_write_what_one_process_does(path: Path, tmp_path: Path) -> None:
    annotated(path, tmp_path / "one")
    ticks = list[int]()
    summary = run_of(tmp_path / "two", crew=processes(2))(Inputs.of(path), lambda _: ticks.append)
    assert parts(tmp_path / "two") == parts(tmp_path / "one")
    assert (summary.documents, summary.failed, sum(ticks)) == (5, 2, 7)
    assert annotated(path, tmp_path / "two").before == 7


def test_a_part_whose_worker_dies_is_written_by_another(path: Path, tmp_path: Path) -> None:
    annotated(path, tmp_path / "one")
    load = dying(tmp_path / "two", deaths=2)
    summary = annotated(path, tmp_path / "two", load=load, crew=processes(2))
    assert parts(tmp_path / "two") == parts(tmp_path / "one")
    assert not summary.given_up and len(list((tmp_path / "marks").iterdir())) == 2


def test_after_three_deaths_a_part_is_given_up_and_tried_again_by_the_next_run(
    path: Path, tmp_path: Path
) -> None:
    annotated(path, tmp_path / "one")
    load = dying(tmp_path / "two", deaths=3)
    summary = annotated(path, tmp_path / "two", load=load, crew=processes(1))
    assert summary.given_up == [1] and (summary.documents, summary.failed) == (3, 4)
    assert ids(tmp_path / "two") == [0, 5, 6] and ids(tmp_path / "two", "_failed") == [1, 2, 3, 4]
    lines = (tmp_path / "two" / "_failed-00001.jsonl").read_text().splitlines()
    reasons = {json.loads(line)["reason"] for line in lines}
    assert reasons == {"3 workers died while they annotated its part (exit code -9)"}
    annotated(path, tmp_path / "two", load=load, crew=processes(1))
    assert parts(tmp_path / "two") == parts(tmp_path / "one")


def test_a_worker_that_dies_while_it_loads_is_an_error(path: Path, tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match=r"died while it loaded the pipeline \(exit code -9\)"):
        annotated(path, tmp_path / "out", load=unloadable, crew=processes(1))


def test_an_error_in_a_worker_is_that_of_the_run(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no such pipeline"):
        annotated(path, tmp_path / "out", load=broken, crew=processes(1))


def test_no_process_is_started_for_nothing(path: Path, tmp_path: Path) -> None:
    annotated(path, tmp_path / "out")
    assert annotated(path, tmp_path / "out", load=unloadable, crew=processes(1)).before == 7
