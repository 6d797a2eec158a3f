"""Any spaCy pipeline on many machines, by Ray Data (the extra `ray`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import uuid4

import spacy
from spacy.language import Language

from .annotating.annotate import Row, annotate
from .annotating.crew import ATTEMPTS
from .annotating.inputs import Input
from .annotating.outputs import plain
from .annotating.parquet_files import import_pyarrow, spans_type
from .annotating.ray_workers import import_ray
from .annotating.run_record import MANIFEST, pipeline_identity, refuse_others
from .annotating.tables import check_columns
from .evaluation.spans import read_own_spans

_NEW = "_new"
"""The folder, inside the target, of files that are being written. Those of a part are in a folder
with its name; each writer that was killed has left one."""


class Annotator:
    """A pipeline for `Dataset.map_batches`, which loads it once in each actor.

    A batch keeps its columns, and gets two more: `spans`, as `genner annotate` writes them, and
    `error`, why a row could not be annotated, which is null if it could.

    Args:
        pipeline: The folder or the name of the pipeline, which all machines must have, or a
            function that returns it.
        text_field: The column that has the text.
        spans_key: The key of the spans in `doc.spans`; `doc.ents` where a document lacks it.
        batch_size: The number of documents in a batch of the pipeline; None for its own.
    """

    def __init__(
        self,
        pipeline: str | Path | Callable[[], Language],
        text_field: str = "text",
        spans_key: str = "sc",
        batch_size: int | None = None,
    ) -> None:
        self._nlp = pipeline() if callable(pipeline) else spacy.load(pipeline)
        self._text_field = text_field
        self._spans_key = spans_key
        self._batch_size = batch_size

    def __call__(self, batch: Any) -> Any:
        """Return a batch with `spans` and `error`, as a table of pyarrow.

        Args:
            batch: A table of pyarrow, or the values of each column by its name.

        Raises:
            ValueError: If there is no column with the text.
        """
        arrow, _ = import_pyarrow()
        if isinstance(batch, Mapping):
            batch = arrow.table({name: arrow.array(list(batch[name])) for name in batch})
        check_columns(batch.column_names, self._text_field, "the batch")
        added = [name for name in ("spans", "error") if name in batch.column_names]
        batch = batch.drop_columns(added)
        spans: list[Any] = [None] * batch.num_rows
        errors: list[str | None] = [None] * batch.num_rows
        inputs = [
            Input.of(i, f"row {i}", row, self._text_field)
            for i, row in enumerate(batch.to_pylist())
        ]
        with self._nlp.memory_zone():
            for result in annotate(self._nlp, inputs, self._batch_size):
                if isinstance(result, Row):
                    found = read_own_spans(result.doc, self._spans_key)
                    spans[result.input.position] = plain(result, found)["spans"]
                else:
                    errors[result.input.position] = result.reason
        batch = batch.append_column("spans", arrow.array(spans, spans_type()))
        return batch.append_column("error", arrow.array(errors, arrow.string()))


class Piece(NamedTuple):
    """Rows of a Parquet file that are annotated as one part.

    Attributes:
        path: The file, in its file system.
        size: Its size in bytes.
        group: The number of the row group.
        start: The first row in that.
        rows: The number of rows.
        part: The name of the file that they are written to.
    """

    path: str
    size: int
    group: int
    start: int
    rows: int
    part: str


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
    pieces = list(_pieces(source, text_field, part_rows))
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


class PieceWriter:
    """What writes parts in an actor of `annotate_parquet`.

    Args:
        source: Where the rows are.
        target: The folder for the parts.
        settings: Those of an `Annotator`.
    """

    def __init__(self, source: str, target: str, *settings: Any) -> None:
        self._files, _ = _place(source)
        self._target, self._folder = _place(target)
        self._annotate = Annotator(*settings)

    def __call__(self, pieces: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Write a part: all of it or, after `ATTEMPTS` deaths at it, nothing. Ray Data would start
        dead actors again without end.

        Args:
            pieces: The fields of one `Piece`, each in an array.

        Raises:
            OSError: If a file cannot be read or written.
        """
        from pyarrow.fs import FileSelector

        _, parquet = import_pyarrow()
        piece = Piece(*(pieces[name][0] for name in Piece._fields))
        folder = f"{self._folder}/{_NEW}/{piece.part}"
        self._target.create_dir(folder)
        if len(self._target.get_file_info(FileSelector(folder))) >= ATTEMPTS:
            return {"part": [str(piece.part)], "rows": [0], "failed": [0], "missing": [True]}
        new = f"{folder}/{uuid4().hex}"
        self._target.open_output_stream(new).close()
        table = self._annotate(self._read(piece))
        parquet.write_table(table, new, filesystem=self._target)
        self._target.move(new, f"{self._folder}/{piece.part}")
        self._target.delete_dir(folder)
        counts = {"rows": table.num_rows, "failed": table.num_rows - table["error"].null_count}
        return {
            "part": [str(piece.part)],
            **{k: [n] for k, n in counts.items()},
            "missing": [False],
        }

    def _read(self, piece: Piece) -> Any:
        _, parquet = import_pyarrow()
        with self._files.open_input_file(str(piece.path)) as file:
            group = parquet.ParquetFile(file).read_row_group(int(piece.group))
        return group.slice(int(piece.start), int(piece.rows))


