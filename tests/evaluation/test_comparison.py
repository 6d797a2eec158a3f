import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from spacy_genner.evaluation.comparison import compare
from spacy_genner.evaluation.metrics import Document, score_documents
from spacy_genner.types import Entity


def write(path: Path, seen: set[tuple[str, str]] | None = None, **fields: Any) -> Path:
    """Metrics of one found span of two, with the shape that the evaluation gives them."""
    gold = frozenset({Entity(0, 4, "GPE"), Entity(8, 12, "GPE")})
    scores = asdict(
        score_documents([Document("Bonn am Rhein", gold, frozenset({Entity(0, 4, "GPE")}))], seen)
    )
    path.write_text(json.dumps({"docs_per_second": 12.345, **scores, **fields}), encoding="utf-8")
    return path


def test_a_row_for_each_system_in_percent(tmp_path: Path) -> None:
    first = write(tmp_path / "first.json", name="ours")
    second = write(tmp_path / "second.json", seen={("bonn", "GPE")}, training_seconds=612)
    header, line, ours, other = compare([first, second]).splitlines()
    assert header == "| system | P | R | F1 | flat F1 | nested F1 | unseen R | training | docs/s |"
    assert line.count("---") == 9
    assert ours == "| ours | 100.0 | 50.0 | 66.7 | 66.7 | – | – | – | 12.3 |"
    assert other == "| second | 100.0 | 50.0 | 66.7 | 66.7 | – | 0.0 | 10.2 min | 12.3 |"


def test_a_pipe_in_a_name_does_not_break_the_table(tmp_path: Path) -> None:
    assert "| a\\|b | 100.0 |" in compare([write(tmp_path / "a.json", name="a|b")])


def test_a_name_cannot_do_anything_to_the_terminal(tmp_path: Path) -> None:
    assert r"| a\x1b[31m\nb\u202e | 100.0 |" in compare(
        [write(tmp_path / "a.json", name="a\x1b[31m\nb\u202e")]
    )


@pytest.mark.parametrize(
    "content", ["", "[]", "3", '{"total": {}}', '{"ents_f": 0.5}', '{"total": {"p": "much"}}']
)
def test_a_file_without_metrics_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text(content, encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"odd\.json: there are no metrics .*genner evaluate --output"
    ):
        compare([tmp_path / "odd.json"])


def test_a_folder_stands_for_its_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    second, first = write(tmp_path / "b.json"), write(tmp_path / "a.json")
    (tmp_path / "page.html").write_text("", encoding="utf-8")
    assert compare([tmp_path]) == compare([first, second])


def test_a_folder_without_metrics_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"empty: there is no \.json file: .*--output"):
        compare([write(tmp_path / "mine.json"), tmp_path / "empty"])
