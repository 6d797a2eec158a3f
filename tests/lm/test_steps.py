"""What the steps of causal and of encoder–decoder models share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from spacy_genner.lm.head import NEVER
from spacy_genner.lm.steps import padded


@pytest.mark.parametrize(("lengths", "width"), [([1], 1), ([3, 8, 0], 8), ([9, 2], 16), ([17], 24)])
def test_rows_are_padded_on_the_right(lengths: list[int], width: int) -> None:
    """Long ones to a multiple of 8."""
    rows = [list(range(1, length + 1)) for length in lengths]
    ids, real = padded(rows, torch.device("cpu"))
    assert ids.shape == real.shape == (len(rows), width)
    for row, padded_row, kept in zip(rows, ids, real, strict=True):
        assert padded_row.tolist() == [*row, *[0] * (width - len(row))]
        assert kept.tolist() == [True] * len(row) + [False] * (width - len(row))


def test_the_probabilities_of_choices(tiny_lm: Callable[..., Any]) -> None:
    """What decoding sees: among its choices only, on the CPU."""
    steps = tiny_lm("granite").steps
    hidden = steps.session((3,), 1).extend([[4]])[0]
    found = steps.log_probs(hidden, [[5, 6, 7]])
    with torch.no_grad():
        logits = steps.model(torch.tensor([[3, 4]])).logits[0, -1, [5, 6, 7]]
    assert found[0].tolist() == pytest.approx(logits.log_softmax(-1).tolist(), abs=1e-5)
    padded = steps.log_probs(torch.cat([hidden, hidden]), [[5, 6, 7], [5, 6]])
    assert torch.equal(padded[0], found[0])
    assert padded[1, 2] == NEVER
    assert padded.exp().sum(1).tolist() == pytest.approx([1, 1])


def test_numbers_that_are_none_are_an_error(tiny_lm: Callable[..., Any]) -> None:
    steps = tiny_lm().steps
    hidden = torch.full((1, steps.model.config.hidden_size), float("nan"))
    with pytest.raises(ValueError, match="NaN"):
        steps.log_probs(hidden, [[1, 2]])


def test_the_best_of_all_ids(tiny_lm: Callable[..., Any]) -> None:
    steps = tiny_lm("granite").steps
    hidden = steps.session((3,), 2).extend([[4], [5]])[:, -1]
    with torch.no_grad():
        logits = steps.model(torch.tensor([[3, 4], [3, 5]])).logits[:, -1]
    assert steps.best(hidden) == logits.argmax(dim=-1).tolist()
