"""Writing files and folders completely or not at all, whatever happens meanwhile: an error, a
full disk, or a kill."""

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
"""The name that `filling` gives its workspace, which lies inside the folder."""


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Provide a path to write a file to, which replaces the file at `path` when the block ends.

    After an error or a kill, the file at `path` is as it was. Missing folders are made, links stay
    links, and a file keeps its permissions. What is not a regular file, such as a pipe or anything
    in /dev, is written to directly.

    Raises:
        OSError: If the file cannot be written.
        PermissionError: If the file at `path` is write-protected.
    """
    path = Path(path)
    if _is_special(path):
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
    """Provide an empty folder to write to, whose files move into `folder` when the block ends.

    Each file replaces the one with the same name; what else is in `folder` stays. After an error,
    everything is as it was. A kill during the move, which takes almost no time, may leave some old
    and some new files, and the rest in a hidden folder that the next block removes.

    Args:
        folder: The folder. It is made if it is missing.
        whole: Files and folders, relative to `folder`, that are removed even if the block writes
            nothing in their place.

    Raises:
        OSError: If the files cannot be written.
        IsADirectoryError: If a file would replace a folder.
    """
    with _moving(Path(folder), _CONTENT, Path(folder), whole) as content:
        yield content


@contextmanager
def replacing_folder(path: str | Path) -> Iterator[Path]:
    """Provide an empty folder to write to, which replaces the one at `path` when the block ends.

    An error or a kill has the same consequences as in `filling`.

    Raises:
        OSError: If the folder cannot be written.
    """
    path = Path(path).absolute()
    with _moving(path.parent, path.name, path, [path.name]) as content:
        (content / path.name).mkdir()
        yield content / path.name


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files beside a path, left by processes of this machine that were killed
    while they wrote to it."""
    for left in path.parent.glob(f"{glob.escape(_prefix(path.name))}*"):
        process, _, _ = left.name.removeprefix(_prefix(path.name)).partition("-")
        if process.isdecimal() and not _is_alive(int(process)):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _moving(folder: Path, name: str, target: Path, whole: Iterable[str]) -> Iterator[Path]:
    """Provide an empty folder whose content then moves into another one, as `filling` describes.

    Args:
        folder: The folder that the content moves into.
        name: What the workspace is named after.
        target: The path that errors name.
        whole: As in `filling`.
    """
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
            undo.pop_all()  # Everything has moved: forget how to move it back
    remove_leftovers(folder / name)


@contextmanager
def _workspace(folder: Path, name: str, target: Path) -> Iterator[Path]:
    """Provide a temporary folder on the same disk, so that what is in it can be moved without
    copying. Errors in it name the target instead."""
    prefix = f"{_prefix(name)}{os.getpid()}-"
    try:
        with TemporaryDirectory(prefix=prefix, dir=folder, ignore_cleanup_errors=True) as work:
            yield Path(work)
    except OSError as error:
        if error.filename is None or str(error.filename).startswith(str(folder / prefix)):
            error.filename = str(target)
        raise


def _is_special(path: Path) -> bool:
    """Return whether a path must be written to directly, because it is not a regular file or lies
    in /dev or /proc."""
    # /dev/stdout may be a link to a regular file, but others are writing to it as well.
    in_system_folder = path.absolute().parts[1:2] in (("dev",), ("proc",))
    return in_system_folder or (path.exists() and not path.is_file())


def _prefix(name: str) -> str:
    """Return how the names of workspaces begin; the id of a process and a random part follow."""
    return f".{name}.genner-{socket.gethostname()}-"


def _is_alive(process: int) -> bool:
    """Return whether a process of this machine is running, or may be."""
    if os.name == "nt":  # os.kill would end the process there
        return True
    try:
        os.kill(process, 0)
    except OSError as error:
        return error.errno != errno.ESRCH
    return True


def _merge(new: Path, folder: Path, old: Path, undo: ExitStack) -> None:
    """Move the files in one folder into another, and the files that they replace into a third."""
    for path in sorted(new.iterdir()):
        place = folder / path.name
        if path.is_dir() and place.is_dir():
            _merge(path, place, old / path.name, undo)
            continue
        if place.is_dir():
            raise IsADirectoryError(
                errno.EISDIR, "A folder is in the way of a file that must be written", str(place)
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
    """Have the system write a file or a folder to the disk now."""
    if os.name == "nt":  # A file would have to be open for writing, and no folder can be opened
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems cannot sync folders.
        if path.is_file() or error.errno not in (errno.EBADF, errno.EINVAL):
            raise
    finally:
        os.close(descriptor)
