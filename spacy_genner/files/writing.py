"""Files and folders that are written whole or not at all, whatever happens meanwhile: an error, a
full disk, a kill."""

from __future__ import annotations

import errno
import glob
import os
import shutil
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

_CONTENT = "content"
"""Workspace name used by `filling`."""


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A path to write a file to. When the block ends, that file takes the place of the one at
    `path`; after an error or a kill, the latter is as it was.

    Missing folders are made, links stay links, and a file keeps its permissions. What is no file,
    such as a pipe or anything in /dev, is written to directly.

    Raises:
        OSError: If the file cannot be written.
    """
    path = Path(path)
    # /dev/stdout may lead to a file, which others are writing to as well
    if path.absolute().parts[1:2] in (("dev",), ("proc",)) or (
        path.exists() and not path.is_file()
    ):
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
def filling(folder: str | Path, whole: Iterable[str] = ()) -> Iterator[Path]:
    """An empty folder to write to. When the block ends, its files move into `folder`, each to the
    place of the one with the same name there; after an error, everything is as it was. What else is
    in `folder` stays.

    A kill while they move, which takes no time, may leave some old and some new files, and the rest
    in a hidden folder that the next block removes.

    Args:
        whole: Files and folders, relative to `folder`, that the new content replaces as a whole,
            even by nothing.

    Raises:
        OSError: If they cannot be written.
    """
    with _moving(Path(folder), _CONTENT, Path(folder), whole) as content:
        yield content


@contextmanager
def replacing_folder(path: str | Path) -> Iterator[Path]:
    """An empty folder to write to. When the block ends, it takes the place of the one at `path`, as
    `filling` does it.

    Raises:
        OSError: If it cannot be written.
    """
    path = Path(path).absolute()
    with _moving(path.parent, path.name, path, [path.name]) as content:
        (content / path.name).mkdir()
        yield content / path.name


def remove_leftovers(path: Path) -> None:
    """Remove what killed processes of this machine have left beside a path while they wrote to
    it."""
    for left in path.parent.glob(f"{glob.escape(_prefix(path.name))}*"):
        process, _, _ = left.name.removeprefix(_prefix(path.name)).partition("-")
        if process.isdecimal() and not _is_alive(int(process)):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _moving(folder: Path, name: str, target: Path, whole: Iterable[str]) -> Iterator[Path]:
    """An empty folder, whose content then moves into another one, as `filling` says."""
    folder.mkdir(parents=True, exist_ok=True)
    with _workspace(folder, name, target) as work:
        new, old = work / "new", work / "old"
        new.mkdir()
        old.mkdir()
        yield new
        for path in (*new.rglob("*"), new):
            _sync(path)
        with ExitStack() as undo:
            for part in whole:
                if os.path.lexists(folder / part):
                    _move(folder / part, old / part, undo)
            _merge(new, folder, old, undo)
            undo.pop_all()
    remove_leftovers(folder / name)


@contextmanager
def _workspace(folder: Path, name: str, target: Path) -> Iterator[Path]:
    """A folder on the same disk, so that what is in it can be moved. Errors in it name the
    target."""
    prefix = f"{_prefix(name)}{os.getpid()}-"
    try:
        with TemporaryDirectory(prefix=prefix, dir=folder, ignore_cleanup_errors=True) as work:
            yield Path(work)
    except OSError as error:
        if error.filename is None or str(error.filename).startswith(str(folder / prefix)):
            error.filename = str(target)
        raise


def _prefix(name: str) -> str:
    """How the names of workspaces begin; what follows is the number of a process."""
    return f".{name}.genner-{socket.gethostname()}-"


def _is_alive(process: int) -> bool:
    """Whether a process of this machine is running, or cannot be asked."""
    if os.name == "nt":  # there the question would end it
        return True
    try:
        os.kill(process, 0)
    except OSError as error:
        return error.errno != errno.ESRCH
    return True


def _merge(new: Path, folder: Path, old: Path, undo: ExitStack) -> None:
    """Move the files in one folder into another, and those that they take the place of into a
    third."""
    for path in sorted(new.iterdir()):
        place = folder / path.name
        if path.is_dir() and place.is_dir():
            _merge(path, place, old / path.name, undo)
            continue
        if place.is_dir():
            raise IsADirectoryError(
                errno.EISDIR, "A folder stands where a file is to be", str(place)
            )
        if os.path.lexists(place):
            _move(place, old / path.name, undo)
        _move(path, place, undo)
    _sync(folder)


def _move(path: Path, to: Path, undo: ExitStack) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    path.rename(to)
    undo.callback(to.rename, path)


def _sync(path: Path) -> None:
    """Have the system put a file or a folder on the disk now."""
    if os.name == "nt":  # there a file must be open for writing, and a folder cannot be opened
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if path.is_file() or error.errno not in (
            errno.EBADF,
            errno.EINVAL,
        ):  # some file systems cannot sync folders
            raise
    finally:
        os.close(descriptor)
