"""Whether a Ray cluster writes what one process does while its machines die, what it costs, and
whether the memory of the main process stays flat.

python benchmarks/ray_cluster.py /tmp/ray-cluster --documents 20000 --lines 2000000

The cluster has two nodes on this machine, each with a place for one worker. In the first run, one
worker is killed, and later one node. Then runs without a break are timed, in a cluster and in one
process, with one thread each: as long as nodes share the cores of one machine, there is no gain to
expect. At last, many lines go through a pipeline that does nothing.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import psutil
import spacy
import typer
from cells import RESULTS, Cells
from streaming import make_input, make_model

ADDRESS = "127.0.0.1:6399"
"""Where the head listens; not at the port that a cluster of this machine would have."""
RAY = str(Path(sys.executable).with_name("ray"))
SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""The environment of all processes. Ray listens on all interfaces, and whoever it lets in can run
any code, so the cluster has a token of its own."""


@contextmanager
def nodes(workers: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start a cluster of nodes with one CPU each, and stop it at the end."""
    _, _, port = ADDRESS.partition(":")
    head = ["--head", f"--port={port}", "--include-dashboard=false"]
    started = list[subprocess.Popen[bytes]]()
    try:
        for number in range(workers):
            where = head if number == 0 else [f"--address={ADDRESS}"]
            first = 21000 + 1000 * number
            ports = [f"--min-worker-port={first}", f"--max-worker-port={first + 900}"]
            command = [RAY, "start", *where, *ports, "--num-cpus=1", "--block"]
            command += ["--node-ip-address=127.0.0.1", "--object-store-memory=200000000"]
            output = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            started.append(subprocess.Popen(command, env={**os.environ, **SETTINGS}, **output))
            if number == 0:
                wait_for_head()
        yield started
    finally:
        for node in reversed(started):
            remove(node)


def wait_for_head() -> None:
    """Wait until the head listens, at most two minutes."""
    host, _, port = ADDRESS.partition(":")
    for _ in range(120):
        with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(1)
    raise SystemExit("the head of the cluster does not start")


def remove(node: subprocess.Popen[bytes]) -> None:
    """Kill all processes of a node at once."""
    with suppress(psutil.NoSuchProcess):
        for process in [*psutil.Process(node.pid).children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
    node.kill()
    node.wait()


def start(
    folder: Path, model: str, source: str, output: str, part_size: int, *options: str
) -> subprocess.Popen[bytes]:
    """Start `genner annotate`."""
    command = [sys.executable, "-m", "spacy", "genner", "annotate"]
    command += [str(folder / model), str(folder / source), "--output", str(folder / output)]
    command += ["--part-size", str(part_size), *options]
    environment = {**os.environ, **SETTINGS}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)


def finish(process: subprocess.Popen[bytes]) -> None:
    """Wait for a command."""
    if process.wait():
        raise SystemExit("the command has failed")


def parts_in(folder: Path) -> list[Path]:
    """Return the parts that are there."""
    return sorted(folder.glob("part-*"))


def wait_for(folder: Path, count: float, process: subprocess.Popen[bytes]) -> int:
    """Wait until that many parts are there, and return how many there are."""
    while (done := len(parts_in(folder))) < count:
        if process.poll() is not None:
            raise SystemExit("the command has ended too early")
        time.sleep(0.02)
    return done


def records(folder: Path) -> list[dict[str, Any]]:
    """Return all documents by their identifiers."""
    lines = [line for path in parts_in(folder) for line in path.read_text("utf8").splitlines()]
    return sorted(map(json.loads, lines), key=lambda record: int(record["id"]))


def actors(cluster: list[subprocess.Popen[bytes]]) -> list[psutil.Process]:
    """Return the processes of the workers on nodes."""
    processes = list[psutil.Process]()
    for node in cluster:
        processes += psutil.Process(node.pid).children(recursive=True)
    return [process for process in processes if "PartActor" in command_of(process)]


def command_of(process: psutil.Process) -> str:
    """Return the command line of a process; empty if it has just ended."""
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


def timed(process: subprocess.Popen[bytes], folder: Path) -> dict[str, float]:
    """Wait for a command, and return the seconds of all of it, and from its first part on."""
    began, first = time.perf_counter(), 0.0
    while process.poll() is None:
        if not first and parts_in(folder):
            first = time.perf_counter()
        time.sleep(0.02)
    finish(process)
    ended = time.perf_counter()
    return {"seconds": round(ended - began, 1), "after_the_first_part": round(ended - first, 1)}


def survived(folder: Path, part_size: int, count: int) -> dict[str, Any]:
    """Annotate in a cluster of which one worker and one node are killed."""
    with nodes(2) as cluster:
        options = ["--ray", ADDRESS, "--workers", "2"]
        process = start(folder, "model", "in.jsonl", "broken", part_size, *options)
        at = {"worker": wait_for(folder / "broken", count / 4, process)}
        actors(cluster)[0].send_signal(signal.SIGKILL)
        at["node"] = wait_for(folder / "broken", count / 2, process)
        remove(cluster[1])
        finish(process)
    return {
        "killed_after_parts": at,
        "equal": records(folder / "broken") == records(folder / "one"),
    }


def overhead(folder: Path, part_size: int, repeats: int) -> dict[str, Any]:
    """Time one process and a worker in a cluster, in turn."""
    results: dict[str, list[dict[str, float]]] = {"one": [], "ray": []}
    ways = {"one": [], "ray": ["--ray", ADDRESS, "--workers", "1"]}
    for number in range(repeats):
        for way in list(ways)[:: -1 if number % 2 else 1]:
            shutil.rmtree(folder / way, ignore_errors=True)
            with nodes(1 if way == "ray" else 0):
                process = start(folder, "model", "in.jsonl", way, part_size, *ways[way])
                results[way].append(timed(process, folder / way))
    pairs = list(zip(results["ray"], results["one"], strict=True))
    names = ("seconds", "after_the_first_part")
    ratios = {name: [ray[name] / one[name] - 1 for ray, one in pairs] for name in names}
    return {**results, "overhead": {name: round(median(own), 3) for name, own in ratios.items()}}


def memory(folder: Path, lines: int, part_size: int) -> dict[str, Any]:
    """Send lines through a pipeline that does nothing, and note the memory of the main process."""
    spacy.blank("xx").to_disk(folder / "nothing")
    with (folder / "lines.txt").open("w", encoding="utf8") as file:
        file.writelines(f"The line with the number {number:x}\n" for number in range(lines))
    options = ["--lines", "--ray", "local", "--workers", "1"]
    process = start(folder, "nothing", "lines.txt", "lines", part_size, *options)
    watched, count = psutil.Process(process.pid), -(-lines // part_size)
    used = dict[str, int]()
    began = time.perf_counter()
    for tenth in range(1, 10):
        wait_for(folder / "lines", count * tenth / 10, process)
        info = watched.memory_info()
        used[f"{tenth}0 %"] = round((info.rss - info.shared) / 2**20)  # without Ray's own store
    finish(process)
    seconds = round(time.perf_counter() - began, 1)
    return {"mib": used, "seconds": seconds, "parts": len(parts_in(folder / "lines"))}


def main(
    folder: Annotated[Path, typer.Argument(help="A folder for inputs and outputs.")],
    documents: Annotated[int, typer.Option(help="Short documents for the cluster.")] = 20_000,
    lines: Annotated[
        int, typer.Option(help="Lines for the pipeline that does nothing.")
    ] = 2_000_000,
    part_size: Annotated[int, typer.Option(help="Documents in a part.")] = 500,
    repeats: Annotated[int, typer.Option(help="Runs of each kind that are timed.")] = 3,
    output: Annotated[Path, typer.Option("--json", help="Results.")] = RESULTS / "ray_cluster.json",
) -> None:
    """Print the results. What is in them already is not measured again."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    cells = Cells(output)
    cell = cells.cell(what="cluster", documents=documents, part_size=part_size)
    if "equal" not in cell:
        make_model(folder)
        make_input(folder / "in.jsonl", documents, seed=0)
        cell |= overhead(folder, part_size, repeats)
        cell |= survived(folder, part_size, -(-documents // part_size))
        cells.save()
    typer.echo(json.dumps(cell, indent=1))
    cell = cells.cell(what="memory", lines=lines, part_size=10 * part_size)
    if "mib" not in cell:
        cell |= memory(folder, lines, 10 * part_size)
        cells.save()
    typer.echo(json.dumps(cell, indent=1))


if __name__ == "__main__":
    typer.run(main)
