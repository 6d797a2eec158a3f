from __future__ import annotations

import json
from pathlib import Path

from spacy.cli._util import app
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)
from tests.evaluation.stored import gner, llms4ner, write


def test_faults_of_the_gold_answers_are_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", llms4ner('{"GPE": []}', '{"GPE": ["Essex", "York"]}'))
    result = CliRunner().invoke(app, ["genner", "evaluate-predictions", str(path)])
    assert result.exit_code == 0 and "gold answers have faults too: missing 1" in result.output


def test_datasets_one_by_one_and_their_mean(tmp_path: Path) -> None:
    right, wrong = "Bonn(B-city) or(O) Bonn(O)", "Bonn(O) or(O) Bonn(O)"
    path = write(tmp_path / "a.jsonl", gner(right), gner(wrong, "rivers"), gner(wrong, "rivers"))
    output = tmp_path / "new" / "metrics.json"
    result = CliRunner().invoke(
        app, ["genner", "evaluate-predictions", str(path), "--json", str(output)]
    )
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.output.splitlines()]
    assert ["towns", "1", "100.0", "100.0", "100.0", "100.0"] in rows
    assert ["rivers", "2", "0.0", "0.0", "0.0", "0.0"] in rows
    assert ["all", "3", "100.0", "33.3", "50.0", "50.0"] in rows
    assert ["mean", "50.0", "50.0"] in rows
    saved = json.loads(output.read_text(encoding="utf-8"))
    assert saved["mean_f"] == {"position": 0.5, "published": 0.5}
    assert (
        saved["datasets"]["rivers"]["documents"] == 2 and saved["overall"]["position"]["f"] == 0.5
    )


def test_the_command_ends_with_the_message_of_an_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["genner", "evaluate-predictions", str(write(tmp_path / "a.jsonl", 3))]
    )
    assert result.exit_code == 1 and "expected a JSON object" in result.output
