"""Parquet files, annotated part by part on many machines."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from spacy.language import Language

from ..annotating.ray_workers import import_ray
from ..annotating.run_record import MANIFEST, pipeline_identity, refuse_others
from .piece_writer import NEW, PieceWriter
from .pieces import Piece, file_system, pieces_of


class Shared(NamedTuple):
    """What came of `annotate_parquet`.

    Attributes:
        rows: How many rows were annotated or failed in this call.
        failed: How many of them failed. Their column `error` says why.
        before: How many parts an earlier call had written.
        missing: The parts that could not be written, because their workers died again and again.
            The next call tries them again.
    """

    rows: int
    failed: int
    before: int
    missing: list[str]


def annotate_parquet(
    source: str,
    target: str,
    pipeline: str | Path | Callable[[], Language],
    *,
    text_field: str = "text",
    spans_key: str = "sc",
    batch_size: int | None = None,
    part_rows: int = 10_000,
    workers: int = 1,
    cpus: float = 1,
    gpus: float = 0,
) -> Shared:
    """Annotate the rows of Parquet files in the Ray cluster that the program is connected to, or on
    this machine.

    Each part of the target is some rows of a row group of a file. A second call writes the parts
    that are missing, and those of files that have been added.

    Args:
        source: A file or a folder, in a file system that all machines share: a path, or a URL that
            pyarrow knows, such as `s3://bucket/folder`.
        target: The folder for the parts, likewise.
        pipeline: See `Annotator`.
        text_field: See `Annotator`.
        spans_key: See `Annotator`.
        batch_size: See `Annotator`.
        part_rows: At most how many rows a part has.
        workers: The number of actors.
        cpus: The number of CPUs of each.
        gpus: The number of GPUs of each; a fraction if several share one.

    Raises:
        ValueError: If the target holds parts that were made with other settings, or of files that
            have changed since; or if a file has no column with the text.
        OSError: If a file cannot be read or written.
        ImportError: If Ray is not installed.
    """
    import_ray()
    from ray import data

    settings = {
        "pipeline": None if callable(pipeline) else pipeline_identity(str(pipeline)),
        "text_field": text_field,
        "spans_key": spans_key,
        "batch_size": batch_size,
        "part_rows": part_rows,
    }
    pieces = list(pieces_of(source, text_field, part_rows))
    done = _begin(target, settings, pieces)
    todo = [piece._asdict() for piece in pieces if piece.part not in done]
    if not todo:
        return Shared(0, 0, len(pieces), [])
    found = data.from_items(todo, override_num_blocks=len(todo)).map_batches(
        PieceWriter,
        fn_constructor_args=(source, target, pipeline, text_field, spans_key, batch_size),
        batch_size=1,
        compute=data.ActorPoolStrategy(
            min_size=1, max_size=min(workers, len(todo)), max_tasks_in_flight_per_actor=1
        ),
        num_cpus=cpus,
        num_gpus=gpus,
    )
    rows = list(found.iter_rows())
    missing = sorted(row["part"] for row in rows if row["missing"])
    count, failed = (sum(row[name] for row in rows) for name in ("rows", "failed"))
    return Shared(count, failed, len(pieces) - len(todo), missing)


def _begin(target: str, settings: Mapping[str, Any], pieces: Sequence[Piece]) -> set[str]:
    """Note in the target what its parts are made from, and return the names of those that it has.

    Raises:
        ValueError: If it has parts that are made from something else.
        OSError: If it cannot be written to.
    """
    from pyarrow.fs import FileSelector

    files, folder = file_system(target)
    files.create_dir(folder)
    names = {str(info.base_name) for info in files.get_file_info(FileSelector(folder))}
    sizes = {piece.path: piece.size for piece in pieces}
    manifest = f"{folder}/{MANIFEST}"
    if MANIFEST in names:
        with files.open_input_file(manifest) as file:
            begun = json.loads(file.read())
        refuse_others(target, begun, settings)
        former = begun["files"]
        if changed := [path for path, size in former.items() if sizes.get(path, size) != size]:
            raise ValueError(
                f"{changed[0]} is not what {target} was made from: give another target"
            )
        sizes = {**former, **sizes}
    if NEW in names:  # writers were killed
        files.delete_dir(f"{folder}/{NEW}")
    with files.open_output_stream(manifest) as file:
        file.write(json.dumps({**settings, "files": sizes}, indent=1).encode())
    return names
