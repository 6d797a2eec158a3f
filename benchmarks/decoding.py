"""How fast sentences are decoded, by us and by others with the same weights: time, passes, memory, F1.

python benchmarks/decoding.py training/genia/model-best corpus/genia/test.spacy --batch 1 --batch 8 --batch 32
"""

from pathlib import Path
from typing import Annotated

import torch
import typer
from cells import Cells
from systems import ALONE, SYSTEMS
from table import table
from trials import Trials


def main(
    model: Annotated[str, typer.Argument(help="A folder with a trained pipeline")],
    test: Annotated[Path, typer.Argument(help="Its test data, a .spacy file", exists=True)],
    limit: Annotated[int, typer.Option(help="How many sentences; 0: all")] = 300,
    output: Annotated[Path, typer.Option("--json", help="Results; what is there already is not measured again")] = Path(
        "benchmarks/out/decoding.json"
    ),
    systems: Annotated[str, typer.Option(help="Their names, with commas between them")] = ",".join(SYSTEMS),
    batch: Annotated[list[int] | None, typer.Option(help="Sentences at once; 1, 8 and 32 if not given")] = None,
    repeats: Annotated[int, typer.Option(help="How often each is timed; the median counts")] = 5,
    dtype: Annotated[str, typer.Option(help="bfloat16 or float32")] = "bfloat16",
    threads: Annotated[int | None, typer.Option(help="Of torch and llama.cpp; as torch chooses if not given")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda:0")] = "auto",
    pipeline: Annotated[list[str] | None, typer.Option(help="Another spaCy pipeline to time: NAME=FOLDER")] = None,
) -> None:
    """Time all systems at all batch sizes in turn, as often as wanted, and print one Markdown table."""
    if threads:
        torch.set_num_threads(threads)
    pipelines = dict(item.split("=", 1) for item in pipeline or ())
    names = [*(name for name in systems.split(",") if name), *pipelines]
    if unknown := set(names) - SYSTEMS.keys() - pipelines.keys():
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: choose from {', '.join(SYSTEMS)}")
    cells, warm = Cells(output), set[int]()
    common = {"data": str(test), "limit": limit, "dtype": dtype, "threads": torch.get_num_threads(), "device": device}
    todo = [
        cells.cell(system=name, batch=size, model=pipelines.get(name, model), **common)
        for name in names
        for size in ([1] if name in ALONE else batch or [1, 8, 32])
    ]
    trials = Trials(model, test, limit, dtype, device, pipelines)
    for repeat in range(repeats):
        for cell in todo:
            seconds = cell.setdefault("seconds", [])
            if len(seconds) > repeat or not (system := trials.system(cell["system"])):
                continue
            try:
                if id(cell) not in warm:
                    cell |= trials.warm_up(system, cell["batch"])
                    warm.add(id(cell))
                took, output = trials.run(system, cell["batch"])
            except torch.OutOfMemoryError:
                typer.echo(f"{cell['system']} at batch {cell['batch']}: out of memory")
                continue
            seconds.append(took)
            cell |= trials.result(system, output)
            cells.save()
            typer.echo(f"{cell['system']} at batch {cell['batch']}: {took:.1f} s")
    typer.echo(table(todo))


if __name__ == "__main__":
    typer.run(main)
