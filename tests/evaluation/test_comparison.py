import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from spacy_genner.evaluation.comparison import compare
from spacy_genner.evaluation.metrics import SAME_TYPE, Document, score_documents
from spacy_genner.evaluation.significance import per_document
from spacy_genner.types import Entity

SPANS = (Entity(0, 4, "GPE"), Entity(8, 12, "GPE"))
COSTS = {"words_per_second": 1234.5, "peak_memory_mib": 1500.2}


def write(
    path: Path, seen: set[tuple[str, str]] | None = None, found: int = 1, **fields: Any
) -> Path:
    """Metrics of a number of found spans of two, with the shape that the evaluation gives them."""
    documents = [Document("Bonn am Rhein", frozenset(SPANS), frozenset(SPANS[:found]))] * 9
    metrics = asdict(score_documents(documents, seen, resamples=1))
    metrics |= COSTS | {"per_document": per_document(documents)} | fields
    path.write_text(json.dumps(metrics), encoding="utf-8")
    return path


def write_old(path: Path, **fields: Any) -> Path:
    """Metrics as they were before there were counts of documents and a group `SAME_TYPE`."""
    metrics = json.loads(write(path, docs_per_second=12.3, **fields).read_text("utf-8"))
    for key in ("per_document", *COSTS):
        del metrics[key]
    del metrics["nesting"][SAME_TYPE]
    path.write_text(json.dumps(metrics), encoding="utf-8")
    return path


def cells(table: str) -> dict[str, dict[str, str]]:
    """The cells of each system by the titles of their columns."""
    lines = table.split("\n\n")[0].splitlines()
    titles, _, *rows = (line.strip("| ").split(" | ") for line in lines)
    return {row[0]: dict(zip(titles, row, strict=True)) for row in rows}


def test_a_row_for_each_system_in_percent(tmp_path: Path) -> None:
    first = write(tmp_path / "first.json", name="ours")
    second = write(tmp_path / "second.json", seen={("bonn", "GPE")}, training_seconds=612)
    header, line, ours, other, *_ = compare([first, second]).splitlines()
    assert header == (
        "| system | runs | P | R | F1 | flat F1 | nested F1 | same-type nested F1 | unseen R | "
        "difference | p | training | words/s | memory |"
    )
    assert line.count("---") == 14
    costs = "1,234 | 1,500 MiB |"
    rates = "1 | 100.0 | 50.0 | 66.7 | 66.7 | – | –"
    assert ours == f"| ours | {rates} | – | reference | – | – | {costs}"
    assert other == f"| second | {rates} | 0.0 | +0.0 (+0.0 to +0.0) | 1.000 | 10.2 min | {costs}"


def test_spans_nested_in_their_own_type_have_a_column(tmp_path: Path) -> None:
    gold = frozenset({Entity(0, 13, "GPE"), Entity(0, 4, "GPE")})
    nesting = asdict(score_documents([Document("Bonn am Rhein", gold, gold)]))["nesting"]
    row = cells(compare([write(tmp_path / "new.json", nesting=nesting)]))["new"]
    assert [row[f"{of} F1"] for of in ("flat", "nested", "same-type nested")] == ["100.0"] * 3


def test_files_with_one_name_are_runs_of_one_system(tmp_path: Path) -> None:
    seconds = {"training_seconds": 60}
    paths = [
        write(tmp_path / "0.json", name="ours", **seconds),
        write(tmp_path / "1.json", name="ours", found=2, peak_memory_mib=1600.2),
        write(tmp_path / "2.json", name="other"),
    ]
    table = compare(paths)
    ours, other = cells(table).values()
    assert (ours["runs"], ours["R"], ours["F1"]) == ("2", "75.0", "83.3 ± 23.6")
    assert (ours["training"], ours["words/s"], ours["memory"]) == ("1.0 min", "1,234", "1,550 MiB")
    assert (other["runs"], other["F1"]) == ("1", "66.7")
    assert "means, and the standard deviation of F1" in table
    lead = 100 * (2 * 27 / (27 + 36) - 2 * 9 / (9 + 18))  # the counts of both runs added up
    assert other["difference"] == f"{-lead:+.1f} ({-lead:+.1f} to {-lead:+.1f})"
    assert other["p"] == "< 0.001"


