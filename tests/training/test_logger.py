"""Progress must be seen in a terminal and in a log, and never in the same line as the table."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.util import load_config

from spacy_genner.training import logger
from spacy_genner.training.logger import Log, make_logger, weighted

SCORES = {"spans_sc_f": 0.5}
CONFIGS = Path(__file__).parents[2] / "configs"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def pipeline(steps: int) -> Language:
    """Its number of steps is that of its schedule, as in the configurations of the project."""
    nlp = spacy.blank("xx")
    config: Any = nlp.config
    config["training"]["optimizer"]["learn_rate"] = {"total_steps": steps}
    steps_of_schedule = "${training.optimizer.learn_rate.total_steps}"
    config["training"] |= {"max_steps": steps_of_schedule, "score_weights": {"spans_sc_f": 1.0}}
    nlp.config = config
    return nlp


def run(
    stream: io.StringIO,
    setup: Callable[..., Log] | None = None,
    steps: int = 20,
    scores: Sequence[float] = (0.5, 0.5, 0.5),
) -> str:
    """Steps with an evaluation at each tenth, table and progress in one stream."""
    log, close = (setup or make_logger())(pipeline(steps), stream, stream)
    info: dict[str, Any] = {"epoch": 0, "losses": {}, "other_scores": SCORES, "checkpoints": []}
    for step in range(10 * len(scores) - 9):
        if step % 10 == 0:
            info |= {"step": step, "score": scores[step // 10]}
            info["checkpoints"].append((info["score"], step))
        log(None if step % 10 else info)
    close()
    return stream.getvalue()


@pytest.fixture
def all_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logger, "SECONDS", 0.0)


def test_in_a_terminal_a_bar_leaves_its_line_to_the_table() -> None:
    shown = run(Terminal())
    assert "| 0/20 [" in shown and "| 10/20 [" in shown
    lines = [line.rsplit("\r", 1)[-1] for line in shown.split("\n")]
    assert [line.split()[1] for line in lines if line.endswith("0.50")] == ["0", "10", "20"]
    assert not any("/20 [" in line for line in lines)


@pytest.mark.usefixtures("all_lines")
def test_elsewhere_it_is_lines() -> None:
    lines = run(io.StringIO()).splitlines()
    assert [line.split()[1] for line in lines if line.endswith("0.50")] == ["0", "10", "20"]
    done = [line.split()[1] for line in lines if "/20 [" in line]
    assert done == [f"{step}/20" for step in range(21) if step % 10]
    assert lines[3].startswith("  5% 1/20 [00:") and "\r" not in "".join(lines)


def test_lines_come_now_and_then_only(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10000, 8))
    monkeypatch.setattr(logger, "monotonic", lambda: next(clock))
    shown = run(io.StringIO())
    assert 1 < shown.count("/20 [") < 8


@pytest.mark.usefixtures("all_lines")
def test_the_number_of_steps_may_be_unknown() -> None:
    assert "\n1step [" in run(io.StringIO(), steps=0)


def test_the_file_is_that_of_the_logger_of_spacy(tmp_path: Path) -> None:
    run(io.StringIO(), make_logger(str(tmp_path / "log.jsonl")))
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text("utf8").splitlines()]
    assert [row["step"] for row in rows] == [0, 10, 20] and rows[0]["scores"] == {
        "spans_sc_f": 50.0
    }


@pytest.mark.parametrize(
    ("scores", "warning"),
    [
        ((0.5,), "[training] eval_frequency leaves no room for a later one"),
        ((0.5, 0.4, 0.3), "no later one was as good"),
        ((0.5, 0.4, 0.5), ""),  # of equal ones spaCy saves the last
        ((0.0, 0.0), ""),
        ((0.5, 0.6, 0.4), ""),
    ],
)
def test_it_warns_where_the_best_model_is_hardly_trained(
    scores: Sequence[float], warning: str
) -> None:
    shown = run(io.StringIO(), scores=scores)
    assert ("model-best is hardly trained" in shown) == bool(warning)
    assert warning in shown


def test_scores_are_weighted_as_spacy_weights_them() -> None:
    weights = {"spans_sc_f": 0.5, "ents_f": 0.25, "spans_sc_p": 0.0, "speed": None}
    evaluations = [
        {"spans_sc_f": 0.5, "ents_f": 1.0, "spans_sc_p": 1.0, "speed": 9.0},
        {"spans_sc_f": None, "ents_f": 1.0},
        {},
    ]
    assert weighted(weights, evaluations) == [0.5, 0.25, 0.0]


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_the_configurations_of_the_project_show_progress_in_a_terminal(name: str) -> None:
    config = load_config(CONFIGS / f"{name}.cfg", interpolate=True)
    setup = spacy.registry.resolve({"logger": config["training"]["logger"]})["logger"]
    assert "| 10/20 [" in run(Terminal(), setup)
