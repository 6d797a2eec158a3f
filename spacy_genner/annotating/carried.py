"""A pipeline that is carried to machines that do not have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from spacy.language import Language


@dataclass(frozen=True)
class Carried:
    """A function that loads a pipeline from its files, which are part of it. It can be pickled.

    Attributes:
        load: The function that loads a pipeline from a path.
        name: The name of the folder, or of the config file.
        files: The content of each file, by its path from the folder that has that name in it.
    """

    load: Callable[[str], Language]
    name: str
    files: Mapping[str, bytes]

    @classmethod
    def of(cls, path: Path, load: Callable[[str], Language]) -> Carried:
        """Read the files of a pipeline.

        Args:
            path: The folder of the pipeline, or a config file.
            load: See the class.

        Raises:
            OSError: If a file cannot be read.
        """
        path = path.resolve()
        paths = [each for each in sorted(path.rglob("*")) if each.is_file()] or [path]
        files = {each.relative_to(path.parent).as_posix(): each.read_bytes() for each in paths}
        return cls(load, path.name, files)

    def __call__(self) -> Language:
        """Load the pipeline.

        Raises:
            Exception: Whatever goes wrong in that.
        """
        # Windows does not delete files that are still in use
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            for name, content in self.files.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            return self.load(str(Path(folder, self.name)))
