"""What many GPUs cost, from what a word costs, and what is full first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer import Typer
from typer.testing import CliRunner

from benchmarks.cost import (
    Costs,
    bottlenecks,
    costs_of,
    filling,
    gpu_rate,
    hours,
    limits,
    main,
    rate,
    shown,
    table,
)

CELL: dict[str, Any] = {
    "model": "model-best",
    "texts": "texts.jsonl",
    "part_size": 500,
    "annotated": 20,
    "device": "cpu",
    "threads": 1,
    "load": 36.0,
    "words": 20.0,
    "bytes": {"input": 6.0, "message": 10.0, "output": 14.0},
    "microseconds": {
        "read": 1.0,
        "send": 0.5,
        "store": 0.5,
        "receive": 1.0,
        "tokenise": 2.0,
        "prompt": 5.0,
        "write": 2.0,
        "model": 90.0,
    },
}
COSTS = Costs(
    driver=2e-6,
    cpu=10e-6,
    model=90e-6,
    load=36.0,
    part=10_000,
    input=6.0,
    message=10.0,
    output=14.0,
)


def fast(model: float) -> Costs:
    """The same work beside a model that takes so many seconds for a word."""
    return Costs(2e-6, 10e-6, model, 36.0, 10_000, 6.0, 10.0, 14.0)


def test_stages_become_the_costs_of_the_driver_the_worker_and_the_model() -> None:
    assert vars(costs_of(CELL)) == pytest.approx(vars(COSTS))


def test_the_rate_of_a_gpu_replaces_the_time_of_the_model_alone() -> None:
    assert vars(costs_of(CELL, gpu=50_000)) == pytest.approx(vars(fast(20e-6)))


def test_a_worker_uses_its_gpu_and_works_beside_it_in_turn() -> None:
    assert rate(COSTS) == pytest.approx(10_000)
    assert rate(fast(10e-6)) == pytest.approx(50_000)


def test_workers_that_share_a_gpu_fill_it() -> None:
    assert rate(fast(5e-6), 2) == pytest.approx(2 / 15e-6)
    assert rate(fast(5e-6), 3) == pytest.approx(1 / 5e-6)
    assert rate(fast(5e-6), 4) == pytest.approx(1 / 5e-6)


@pytest.mark.parametrize("model", [1.5e-6, 3e-6, 10e-6, 90e-6])
def test_as_few_workers_as_possible_fill_a_gpu(model: float) -> None:
    costs = fast(model)
    needed = filling(costs)
    assert rate(costs, needed) == pytest.approx(1 / model)
    assert rate(costs, needed - 1) < 0.999 / model


def test_hours_begin_with_loading() -> None:
    assert hours(COSTS, words=36_000_000, gpus=1) == pytest.approx(0.01 + 1.0)
    assert hours(COSTS, words=36_000_000, gpus=10) == pytest.approx(0.01 + 0.1)


def test_the_last_parts_keep_only_some_of_the_gpus_busy() -> None:
    part = 10_000 / 10_000 / 3600
    assert hours(COSTS, words=20_000, gpus=2) == pytest.approx(0.01 + part)
    assert hours(COSTS, words=20_001, gpus=2) == pytest.approx(0.01 + 2 * part)
    assert hours(COSTS, words=20_000, gpus=1000) == pytest.approx(0.01 + part)


def test_workers_that_share_a_gpu_take_turns() -> None:
    costs = fast(10e-6)  # a part takes each of two workers 0.2 s, and both together fill the GPU
    assert hours(costs, words=40_000, gpus=1, workers=2) == pytest.approx(0.01 + 2 * 0.2 / 3600)


def test_the_driver_its_network_and_the_storage_have_limits() -> None:
    found = limits(COSTS, storage=1e9, network=1e9)
    assert found == pytest.approx(
        {"driver": 500_000, "network of the driver": 1e9 / 20, "storage": 1e9 / 20}
    )
    sending = Costs(2e-6, 10e-6, 90e-6, 36.0, 10_000, 6.0, 40.0, 14.0)
    assert limits(sending, 1e9, 1e9)["network of the driver"] == pytest.approx(1e9 / 40)


def test_the_first_bottleneck_comes_first() -> None:
    lines = bottlenecks({"driver": 500_000, "storage": 120_000}, "GPUs", one=10_000)
    assert lines[0].startswith("The storage is full at 12 GPUs: spread")
    assert lines[1].startswith("The driver is full at 50 GPUs: start several drivers")


def test_a_row_for_each_number_of_gpus() -> None:
    full = {"driver": 500_000.0}
    lines = table(COSTS, full, "GPUs", words=36e8, price=2.0, workers=1).splitlines()
    rows = [[field.strip() for field in line.split("|")[1:-1]] for line in lines]
    assert rows[0] == [
        "GPUs",
        "words/s",
        "hours",
        "price",
        "MB/s read",
        "MB/s written",
        "driver, %",
    ]
    assert rows[2] == ["1", "10,000", "100", "200", "0.06", "0.14", "2"]
    assert rows[5] == ["1,000", "10,000,000", "0.11", "220", "60", "140", "2,000"]


def test_numbers_have_three_digits() -> None:
    assert [shown(each) for each in (1e6, 123.4, 99.94, 0.01234, 3)] == [
        "1,000,000",
        "123",
        "99.9",
        "0.0123",
        "3",
    ]


def results(*cells: dict[str, Any]) -> dict[str, Any]:
    sections = {"equality": [{"cell": "tests/test_one.py"}], "decoding": cells}
    return {"sections": [{"name": name, "cells": each} for name, each in sections.items()]}


def test_the_best_batch_of_our_decoder_counts() -> None:
    content = results(
        {"cell": "8b, batch 64, speculative", "words/s": 900.0},
        {"cell": "1b, batch 1, speculative", "words/s": 100.0},
        {"cell": "1b, batch 64, speculative", "words/s": 700.0},
        {"cell": "1b, batch 256, speculative", "error": "out of memory"},
        {"cell": "1b, batch 64, floor", "words/s": 5000.0},
    )
    assert gpu_rate(content, "1b") == 700.0
    assert gpu_rate(content, "8b") == 900.0


def test_a_shape_that_was_not_measured() -> None:
    with pytest.raises(ValueError, match="no words/s of the shape '1b'"):
        gpu_rate(results({"cell": "1b, batch 1, speculative", "sentences/s": 3.0}), "1b")


def run(folder: Path, *options: str) -> tuple[int, str]:
    """Run the command on what has been measured before."""
    path = folder / "cost.json"
    path.write_text(json.dumps([{"command": "python"}, CELL]), encoding="utf8")
    app = Typer()
    app.command()(main)
    command = ["model-best", "texts.jsonl", "--part-size", "500", "--json", str(path), *options]
    result = CliRunner().invoke(app, command)
    assert json.loads(path.read_text(encoding="utf8")) == [{"command": "python"}, CELL]
    return result.exit_code, result.output


def test_without_a_gpu_the_table_is_that_of_cpus(tmp_path: Path) -> None:
    code, output = run(tmp_path)
    assert code == 0
    assert output.startswith("| workers on CPUs | words/s |")
    assert "\n| 10 | 100,000 |" in output
    assert "There is no GPU; threads of each worker, as here: 1." in output


def test_the_rate_of_a_gpu_is_given_or_read(tmp_path: Path) -> None:
    file = tmp_path / "gpu.json"
    cell = {"cell": "1b, batch 64, speculative", "words/s": 100_000}
    file.write_text(json.dumps(results(cell)), encoding="utf8")
    code, output = run(tmp_path, "--gpu-words-per-second", "100000")
    assert code == 0
    assert output.startswith("| GPUs | words/s |")
    assert "\n| 10 | 500,000 |" in output
    assert "A GPU works 50% of the time: 2 workers fill it." in output
    assert run(tmp_path, "--gpu-json", str(file)) == (code, output)
    assert "\n| 10 | 1,000,000 |" in run(tmp_path, "--gpu-json", str(file), "--workers", "2")[1]


def test_workers_share_no_cpu(tmp_path: Path) -> None:
    code, output = run(tmp_path, "--workers", "2")
    assert code == 2 and "--workers is for a GPU" in " ".join(output.split())
