"""What only a GPU can tell, in a few minutes, with random networks of true shape that replay a
recording.

python benchmarks/gpu.py --output benchmarks/results/h100
"""

import faulthandler
import time
from pathlib import Path
from typing import Annotated

import psutil
import torch
import typer
from boxes import fill
from environment import environment
from report import Report
from sections import SECTIONS
from sections.setting import Setting
from systems.recorded import Recorded
from systems.recording_file import load
from systems.shaped import SHAPES

RECORDING = Path(__file__).parent / "recording.json.gz"
BEGUN = psutil.Process().create_time()
"""Imports count."""


def on_gpu(recorded: Recorded, shapes: list[str]) -> Setting:
    """True shapes, in bfloat16."""
    return Setting(
        recorded,
        device=torch.device("cuda", 0),
        dtype=torch.bfloat16,
        shapes=shapes,
        batches=[64, 1, 256, 16, 1024],
        written=[64, 1],
        few=8,
        step=16,
        scarce=[shape for shape in reversed(shapes) if shape != "8b"],
        decoded=256,
        rows=[1, 4, 16, 64, 256],
        lengths=[1, 8, 32, 64],
    )


def tiny(recorded: Recorded) -> Setting:
    """All that there is to do, on a CPU, in small."""
    return Setting(
        recorded,
        device=torch.device("cpu"),
        dtype=torch.float32,
        shapes=["tiny"],
        batches=[2, 1],
        written=[1],
        few=2,
        step=2,
        scarce=["tiny"],
        decoded=6,
        rows=[1, 4],
        lengths=[1, 8],
    )


def main(
    output: Annotated[Path, typer.Option(help="A folder for gpu.json and gpu.md")],
    minutes: Annotated[
        float, typer.Option(min=1, help="All of it, imports included, takes no longer")
    ] = 8,
    shape: Annotated[list[str] | None, typer.Option(help="135m, 1b, 8b; all if not given")] = None,
    recording: Annotated[
        Path, typer.Option(help="Made by benchmarks/record.py", exists=True)
    ] = RECORDING,
    commit: Annotated[
        str | None, typer.Option(help="What is measured, where git cannot say it")
    ] = None,
    small: Annotated[
        bool, typer.Option("--tiny", help="A tiny network on a CPU, to see whether it runs")
    ] = False,
) -> None:
    """Do all sections in turn, each in its share of the time; results are written as they come."""
    if unknown := set(shape or ()) - SHAPES.keys():
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: choose from {', '.join(SHAPES)}")
    if not (small or torch.cuda.is_available()):
        raise typer.BadParameter("torch finds no GPU here: --tiny runs on a CPU")
    seconds = 60 * minutes
    faulthandler.dump_traceback_later(BEGUN + seconds - time.time(), exit=True)  # whatever hangs
    torch.manual_seed(0)
    recorded = load(recording)
    setting = tiny(recorded) if small else on_gpu(recorded, shape or ["1b", "8b", "135m"])
    report = Report(output, environment(setting.device, commit))
    for name, section in SECTIONS.items():
        start = time.time()
        report.begin(name, section.about)
        left_out = fill(section.cells(setting), BEGUN + section.end * seconds, report.tell)
        report.end(time.time() - start, left_out)
    faulthandler.cancel_dump_traceback_later()
    typer.echo((output / "gpu.md").read_text(encoding="utf8"))


if __name__ == "__main__":
    typer.run(main)
