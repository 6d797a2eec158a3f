"""Files and folders that are written whole or not at all, whatever happens meanwhile: an error, a full disk, a kill."""

from __future__ import annotations

import errno
import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

_CONTENT = "content"
"""The name for what fills a folder, as long as it is not yet there."""
_RANDOM = 8
"""How many random characters `tempfile` puts into a name."""


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A path to write a file to. When the block ends, that file takes the place of the one at `path`; after an error or
    a kill, the latter is as it was.

    Missing folders are made, links stay links, and a file keeps its permissions. What is no file, such as /dev/stdout,
    is written to directly.

    Raises: OSError if the file cannot be written.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        yield path
        return
    path = path.resolve()
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "The file is write-protected", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    with _workspace(path.parent, path.name, path) as work:
        new = work / path.name
        yield new
        if path.exists():
            shutil.copymode(path, new)
        _sync(new)
        new.replace(path)
        _sync(path.parent)


@contextmanager
def filling(folder: str | Path) -> Iterator[Path]:
    """An empty folder to write to. When the block ends, its files and folders move into `folder`, each to the place of
    what has the same name there; after an error, everything is as it was. What else is in `folder` stays.

    A kill while they move, which takes no time, may leave something old in a hidden folder beside something new.

    Raises: OSError if they cannot be written.
    """
    with _moving(Path(folder), _CONTENT, Path(folder)) as content:
        yield content


@contextmanager
def replacing_folder(path: str | Path) -> Iterator[Path]:
    """An empty folder to write to. When the block ends, it takes the place of the one at `path`, as `filling` does it.

    Raises: OSError if it cannot be written.
    """
    path = Path(path).absolute()
    with _moving(path.parent, path.name, path) as content:
        (content / path.name).mkdir()
        yield content / path.name


def remove_leftovers(path: Path) -> None:
    """Remove what kills have left beside a path while something was written to it."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.{'?' * _RANDOM}"):
        shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _moving(folder: Path, name: str, target: Path) -> Iterator[Path]:
    """An empty folder, whose content then moves into another one."""
    folder.mkdir(parents=True, exist_ok=True)
    with _workspace(folder, name, target) as work:
        new, old = work / "new", work / "old"
        new.mkdir()
        old.mkdir()
        yield new
        for path in (*new.rglob("*"), new):
            _sync(path)
        _move(new, folder, old)
        _sync(folder)
    remove_leftovers(folder / name)


@contextmanager
def _workspace(folder: Path, name: str, target: Path) -> Iterator[Path]:
    """A folder on the same disk, so that what is in it can be moved. Errors in it name the target."""
    with TemporaryDirectory(prefix=f".{name}.", dir=folder, ignore_cleanup_errors=True) as work:
        try:
            yield Path(work)
        except OSError as error:
            if error.filename is None or str(error.filename).startswith(work):
                error.filename = str(target)
            raise


def _move(new: Path, folder: Path, old: Path) -> None:
    """Move all that is in one folder into another, and what it takes the place of into a third; or move nothing."""
    with ExitStack() as undo:
        for path in sorted(new.iterdir()):
            place, kept = folder / path.name, old / path.name
            if os.path.lexists(place):
                place.rename(kept)
                undo.callback(kept.rename, place)
            path.rename(place)
            undo.callback(place.rename, path)
        undo.pop_all()


def _sync(path: Path) -> None:
    """Have the system put a file or a folder on the disk now."""
    if os.name == "nt":  # there a file must be open for writing, and a folder cannot be opened
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if path.is_file() or error.errno not in (errno.EBADF, errno.EINVAL):  # some file systems cannot sync folders
            raise
    finally:
        os.close(descriptor)
