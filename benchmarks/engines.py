"""The same trained pipeline on several engines: what it finds, how fast, and in how much memory.

python benchmarks/engines.py training/genia/model-best corpus/genia/test.spacy
    --vllm VENV/bin/python --llama-cpp VENV/bin/python

Each engine runs in a process of its own, with a Python that has it; engines without a Python are
left out. llama.cpp gets a GGUF file that `benchmarks/systems/gguf_file.py` writes, so only models
of the Llama family can be compared.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from cells import RESULTS, Cell, Cells
from engine_worker import peak
from systems.gguf_file import write_gguf
from trainings import genner
from transformers import AutoModelForCausalLM, AutoTokenizer
from vllm_serving import BLOCK_SIZE, Server

HERE = Path(__file__).parent
KINDS = ("F32", "Q8_0", "Q4_0")
OWN = {f"Hugging Face, {dtype}": dtype for dtype in ("float32", "bfloat16")}
"""The engine of this package; the first one is what the others are compared with."""
STARTED = "that of a server which is started for it"


def main(
    model: Annotated[Path, typer.Argument(help="A trained pipeline.")],
    test: Annotated[Path, typer.Argument(help="Its test data, .spacy.")],
    vllm: Annotated[Path | None, typer.Option(help="A Python with vLLM.")] = None,
    llama_cpp: Annotated[Path | None, typer.Option(help="A Python with llama-cpp-python.")] = None,
    dtype: Annotated[str, typer.Option(help="That of vLLM.")] = "float32",
    limit: Annotated[int, typer.Option(help="Documents.")] = 300,
    only: Annotated[str, typer.Option(help="A part of the names of the engines to run.")] = "",
    folder: Annotated[Path, typer.Option(help="For merged weights and GGUF files.")] = RESULTS
    / "engines",
    output: Annotated[Path, typer.Option("--json", help="Results.")] = RESULTS / "engines.json",
) -> None:
    """Print a table. What is in the results already is not measured again."""
    folder = folder / model.resolve().parent.name
    merged = folder / "merged"
    if not merged.exists():
        genner("merge", model, merged)
    sections = {
        name: (Path(sys.executable), plain(merged, own_dtype)) for name, own_dtype in OWN.items()
    }
    if vllm:
        served = {"@misc": "spacy_genner.VLLM.v1", "name": str(merged.resolve())}
        settings = {"enforce_eager": True, "disable_log_stats": True, "block_size": BLOCK_SIZE}
        process = {"dtype": dtype, "settings": settings}
        sections[f"vLLM in process, {dtype}"] = vllm, served | process
        sections[f"vLLM server, {dtype}"] = vllm, served | {"url": STARTED}
    if llama_cpp:
        for kind in KINDS:
            file = quantised(merged, folder / f"{kind}.gguf", llama_cpp)
            lm = {"@misc": "spacy_genner.LlamaCpp.v1", "name": str(file.resolve())}
            sections[f"llama.cpp, {kind}"] = llama_cpp, lm
    cells, done = Cells(output), list[Cell]()
    for name, (python, lm) in sections.items():
        key = {"engine": name, "model": str(model), "test": str(test), "limit": limit}
        cell = cells.cell(**key)
        if "f" not in cell and only in name:
            with served_by(python, merged, lm, dtype) as (section, memory):
                cell |= measured(python, model, test, section, limit, folder)
                cell["peak"] += memory()
            cells.save()
            typer.echo(f"{name}: {cell['alone']:.1f} documents a second alone")
        if "f" in cell:
            done.append(cell)
    typer.echo(table(done))


def plain(folder: Path, dtype: str) -> dict[str, Any]:
    """Return the section [model.lm] of this package's engine for the model in a folder."""
    section = {"@misc": "spacy_genner.CausalLM.v1", "name": str(folder.resolve()), "dtype": dtype}
    return section | {"tuning": {"@misc": "spacy_genner.NoTuning.v1"}}


def measured(
    python: Path, model: Path, test: Path, lm: Mapping[str, Any], limit: int, folder: Path
) -> Cell:
    """Run an engine in a process of its own."""
    result = folder / "result.json"
    worker = [HERE / "engine_worker.py", model, test, json.dumps(lm), result, "--limit", limit]
    subprocess.run([python, *map(str, worker)], check=True)
    found: Cell = json.loads(result.read_text(encoding="utf8"))
    return found


@contextmanager
def served_by(
    python: Path, merged: Path, lm: Mapping[str, Any], dtype: str
) -> Iterator[tuple[Mapping[str, Any], Callable[[], float]]]:
    """Start the server that a language model needs, if it needs one, and stop it at the end.

    Yields:
        The section [model.lm] with the address of the server, and a function that returns the most
        memory that the server has held, in MiB.
    """
    if lm.get("url") != STARTED:
        yield lm, lambda: 0.0
        return
    server = Server(python, merged, dtype)
    try:
        yield {**lm, "url": server.url}, lambda: peak(server.pid)
    finally:
        server.kill()


def quantised(merged: Path, path: Path, python: Path) -> Path:
    """Return a GGUF file of merged weights, which is written if it is not there."""
    full = path.with_name(f"{KINDS[0]}.gguf")
    if not full.exists():
        model: Any = AutoModelForCausalLM.from_pretrained(merged)
        write_gguf(model, AutoTokenizer.from_pretrained(merged), full)
    if not path.exists():
        subprocess.run([python, HERE / "quantise.py", full, path, path.stem], check=True)
    return path


def table(cells: list[Cell]) -> str:
    """Return the results as a Markdown table."""
    rows = [
        "| engine | F1 | documents that differ | alone, a second | in batches | MiB | requests |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for cell in cells:
        best = max(cell["together"], cell.get("large", 0.0))
        numbers = [f"{100 * cell['f']:.1f}", differing(cell, cells[0])]
        numbers += [f"{cell['alone']:.1f}", f"{best:.1f}", f"{cell['peak']:,.0f}"]
        asked = f"{cell['requests']:.1f}" if "requests" in cell else "–"
        rows.append(f"| {' | '.join([cell['engine'], *numbers, asked])} |")
    return "\n".join(rows)


def differing(cell: Cell, reference: Cell) -> str:
    """Return how many documents have other spans than in the cell of the reference, if that is
    there."""
    if cell is reference or reference["engine"] != next(iter(OWN)):
        return "–"
    pairs = zip(cell["spans"], reference["spans"], strict=True)
    return f"{sum(bare(one) != bare(other) for one, other in pairs)} of {cell['documents']}"


def bare(spans: list[list[Any]]) -> list[list[Any]]:
    """Return spans without their scores."""
    return [span[:3] for span in spans]


if __name__ == "__main__":
    typer.run(main)
