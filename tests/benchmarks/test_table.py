"""Ratios, best batches, and dashes where there is nothing to say."""

from typing import Any

from benchmarks.table import rate, ratio, table

NOTHING = {"passes": 0, "rows": 0, "ids": 0, "padded": 0}


def cell(system: str, batch: int, *seconds: float, **results: Any) -> dict[str, Any]:
    reading = {"passes": 20, "rows": 40, "ids": 1000, "padded": 1500}
    runs = [
        {"seconds": each, "sentences": 10, "reading": results.pop("reading", reading)}
        for each in seconds
    ]
    usual = {"mib": 900.4, "rise": 12.2, "f": 0.5, "differing": {}}
    return {"system": system, "batch": batch, "runs": runs, **usual, **results}


def rows(*cells: dict[str, Any]) -> list[list[str]]:
    return [
        [field.strip() for field in line.split("|")[1:-1]] for line in table(cells).splitlines()
    ]


def test_the_median_counts() -> None:
    assert rate(cell("ours", 1, 5.0, 1.0, 2.0)) == 5.0


def test_each_part_is_compared_with_itself() -> None:
    assert ratio(cell("ours", 1, 1.0, 4.0, 1.0), cell("other", 1, 2.0, 20.0, 30.0)) == 5.0
    assert ratio(cell("ours", 1, 1.0), cell("other", 1, 2.0, 20.0, 30.0)) == 2.0


def test_batch_1_is_compared_with_batch_1_and_best_with_best() -> None:
    cells = [cell("ours", 1, 2.0), cell("ours", 8, 1.0), cell("ours", 32, 1.5)]
    cells += [cell("generate", 1, 20.0), cell("generate", 8, 5.0)]
    cells += [cell("floor", 1, 1.0), cell("floor", 8, 0.8)]
    header, _, one, best, *_ = rows(*cells)
    assert header[:5] == ["system", "batch", "sentences/s", "× generate", "cost / floor"]
    assert one[:5] == ["ours", "1", "5.00", "10.0", "2.00"]
    assert best[:5] == ["ours", "8 (best)", "10.00", "5.0", "1.25"]


def test_counts_are_for_a_sentence() -> None:
    assert rows(cell("ours", 1, 2.0))[2][5:] == [
        "2.00",
        "4.00",
        "100.00",
        "150.00",
        "900 (12)",
        "50.0",
        "0",
    ]


def test_what_is_missing_is_a_dash() -> None:
    row = rows(cell("cnn", 1, 2.0, reading=NOTHING, f=None, differing=None))[2]
    assert row[3:9] + row[10:] == ["–"] * 8


def test_a_system_has_a_row_for_batch_1_and_one_for_its_best_batch() -> None:
    cells = [cell("one", 1, 2.0), cell("eight", 8, 2.0), {"system": "gone", "batch": 1, "runs": []}]
    assert [row[:2] for row in rows(*cells)[2:]] == [
        ["one", "1"],
        ["one", "1 (best)"],
        ["eight", "8 (best)"],
    ]


def test_differences_come_with_their_margins() -> None:
    assert (
        rows(cell("ours", 1, 2.0, differing={"3": 0.25, "7": 1e-5}))[2][-1]
        == "2 (1.0e-05 to 2.5e-01)"
    )
    assert rows(cell("generate", 1, 2.0, differing={"3": None}))[2][-1] == "1"
