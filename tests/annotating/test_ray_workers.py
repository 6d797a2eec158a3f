"""Workers of Ray write what one process does, whatever happens to them."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import spacy

from spacy_genner.annotating.crew import WorkerError
from spacy_genner.annotating.ray_workers import RayWorkers
from tests.annotating.folders import annotated, dying, ids, parts, write_texts
from tests.annotating.pipelines import PATTERNS, broken, unloadable

ray: Any = pytest.importorskip("ray")
TEXTS = ["Leith", None, "The University of Edinburgh", "KILL", "FAIL", "Edinburgh", "end"]
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A cluster for two workers, to which the program has connected itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield
        ray.shutdown()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_texts(tmp_path / "in.jsonl", TEXTS)


def crew(size: int = 2, **settings: Any) -> Any:
    """What makes workers of Ray."""
    return partial(RayWorkers, size=size, **settings)


@pytest.mark.usefixtures("cluster")
def test_workers_write_what_one_process_does(path: Path, tmp_path: Path) -> None:
    annotated(path, tmp_path / "one")
    summary = annotated(path, tmp_path / "two", crew=crew())
    assert parts(tmp_path / "two") == parts(tmp_path / "one")
    assert "_failed-00000.jsonl" in parts(tmp_path / "two")
    assert (summary.documents, summary.failed) == (5, 2)
    assert annotated(path, tmp_path / "two", load=unloadable, crew=crew()).before == 7


@pytest.mark.usefixtures("cluster")
def test_a_part_whose_worker_is_killed_is_written_by_another(path: Path, tmp_path: Path) -> None:
    annotated(path, tmp_path / "one")
    load = dying(tmp_path / "two", deaths=2)
    summary = annotated(path, tmp_path / "two", load=load, crew=crew())
    assert parts(tmp_path / "two") == parts(tmp_path / "one")
    assert not summary.given_up and len(list((tmp_path / "marks").iterdir())) == 2


@pytest.mark.usefixtures("cluster")
def test_a_part_at_which_workers_die_is_given_up_and_the_rest_is_written(
    path: Path, tmp_path: Path
) -> None:
    annotated(path, tmp_path / "one")
    load = dying(tmp_path / "two", deaths=3)
    summary = annotated(path, tmp_path / "two", load=load, crew=crew())
    assert summary.given_up == [1] and (summary.documents, summary.failed) == (3, 4)
    assert ids(tmp_path / "two") == [0, 5, 6]
    lines = (tmp_path / "two" / "_failed-00001.jsonl").read_text().splitlines()
    reasons = {json.loads(line)["reason"] for line in lines}
    assert reasons == {"3 workers died while they annotated its part (ActorDiedError)"}
    annotated(path, tmp_path / "two", load=load, crew=crew())
    assert parts(tmp_path / "two") == parts(tmp_path / "one")


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(
    ("load", "kind", "message"),
    [
        (broken, ValueError, "^there is no such pipeline$"),
        (unloadable, WorkerError, r"died 3 times while it loaded the pipeline \(ActorDiedError\)"),
    ],
)
def test_a_pipeline_that_cannot_be_loaded(
    path: Path, tmp_path: Path, load: Callable[[], Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        annotated(path, tmp_path / "out", load=load, crew=crew(1))
    assert not parts(tmp_path / "out")


@pytest.mark.usefixtures("cluster")
def test_workers_without_a_place_hold_nothing_up(
    path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three workers where there is a place for two: the third gets its place from the others."""
    monkeypatch.setattr("spacy_genner.annotating.ray_workers._PATIENCE", 0.01)
    annotated(path, tmp_path / "one")
    with caplog.at_level(logging.WARNING, "spacy_genner"):
        annotated(path, tmp_path / "three", crew=crew(3))
    assert parts(tmp_path / "three") == parts(tmp_path / "one")
    (message,) = caplog.messages
    assert "of 3 workers still wait for a place" in message
    assert "each needs 1 CPUs and 0 GPUs" in message


@pytest.mark.usefixtures("cluster")
def test_the_program_keeps_its_connection(path: Path, tmp_path: Path) -> None:
    annotated(path, tmp_path / "out", crew=crew(1, address="none"))
    assert ray.is_initialized() and ray.get(ray.put(1)) == 1


def test_a_cluster_that_cannot_be_joined(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def init(address: str, **_: object) -> None:
        raise RuntimeError("Version mismatch")

    monkeypatch.setattr("ray.is_initialized", lambda: False)
    monkeypatch.setattr("ray.init", init)
    with pytest.raises(WorkerError, match="no connection to Ray at auto: Version mismatch"):
        annotated(path, tmp_path / "out", crew=crew(address="auto"))


def test_a_run_whose_main_process_is_killed_goes_on(path: Path, tmp_path: Path) -> None:
    """The command, with a cluster that it starts itself."""
    write_texts(path, [f"The University of Edinburgh is {i}" for i in range(4000)])
    model = tmp_path / "model"
    nlp = spacy.blank("en")
    nlp.add_pipe("span_ruler", config={"spans_key": "sc"}).add_patterns(PATTERNS)
    nlp.to_disk(model)
    annotated(path, tmp_path / "one", load=partial(spacy.load, model), part_size=50)
    options = ["--output", str(tmp_path / "two"), "--part-size", "50", "--ray", "local"]
    command = [sys.executable, "-m", "spacy", "genner", "annotate", str(model), str(path), *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment)
    while len(list(tmp_path.glob("two/part-*"))) < 3 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 3 <= len(parts(tmp_path / "two")) < 80
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "by an earlier run" in result.stdout
    assert parts(tmp_path / "two") == parts(tmp_path / "one")
