import pytest

from spacy_genner.evaluation.chart import HEIGHT, WIDTH, chart


def test_points_fill_the_drawing_area() -> None:
    lines = {"a": [(0.0, 900.0), (50.0, 120.0), (100.0, 90.0)], "b": [(0.0, 1.0)]}
    drawn = chart("loss", lines, "", "step")
    assert (drawn.last, drawn.top) == (100, 1000)
    assert drawn.place((0, 0)) == (0, HEIGHT) and drawn.place((100, 1000)) == (WIDTH, 0)
    assert (
        drawn.path(lines["a"])
        == f"0.0,{0.1 * HEIGHT} {WIDTH / 2},{0.88 * HEIGHT} {WIDTH},{0.91 * HEIGHT}"
    )


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (1, 1), (1.01, 2), (0.7, 0.8), (23456, 30000), (9.5e-4, 1e-3)]
)
def test_the_axis_ends_on_a_round_number(value: float, top: float) -> None:
    assert chart("loss", {"a": [(0, value)]}, "", "step").top == pytest.approx(top)