def _pieces(source: str, text_field: str, part_rows: int) -> Iterator[Piece]:
    """Yield the parts of all files, in the order of their names.

    Raises:
        ValueError: If a file is not Parquet, or has no column with the text.
        OSError: If a file cannot be read.
    """
    _, parquet = import_pyarrow()
    files, root = _place(source)
    for name, (path, size) in _listed(files, root).items():
        with files.open_input_file(path) as file:
            opened = parquet.ParquetFile(file)
            check_columns(opened.schema_arrow.names, text_field, path)
            counts = [opened.metadata.row_group(i).num_rows for i in range(opened.num_row_groups)]
        for group, count in enumerate(counts):
            for start in range(0, count, part_rows):
                part = f"part-{name}-{group:04d}-{start:08d}.parquet"
                yield Piece(path, size, group, start, min(part_rows, count - start), part)


def _listed(files: Any, root: str) -> dict[str, tuple[str, int]]:
    """Return the paths and the sizes of Parquet files, each by a name that can be part of one."""
    from pyarrow.fs import FileSelector, FileType

    info = files.get_file_info(root)
    if info.type == FileType.File:
        return {info.base_name.removesuffix(".parquet"): (info.path, info.size)}
    found = dict[str, tuple[str, int]]()
    listed = files.get_file_info(FileSelector(root, recursive=True))
    for info in sorted(listed, key=lambda info: str(info.path)):
        inner = str(info.path)[len(root) :].strip("/")
        hidden = any(part.startswith((".", "_")) for part in inner.split("/"))
        if info.type == FileType.File and inner.endswith(".parquet") and not hidden:
            name = quote(inner.removesuffix(".parquet"), safe=" =")
            found[name] = info.path, info.size
    return found


def _begin(target: str, settings: Mapping[str, Any], pieces: Sequence[Piece]) -> set[str]:
    """Note in the target what its parts are made from, and return the names of those that it has.

    Raises:
        ValueError: If it has parts that are made from something else.
        OSError: If it cannot be written to.
    """
    from pyarrow.fs import FileSelector

    files, folder = _place(target)
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
    if _NEW in names:  # writers were killed
        files.delete_dir(f"{folder}/{_NEW}")
    with files.open_output_stream(manifest) as file:
        file.write(json.dumps({**settings, "files": sizes}, indent=1).encode())
    return names


def _place(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, or of this machine, and the path in it."""
    from pyarrow.fs import FileSystem

    files, path = FileSystem.from_uri(url if "://" in url else str(Path(url).resolve()))
    return files, str(path).rstrip("/")
