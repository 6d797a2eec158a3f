"""Exponents of growth."""

import pytest

from benchmarks.fitting import by_axis, exponent, line, table


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_the_exponent_of_a_power(power: float) -> None:
    points = [1, 10, 50, 200]
    assert exponent(points, [3.0 * point**power for point in points]) == pytest.approx(
        power, abs=1e-9
    )


def test_an_axis_needs_two_points_and_is_in_order() -> None:
    cells = [
        {"axis": "words", "point": 20},
        {"axis": "depth", "point": 1},
        {"axis": "words", "point": 10},
    ]
    assert by_axis(cells) == {"words": [cells[2], cells[0]]}


def test_the_table_shows_where_growth_sets_in_late() -> None:
    cells = [
        {
            "axis": "words",
            "point": 10**n,
            "seconds": max(1.0, 10.0 ** (n - 2)),
            "mib": 1.0,
            "passes": 10.0**n,
        }
        for n in range(5)
    ]
    assert (
        table(cells).splitlines()[-1]
        == "| words | 1 | 10000 | 0.50 / 1.00 | 0.00 / 0.00 | 1.00 / 1.00 |"
    )


def test_the_line_through_points() -> None:
    assert line([1, 10, 100], [5.0, 23.0, 203.0]) == pytest.approx((3.0, 2.0))


def test_what_counts_are_relative_errors() -> None:
    """With absolute ones, the constant would be -76: the largest value outweighs all others."""
    constant, _ = line([100, 200, 300, 1000], [300.0, 400.0, 500.0, 2 * 1200.0])
    assert constant == pytest.approx(88.8, abs=0.1)
