import json
from pathlib import Path

from spacy.cli._util import app
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)
from spacy_genner.evaluation.comparison import compare


def test_the_command_prints_the_table(tmp_path: Path) -> None:
    path, rates = tmp_path / "mine.json", {"p": 1.0, "r": 0.5, "f": 0.667}
    metrics = {"total": rates, "nesting": {"flat": rates, "nested": rates}, "names": {}}
    path.write_text(json.dumps({"docs_per_second": 12.345, **metrics}), encoding="utf-8")
    result = CliRunner().invoke(app, ["genner", "compare", str(path)])
    assert result.exit_code == 0 and result.output == compare([path]) + "\n"


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["genner", "compare", str(tmp_path / "none.json")])
    assert result.exit_code != 0 and "none.json" in result.output


def test_a_file_without_metrics_is_named(tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text("{}", encoding="utf-8")
    result = CliRunner().invoke(app, ["genner", "compare", str(tmp_path / "odd.json")])
    assert result.exit_code == 1 and "odd.json" in result.output
