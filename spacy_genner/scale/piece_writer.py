"""What writes parts on a machine of the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from ..annotating.crew import ATTEMPTS
from ..annotating.parquet_files import import_pyarrow
from .annotator import Annotator
from .pieces import Piece, file_system

NEW = "_new"
"""The folder, inside the target, of files that are being written. Those of a part are in a folder
with its name; each writer that was killed has left one."""


class PieceWriter:
    """What writes parts in an actor of `annotate_parquet`.

    Args:
        source: Where the rows are.
        target: The folder for the parts.
        settings: Those of an `Annotator`.
    """

    def __init__(self, source: str, target: str, *settings: Any) -> None:
        self._files, _ = file_system(source)
        self._target, self._folder = file_system(target)
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
        folder = f"{self._folder}/{NEW}/{piece.part}"
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
