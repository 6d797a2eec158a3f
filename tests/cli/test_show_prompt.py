from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli._util import app
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)

TEXT = "The University of Edinburgh bought it."
Make = Callable[..., Path]


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["genner", "show-prompt", *map(str, arguments)])
    return result.exit_code, result.output


@pytest.fixture
def make(tiny: Callable[..., str], tmp_path: Path) -> Make:
    """`make(**settings)`: the config file of a pipeline that was never initialized."""

    def write(prompt: dict[str, Any] | None = None, **config: Any) -> Path:
        nlp = spacy.blank("en")
        lm = {"name": tiny(), "dtype": "float32", "device": "cpu"}
        model = {"lm": lm, "prompt": {"@misc": "spacy_genner.Instruction.v1", **(prompt or {})}}
        nlp.add_pipe("sentencizer")
        nlp.add_pipe("generative_ner", config={"labels": ["ORG"], "model": model, **config})
        nlp.config.to_disk(tmp_path / "own.cfg")
        return tmp_path / "own.cfg"

    return write


def test_the_prompt_comes_as_it_is_and_then_as_ids(make: Make) -> None:
    template = "<|im_start|>A long line that no terminal shows in one row: {{ labels | list }}, and it goes on.\n  {{ text }}\n\n=> "
    code, output = run(make({"template": template}), TEXT)
    assert code == 0, output
    prompt = template.replace("{{ labels | list }}", "['ORG']").replace("{{ text }}", TEXT)
    assert f"\n{prompt.removesuffix(' ')}\n" in output, "the last space belongs to the answer"
    assert "Answer" in output and "<|im_end|>" in output
    assert "\n[1, " in output, "the control token has its id"


def test_decisions_have_probabilities_and_alternatives(make: Make) -> None:
    _, output = run(make(), TEXT)
    rows = [line.split() for line in output.split("next best")[1].splitlines()]
    assert [row[2] for row in rows if row[:1] == ["prompt"]] == ["er", ":", "Ċ"]
    answer = [row for row in rows if row and row[0].isdigit()]
    asked = [row for row in answer if len(row) == 7]
    assert asked and len(asked) < len(answer) and {len(row) for row in answer} == {4, 7}
    for _, _, _, of_all, of_legal, next_best, _ in asked:
        assert float(of_all) <= float(of_legal) and 50 <= float(of_legal) <= 100
        assert float(of_legal) + float(next_best) == pytest.approx(100, abs=0.2), "two choices"
    assert answer[-1][2] == "<|im_end|>"


def test_each_window_has_a_prompt_of_its_own(make: Make) -> None:
    code, output = run(make(window=9), f"{TEXT} {TEXT}")
    assert code == 0 and "Window 2 of 2" in output
    assert output.count("=== Prompt") == 2, "cut between the sentences that the sentencizer found"
    assert output.count(f"{TEXT}\nAnswer:\n") == 2


def test_a_text_cannot_control_the_terminal(make: Make) -> None:
    code, output = run(make(), "Leeds \x1b[31m won")
    assert code == 0 and "\x1b[31m" not in output and "\\x1b" in output


def test_what_is_missing_is_named(make: Make, tmp_path: Path) -> None:
    code, output = run(make(labels=None))
    assert code == 1 and "has no labels: give `labels`" in output
    code, output = run(make(), "--component", "sentencizer")
    assert code == 1 and "is a Sentencizer" in output
    code, output = run(tmp_path / "none.cfg")
    assert code == 1 and "none.cfg" in output
