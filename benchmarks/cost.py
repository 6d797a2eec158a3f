"""What `genner annotate` costs for many words on up to 1,000 GPUs, and what is full first.

python benchmarks/cost.py training/mine/model-best SAMPLE --price 2.5

The sample is any input of `genner annotate`. With it, the seconds of each stage are measured on
this machine; those of the model can be replaced by the rate of a GPU. Words are spaCy's tokens.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from cells import RESULTS, Cell, Cells
from stage_costs import DRIVER, WORKER, measured

COUNTS = (1, 10, 100, 1000)
SEVERAL = "start several drivers, each with a folder of the input and of the parts of its own"
SPREAD = "spread the input and the parts over several disks or buckets"
ADVICE = {"driver": SEVERAL, "network of the driver": SEVERAL, "storage": SPREAD}
"""What is shared by all GPUs, and what to do when it is full."""


@dataclass(frozen=True)
class Costs:
    """What a word costs, and what a worker costs before its first word.

    Attributes:
        driver: Seconds of the driver: it reads the input, sends parts to workers on other machines,
            and writes what they send back.
        cpu: Seconds of a worker in which it does not use its GPU.
        model: Seconds of the GPU.
        load: Seconds until a worker has loaded the pipeline.
        part: The number of words in a part.
        input: Bytes that the driver reads.
        message: Bytes that it sends to workers.
        output: Bytes that it receives from them, and writes.
    """

    driver: float
    cpu: float
    model: float
    load: float
    part: float
    input: float
    message: float
    output: float


def costs_of(cell: Cell, gpu: float | None = None) -> Costs:
    """Return the costs that were measured.

    Args:
        cell: See `measured`.
        gpu: The words per second of another GPU that never waits; None: as measured.
    """
    seconds = {stage: 1e-6 * value for stage, value in cell["microseconds"].items()}
    return Costs(
        driver=sum(seconds[stage] for stage in DRIVER),
        cpu=sum(seconds[stage] for stage in WORKER),
        model=1 / gpu if gpu else seconds["model"],
        load=cell["load"],
        part=cell["words"] * cell["part_size"],
        **cell["bytes"],
    )


def rate(costs: Costs, workers: int = 1) -> float:
    """Return the words per second of a GPU that workers share. Each uses it and does the rest of
    its work in turn."""
    return min(1 / costs.model, workers / (costs.model + costs.cpu))


def filling(costs: Costs) -> int:
    """Return how many workers there must be on a GPU so that it never waits."""
    return math.ceil(1 + costs.cpu / costs.model)


def hours(costs: Costs, words: float, gpus: int, workers: int = 1) -> float:
    """Return the hours from the start of the workers to the end of the last part."""
    parts_of_each = math.ceil(math.ceil(words / costs.part) / (gpus * workers))
    seconds_of_part = costs.part * workers / rate(costs, workers)
    return (costs.load + parts_of_each * seconds_of_part) / 3600


def limits(costs: Costs, storage: float, network: float) -> dict[str, float]:
    """Return the words per second at which each of `ADVICE` is full.

    Args:
        costs: What a word costs.
        storage: The bytes per second that the storage reads and writes together.
        network: The bytes per second that the driver can receive, the input included, and send at
            the same time.
    """
    return {
        "driver": 1 / costs.driver,
        "network of the driver": network / max(costs.input + costs.output, costs.message),
        "storage": storage / (costs.input + costs.output),
    }


def gpu_rate(content: Mapping[str, Any], shape: str) -> float:
    """Return the words per second of our decoder in its best batch.

    Args:
        content: The gpu.json of benchmarks/gpu.py.
        shape: The shape of the network.

    Raises:
        ValueError: If it was not measured.
    """
    cells = next(each["cells"] for each in content["sections"] if each["name"] == "decoding")
    own = [cell for cell in cells if re.match(rf"{shape}, .*, speculative", cell["cell"])]
    rates: list[float] = [cell["words/s"] for cell in own if "words/s" in cell]
    if not rates:
        raise ValueError(f"it has no words/s of the shape {shape!r}: run benchmarks/gpu.py again")
    return max(rates)


def table(
    costs: Costs, full: Mapping[str, float], unit: str, words: float, price: float, workers: int
) -> str:
    """Return a Markdown table with a row for each number of GPUs."""
    names = [unit, "words/s", "hours", "price", "MB/s read", "MB/s written"]
    rows = [[*names, *(f"{name}, %" for name in full)], ["---:"] * (len(names) + len(full))]
    for gpus in COUNTS:
        speed, time = gpus * rate(costs, workers), hours(costs, words, gpus, workers)
        numbers = [gpus, speed, time, gpus * time * price]
        numbers += [1e-6 * speed * costs.input, 1e-6 * speed * costs.output]
        rows.append([shown(each) for each in [*numbers, *(100 * speed / n for n in full.values())]])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def bottlenecks(full: Mapping[str, float], unit: str, one: float) -> list[str]:
    """Return at how many GPUs each of `ADVICE` is full, and what to do then, the first one first.

    Args:
        full: See `limits`.
        unit: The name of GPUs.
        one: The words per second of one of them.
    """
    return [
        f"The {name} is full at {shown(math.floor(limit / one))} {unit}: {ADVICE[name]}."
        for name, limit in sorted(full.items(), key=lambda item: item[1])
    ]


def shown(value: float) -> str:
    """Return a number with at least three digits, if it has so many."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def main(
    model: Annotated[Path, typer.Argument(help="A trained pipeline.")],
    texts: Annotated[Path, typer.Argument(help="A sample of the input, as of `annotate`.")],
    part_size: Annotated[int, typer.Option(help="Number of documents in a part.")] = 1000,
    annotated: Annotated[int, typer.Option(help="Number that each of the runs annotates.")] = 20,
    gpu: Annotated[float | None, typer.Option("--gpu-words-per-second", help="Of one GPU.")] = None,
    gpu_json: Annotated[Path | None, typer.Option(help="That of benchmarks/gpu.py.")] = None,
    shape: Annotated[str, typer.Option(help="The network in gpu.json.")] = "1b",
    workers: Annotated[int, typer.Option(min=1, help="Workers that share a GPU.")] = 1,
    price: Annotated[float, typer.Option(help="Of a GPU and its cores, per hour.")] = 1.0,
    words: Annotated[float, typer.Option(help="Number of words of the whole input.")] = 1e9,
    storage: Annotated[float, typer.Option(help="MB/s that it reads and writes.")] = 1000,
    network: Annotated[float, typer.Option(help="MB/s of the driver, each way.")] = 1250,
    again: Annotated[bool, typer.Option(help="Measure what has been measured before.")] = False,
    output: Annotated[Path, typer.Option("--json", help="Results.")] = RESULTS / "cost.json",
) -> None:
    """Print a table. What is in the results already is not measured again."""
    cells = Cells(output)
    cell = cells.cell(model=str(model), texts=str(texts), part_size=part_size, annotated=annotated)
    if again or "load" not in cell:
        cell |= measured(model, texts, part_size, annotated)
        cells.save()
    if gpu_json:
        gpu = gpu_rate(json.loads(gpu_json.read_text(encoding="utf8")), shape)
    costs, on_cpu = costs_of(cell, gpu), gpu is None and cell["device"] == "cpu"
    if on_cpu and workers > 1:
        raise typer.BadParameter("--workers is for a GPU: none was given, or found here")
    unit = "workers on CPUs" if on_cpu else "GPUs"
    full, one = limits(costs, 1e6 * storage, 1e6 * network), rate(costs, workers)
    lines = [table(costs, full, unit, words, price, workers), "", *bottlenecks(full, unit, one)]
    lines.append(f"Beside the model, {one * costs.cpu:.2g} cores are busy for each of the {unit}.")
    busy = f"A GPU works {one * costs.model:.0%} of the time: {filling(costs)} workers fill it."
    lines.append(
        f"There is no GPU; threads of each worker, as here: {cell['threads']}." if on_cpu else busy
    )
    typer.echo("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
