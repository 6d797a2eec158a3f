"""What a folder of parts remembers of its run: what it is made from, and which parts are done."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from spacy import util

from ..files.checksums import sha256
from ..files.saved import reading
from ..files.writing import remove_leftovers, replacing
from .input_files import InputFile, combined, paths_in
from .inputs import Inputs
from .part import Done, PartWriter

MANIFEST = "_run.json"
"""The file that says what the parts of a folder are made from. Like those below, it has a name that
readers of whole folders leave out, such as Spark and Arrow."""
DONE = "_done.jsonl"
"""The file that names the parts that are complete, one in each line."""
_LOCK = ".lock"


def pipeline_identity(model: str) -> str:
    """Return what tells a pipeline from another one: a digest of its files. Of weights that are not
    saved with it, only the name in its config counts.

    Args:
        model: A folder, a config file, or the name of an installed package.

    Raises:
        OSError: If there is no such pipeline.
    """
    path = Path(model)
    if not path.exists():
        if not util.is_package(model):
            raise FileNotFoundError(f"there is no pipeline {model!r}: expected a path or a package")
        path = util.get_package_path(model)
    if path.is_file():
        return sha256(path)
    names = [each.relative_to(path) for each in sorted(path.rglob("*")) if each.is_file()]
    files = [InputFile.of(path / name) for name in names if "__pycache__" not in name.parts]
    return combined(files, path)


@contextmanager
def only_run(folder: Path) -> Iterator[None]:
    """Make a folder, and keep other runs out of it for the length of a block.

    Raises:
        OSError: If the folder cannot be written to.
        ValueError: If another run is writing to it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / _LOCK, timeout=0):
            yield
    except Timeout as error:
        raise ValueError(f"another run is writing to {folder}: wait for it, or stop it") from error


def begin(folder: Path, inputs: Inputs, settings: Mapping[str, Any]) -> Inputs:
    """Begin a run in a folder, or go on with the one that was begun there.

    Args:
        folder: The folder.
        inputs: The input as it is now.
        settings: What else the result depends on, by name, as JSON values.

    Returns:
        The input as it was when the run began: what has been added since is left out.

    Raises:
        ValueError: If the run in the folder has another input or other settings.
        ValueError: If the folder lies in that of the input, or holds parts of no known run.
        OSError: If a file of the input is missing, or the manifest cannot be written.
    """
    path = folder / MANIFEST
    settings = {"input": inputs.path.resolve().name, **settings}
    if path.exists():
        with reading(path, "give another output folder"):
            begun = json.loads(path.read_bytes())
            files = begun["files"].items()
            former = tuple(InputFile(inputs.root / name, *file) for name, file in files)
        refuse_others(folder, begun, settings)
        for file in former:
            file.check()
        return replace(inputs, files=former)
    _refuse_mixtures(folder, inputs)
    named = {file.path.relative_to(inputs.root).as_posix(): file for file in inputs.files}
    files = {name: [file.size, file.digest] for name, file in named.items()}
    remove_leftovers(path)
    with replacing(path) as new:
        new.write_text(json.dumps({**settings, "files": files}, indent=1), encoding="utf8")
    return inputs


def _refuse_mixtures(folder: Path, inputs: Inputs) -> None:
    """Check that parts will not be among inputs, nor among files that are not parts of the run."""
    if inputs.path.is_dir() and folder.resolve().is_relative_to(inputs.path.resolve()):
        raise ValueError(f"{folder} is in the input folder: give another output folder")
    if foreign := sorted(folder.glob("part-*")):
        raise ValueError(
            f"{foreign[0]} is there, but no {MANIFEST} that says of which run: give another "
            "output folder, or remove such files"
        )


def refuse_others(
    folder: Path | str, begun: Mapping[str, Any], settings: Mapping[str, Any]
) -> None:
    """Check that a run has the settings that one in the same folder has begun with.

    Raises:
        ValueError: If it has others.
    """
    for name, value in settings.items():
        if begun.get(name) != value:
            raise ValueError(
                f"{folder} holds a run with {name} = {begun.get(name)!r}, not {value!r}: give "
                "another output folder, or the same input and settings"
            )


def read_done(folder: Path, writer: PartWriter) -> dict[int, Done]:
    """Return the parts of a run that are complete, by their numbers.

    A part that is not listed, because the process was killed just then, or whose file has been
    deleted, counts as missing.

    Raises:
        ValueError: If a file is not what was written.
    """
    path, done = folder / DONE, dict[int, Done]()
    content = path.read_bytes() if path.exists() else b""
    *lines, cut = content.split(b"\n")
    if cut:  # the process was killed while it wrote this line
        with replacing(path) as new:
            new.write_bytes(content.removesuffix(cut))
    with reading(path, "delete it, and all parts are written again"):
        listed = [Done(**json.loads(line)) for line in lines]
    for part in listed:
        if writer.path(part.number).exists():
            done[part.number] = part
    for part in done.values():
        if sha256(writer.path(part.number)) != part.sha256:
            raise ValueError(
                f"{writer.path(part.number)} is damaged: it is not what was written. Delete it and "
                "run the command again, and it is written again"
            )
    return done


def add_done(folder: Path, part: Done) -> None:
    """Add a part to those that are complete.

    Raises:
        OSError: If the file cannot be written.
    """
    with (folder / DONE).open("a", encoding="utf8", newline="\n") as file:
        file.write(f"{json.dumps(part._asdict())}\n")


def added(inputs: Inputs) -> list[str]:
    """Return what has been added to the input since the run began, in words. It was not read.

    Raises:
        OSError: If the input is not there any more.
    """
    found = list[str]()
    for file in inputs.files:
        if (now := file.path.stat().st_size) > file.size:
            found.append(
                f"{file.path} has grown from {file.size:,} to {now:,} bytes since the run began; "
                "what was appended is not annotated"
            )
    if inputs.path.is_dir():
        known = {file.path for file in inputs.files}
        found += [
            f"{path} is new since the run began, and is not annotated"
            for path in paths_in(inputs.path)
            if path not in known
        ]
    return found
