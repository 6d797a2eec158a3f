import io
from pathlib import Path

import pytest
import spacy
from spacy.training.loggers import console_logger_v3

from spacy_genner.evaluation.chart import HEIGHT
from spacy_genner.evaluation.curve import LoggedStep, charts, read_log

RECORDS = [
    LoggedStep(0, {"a": 900.0, "b": 1.0}, 0.0),
    LoggedStep(50, {"a": 6000.0}, 0.7),
    LoggedStep(100, {"a": 4500.0}, 0.65),
]


def test_spacys_own_log_is_read(tmp_path: Path) -> None:
    nlp, path = spacy.blank("xx"), tmp_path / "log.jsonl"
    nlp.add_pipe("spancat")
    log_step, finalize = console_logger_v3(console_output=False, output_file=path)(
        nlp, io.StringIO(), io.StringIO()
    )
    for step, loss, score in ((0, 12.5, 0.0), (200, 3.25, 0.5)):
        log_step(
            {
                "epoch": 0,
                "step": step,
                "losses": {"spancat": loss},
                "other_scores": {},
                "score": score,
            }
        )
        log_step(None)
    finalize()
    assert read_log(path) == [
        LoggedStep(0, {"spancat": 12.5}, 0.0),
        LoggedStep(200, {"spancat": 3.25}, 0.5),
    ]


@pytest.mark.parametrize(
    "line",
    [
        '{"step": 4, "losses": {}, "sco',
        '{"step": 4, "losses": {}}',
        '{"step": 4, "losses": 3, "score": 1}',
        '{"step": 4, "losses": {"a": "much"}, "score": 1}',
        '{"step": 4, "losses": {"a": NaN}, "score": 1}',
        '{"step": null, "losses": {}, "score": 1}',
        '{"step": true, "losses": {}, "score": 1}',
        '{"step": 4, "losses": {}, "score": "1"}',
        '{"step": 4, "losses": {"a": 1e999}, "score": 1}',
        '{"step": 1e999, "losses": {}, "score": 1}',
        '{"step": 4, "losses": {"\\ud83d": 1}, "score": 1}',
        "[]",
        "loss 3",
    ],
)
def test_another_line_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 0, "losses": {}, "score": 0}\n\n' + line, encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"log\.jsonl, line 3: .* is not a record of a training log.*ConsoleLogger"
    ):
        read_log(path)


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(b"\x80\x04\x95")
    with pytest.raises(ValueError, match=r"log\.jsonl cannot be read .* expected a training log"):
        read_log(tmp_path / "log.jsonl")


def test_only_line_feeds_end_records(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(
        '{"step": 4, "losses": {"a\u2028b": 1}, "score": 1}\r\n', encoding="utf-8"
    )
    assert read_log(tmp_path / "log.jsonl") == [LoggedStep(4, {"a\u2028b": 1.0}, 1.0)]


def test_a_log_without_an_evaluation_has_no_charts(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("", encoding="utf-8")
    assert charts(read_log(tmp_path / "log.jsonl")) == []


def test_losses_are_apart_and_a_mean_of_steps_and_the_score_is_in_percent() -> None:
    """A log has their sums since the last evaluation: one step at first, then 50."""
    loss, score = charts(RECORDS)
    assert loss.title == "Training loss, mean of a step"
    assert loss.lines == {"a": [(0, 900), (50, 120), (100, 90)], "b": [(0, 1)]}
    assert score.lines == {"score": [(0, 0), (50, pytest.approx(70)), (100, pytest.approx(65))]}
    assert score.note == "best 70.0 at step 50"


def test_a_log_with_a_step_twice_can_be_drawn() -> None:
    loss, _ = charts([LoggedStep(0, {"a": 2.0}, 0.0), LoggedStep(0, {"a": 2.0}, 0.0)])
    assert loss.lines == {"a": [(0, 2.0), (0, 2.0)]}


def test_a_log_of_step_0_alone_can_be_drawn() -> None:
    loss, score = charts([LoggedStep(0, {"a": 0.0}, 0.0)])
    assert loss.path(loss.lines["a"]) == score.path(score.lines["score"]) == f"0.0,{HEIGHT}"
