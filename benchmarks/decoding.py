"""How fast sentences are decoded, by us and by others with the same weights: time, passes, memory,
F1.

python benchmarks/decoding.py training/genia/model-drafts corpus/genia/test.spacy
"""

from pathlib import Path
from typing import Annotated

import torch
import typer
from cells import Cells
from systems import ALONE, SCRIPTED, SYSTEMS
from systems.shaped import SHAPES
from table import table
from trials import Trials


def main(
    model: Annotated[str, typer.Argument(help="A folder with a trained pipeline")],
    test: Annotated[Path, typer.Argument(help="Its test data, a .spacy file", exists=True)],
    limit: Annotated[int, typer.Option(help="How many sentences; 0: all")] = 300,
    output: Annotated[
        Path, typer.Option("--json", help="Results; what is there already is not measured again")
    ] = Path("benchmarks/out/decoding.json"),
    systems: Annotated[
        str | None, typer.Option(help="Their names, with commas between them; else all")
    ] = None,
    batch: Annotated[
        list[int] | None, typer.Option(help="Sentences at once; 1, 8 and 32 if not given")
    ] = None,
    parts: Annotated[
        int,
        typer.Option(
            help="The sentences are dealt into parts, each timed by itself; the median counts"
        ),
    ] = 5,
    dtype: Annotated[str, typer.Option(help="bfloat16 or float32")] = "bfloat16",
    threads: Annotated[
        int | None, typer.Option(help="Of torch and llama.cpp; as torch chooses if not given")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda:0")] = "auto",
    shape: Annotated[
        str | None,
        typer.Option(
            help=(
                "135m, 1b, 8b: time a network of this size, with random weights and the same "
                "decisions"
            )
        ),
    ] = None,
    pipeline: Annotated[
        list[str] | None, typer.Option(help="Another spaCy pipeline to time: NAME=FOLDER")
    ] = None,
) -> None:
    """Time all systems at all batch sizes in turn, part by part, and print one Markdown table."""
    if threads:
        torch.set_num_threads(threads)
    pipelines = dict(item.split("=", 1) for item in pipeline or ())
    known = SCRIPTED if shape else SYSTEMS
    names = [*(systems.split(",") if systems else known), *pipelines]
    if unknown := set(names) - known.keys() - pipelines.keys():
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: choose from {', '.join(known)}")
    if shape and shape not in SHAPES:
        raise typer.BadParameter(f"{shape}: choose from {', '.join(SHAPES)}")
    cells, warm = Cells(output), set[int]()
    common = {
        "data": str(test),
        "limit": limit,
        "of": parts,
        "dtype": dtype,
        "threads": torch.get_num_threads(),
        "device": device,
        "shape": shape,
    }
    todo = [
        cells.cell(system=name, batch=size, model=pipelines.get(name, model), **common)
        for name in names
        for size in ([1] if name in ALONE else batch or [1, 8, 32])
    ]
    trials = Trials(model, test, limit, parts, dtype, device, shape, pipelines)
    for part in range(parts):
        for cell in todo:
            runs = cell.setdefault("runs", [])
            if len(runs) > part or not (system := trials.system(cell["system"])):
                continue
            try:
                if id(cell) not in warm:
                    cell |= trials.warm_up(system, cell["batch"])
                    warm.add(id(cell))
                runs.append(trials.run(system, cell["batch"], part))
            except torch.OutOfMemoryError:
                typer.echo(f"{cell['system']} at batch {cell['batch']}: out of memory")
                continue
            cell |= trials.quality(system, runs)
            cells.save()
            typer.echo(f"{cell['system']} at batch {cell['batch']}: {runs[-1]['seconds']:.1f} s")
    typer.echo(table(todo))


if __name__ == "__main__":
    typer.run(main)