def test_files_without_a_name_are_systems_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    table = compare([write(tmp_path / folder / "metrics.json") for folder in "ab"])
    assert table.count("\n| metrics | 1 |") == 2


def test_a_file_counts_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", name="ours")
    assert compare([tmp_path, path, path]) == compare([path])
    assert cells(compare([path]))["ours"]["runs"] == "1"


def test_the_reference_can_be_chosen(tmp_path: Path) -> None:
    worse, better = write(tmp_path / "worse.json"), write(tmp_path / "x.json", found=2, name="best")
    table = compare([worse, better], against="best")
    best, other = cells(table)["best"], cells(table)["worse"]
    assert (best["difference"], best["p"]) == ("reference", "–")
    assert (other["difference"], other["p"]) == ("-33.3 (-33.3 to -33.3)", "< 0.001")
    assert "Difference: in points of F1 to best, with the 95 % interval" in table
    with pytest.raises(
        ValueError, match="--against 'none': choose one of the systems: worse, best"
    ):
        compare([worse, better], against="none")


def test_differences_are_those_on_the_same_documents(tmp_path: Path) -> None:
    """Of the rows with the name of the reference, that with the same documents counts."""
    corpora = [per_document([Document(text, frozenset(), frozenset())]) for text in "abc"]
    paths = [
        write(tmp_path / f"{i}.json", name=name, per_document=corpora[corpus])
        for i, (name, corpus) in enumerate([("ours", 0), ("spaCy", 0), ("ours", 1), ("alone", 2)])
    ]
    paths.append(write(tmp_path / "5.json", name="spaCy", per_document=corpora[1]))
    table = compare(paths)
    column = [line.split(" | ")[9] for line in table.splitlines()[2:7]]
    same = "+0.0 (+0.0 to +0.0)"
    assert column == ["reference", same, "reference", "–", same]
    assert "\nNo difference for alone: ours has no metrics with counts on the same" in table
    assert "older version" not in table


def test_metrics_of_older_versions_have_dashes(tmp_path: Path) -> None:
    old, new = write_old(tmp_path / "old.json"), write(tmp_path / "new.json")
    row = f"| old | 1 | 100.0 | 50.0 | 66.7 | 66.7 {'| – ' * 8}|"
    assert compare([old]).splitlines()[2:] == [row]
    table = compare([new, old])
    assert row in table
    assert "No difference for old: the metrics are of an older version" in table
    table = compare([old, new])
    assert cells(table)["new"]["difference"] == "–"
    assert "No difference for new: old has no metrics with counts" in table


def test_runs_of_older_versions_are_not_put_together(tmp_path: Path) -> None:
    paths = [write_old(tmp_path / f"{i}.json", name="ours") for i in range(2)]
    assert compare(paths).count("\n| ours | 1 |") == 2


def test_a_pipe_in_a_name_does_not_break_the_table(tmp_path: Path) -> None:
    assert "| a\\|b | 1 |" in compare([write(tmp_path / "a.json", name="a|b")])


def test_a_name_cannot_do_anything_to_the_terminal(tmp_path: Path) -> None:
    assert r"| a\x1b[31m\nb\u202e | 1 |" in compare(
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


@pytest.mark.parametrize("stored", [3, {"digest": "d"}, {"digest": "d", "gold": "many"}])
def test_broken_counts_are_named(stored: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"odd\.json: there are no metrics in it"):
        compare([write(tmp_path / "odd.json", per_document=stored)])


@pytest.mark.parametrize(
    "predictions",
    [[[]], [[[0, 4, "GPE"]]] * 8, [[[0, 4]]] * 9, [["Bonn"]] * 9, 3],
)
def test_broken_predictions_are_named(predictions: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"odd\.json: there are no metrics in it"):
        compare([write(tmp_path / "odd.json", predictions=predictions)])
