"""Nothing that was there is lost, whatever stops the writing."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from spacy_genner.files import writing
from spacy_genner.files.writing import filling, remove_leftovers, replacing, replacing_folder


def tree(folder: Path) -> dict[str, str]:
    """The files of a folder with their content, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    for text in ("one", "two"):
        with replacing(tmp_path / "new" / "a.txt") as path:
            assert path.name == "a.txt"  # writers go by suffixes
            path.write_text(text)
        assert tree(tmp_path) == {"new/a.txt": text}
        assert names(tmp_path / "new") == ["a.txt"]


def test_a_folder_is_filled(tmp_path: Path) -> None:
    for name in ("part", "whole"):
        (tmp_path / name).mkdir()
    for name in (
        "mine.txt",
        "meta.json",
        "part/mine.bin",
        "part/ours.bin",
        "whole/stale.bin",
        "stale.bin",
    ):
        (tmp_path / name).write_text("old")
    with filling(tmp_path, whole=["whole", "stale.bin", "part/not there"]) as content:
        for name in ("part", "whole"):
            (content / name).mkdir()
        for name in ("meta.json", "part/ours.bin", "whole/fresh.bin", "more.txt"):
            (content / name).write_text("new")
    old = {"mine.txt": "old", "part/mine.bin": "old"}
    assert tree(tmp_path) == {
        **old,
        **dict.fromkeys(["meta.json", "part/ours.bin", "whole/fresh.bin", "more.txt"], "new"),
    }


def test_a_folder_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine.txt").write_text("old")
    with (
        pytest.raises(IsADirectoryError, match="A folder is in the way of a file"),
        filling(tmp_path) as content,
    ):
        for name in ("a", "b"):
            (content / name).write_text("new")
    assert tree(tmp_path) == {"b/mine.txt": "old"}


def test_only_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".content.20250101").mkdir()
    with filling(tmp_path) as content:
        (content / "a").write_text("new")
        with filling(tmp_path) as other:
            (other / "b").write_text("new")
    assert names(tmp_path) == [".content.20250101", "a", "b"]


def test_a_folder_is_replaced(tmp_path: Path) -> None:
    for text in ("one", "two"):
        with replacing_folder(tmp_path / "new" / "model") as folder:
            (folder / text).write_text(text)
        assert tree(tmp_path) == {f"new/model/{text}": text}
        assert names(tmp_path / "new") == ["model"]


def write_two(folder: Path) -> None:
    (folder / "a").mkdir()
    for name in ("a/b.txt", "c"):
        (folder / name).write_text("new")


Kind = tuple[Callable[[Path], AbstractContextManager[Path]], Callable[[Path], Any], dict[str, str]]
KINDS: dict[str, Kind] = {
    "file": (
        lambda there: replacing(there / "a" / "b.txt"),
        lambda path: path.write_text("new"),
        {"c": "old"},
    ),
    "folder": (
        lambda there: replacing_folder(there / "a"),
        lambda path: (path / "b.txt").write_text("new"),
        {"c": "old"},
    ),
    "filling": (filling, write_two, {"c": "new"}),
}
"""Ways to write below `there`: what opens the place, what writes to it, and what is then beside
a/b.txt."""


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A folder with something in it."""
    folder = tmp_path / "there"
    (folder / "a").mkdir(parents=True)
    for name in ("a/b.txt", "c"):
        (folder / name).write_text("old")
    return folder


def full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def failing(function: Callable[..., Any], time: int) -> Callable[..., Any]:
    """A function that fails once."""
    calls = count(1)
    return lambda *arguments: full() if next(calls) == time else function(*arguments)


MOMENTS = [
    *[(kind, "written", 0) for kind in KINDS],
    *[(kind, "fsync", 1) for kind in KINDS],
    *[("file", "replace", 1), ("folder", "rename", 1), ("folder", "rename", 2)],
    *[("filling", "rename", time) for time in (1, 2, 3, 4)],
]


@pytest.mark.parametrize(("kind", "moment", "time"), MOMENTS)
def test_after_an_error_everything_is_as_it_was(
    there: Path, monkeypatch: pytest.MonkeyPatch, kind: str, moment: str, time: int
) -> None:
    opened, write, _ = KINDS[kind]
    with pytest.raises(OSError, match="No space left"), opened(there) as place:
        write(place)
        if moment == "written":
            full()
        owner = os if moment == "fsync" else Path
        monkeypatch.setattr(owner, moment, failing(getattr(owner, moment), time))
    assert tree(there) == {"a/b.txt": "old", "c": "old"}
    assert names(there) == ["a", "c"] and names(there / "a") == ["b.txt"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_leaves_what_was_there_and_the_next_one_tidies_up(there: Path, kind: str) -> None:
    script = f"""
import os, sys
from pathlib import Path
from tests.files.test_writing import KINDS
opened, write, _ = KINDS[{kind!r}]
with opened(Path(sys.argv[1])) as place:
    write(place)
    os._exit(9)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert (
        subprocess.run(
            [sys.executable, "-c", script, str(there)], env=environment, check=False
        ).returncode
        == 9
    )
    left = tree(there)
    assert (left.pop("a/b.txt"), left.pop("c")) == ("old", "old") and left
    opened, write, beside = KINDS[kind]
    with opened(there) as place:
        write(place)
    if kind == "file":  # others may be writing to the same folder
        remove_leftovers(there / "a" / "b.txt")
    assert tree(there) == {"a/b.txt": "new", **beside}


def test_what_is_being_written_beside_it_is_no_leftover(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.b") as one, replacing_folder(tmp_path / "xa") as two:
        for path in (one, two / "c"):
            path.write_text("new")
        remove_leftovers(tmp_path / "a")
    assert tree(tmp_path) == {"a.b": "new", "xa/c": "new"}


def test_a_link_leads_to_the_new_file(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "a").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "far" / "a")
    with replacing(tmp_path / "link") as path:
        path.write_text("new")
    assert (tmp_path / "link").is_symlink() and tree(tmp_path) == {"far/a": "new", "link": "new"}


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_file_and_a_new_folder_have_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    (tmp_path / "usual folder").mkdir()
    with replacing(tmp_path / "a") as path, replacing_folder(tmp_path / "b") as folder:
        path.touch()
        (folder / "c").touch()
    assert mode(tmp_path / "a") == mode(tmp_path / "b" / "c") == mode(tmp_path / "usual")
    assert mode(tmp_path / "b") == mode(tmp_path / "usual folder")


@pytest.mark.parametrize("expected", [0o600, 0o664])
def test_a_file_keeps_its_permissions(tmp_path: Path, expected: int) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "a").chmod(expected)
    with replacing(tmp_path / "a") as path:
        path.touch()
    assert mode(tmp_path / "a") == expected


def test_a_file_that_must_not_be_written_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("old")
    monkeypatch.setattr(os, "access", lambda path, how: False)  # root may write everything
    with pytest.raises(PermissionError, match="write-protected"), replacing(tmp_path / "a") as path:
        path.write_text("new")
    assert tree(tmp_path) == {"a": "old"}


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs /dev/null")
def test_a_device_stays_a_device() -> None:
    with replacing("/dev/null") as path:
        path.write_text("new")
    assert Path("/dev/null").is_char_device()


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="needs /dev/stdout")
def test_an_output_that_leads_to_a_file_goes_on_in_it(tmp_path: Path) -> None:
    script = """
from spacy_genner.files.writing import replacing
print("one", flush=True)
with replacing("/dev/stdout") as path, path.open("a") as file:
    print("two", file=file)
print("three")
"""
    with (tmp_path / "out").open("a") as file:
        subprocess.run([sys.executable, "-c", script], stdout=file, check=True)
    assert tree(tmp_path) == {"out": "one\ntwo\nthree\n"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_place_that_is_no_folder(tmp_path: Path, kind: str) -> None:
    (tmp_path / "there").write_text("old")
    opened, write, _ = KINDS[kind]
    with pytest.raises(OSError, match="there"), opened(tmp_path / "there" / "x") as place:
        write(place)
    assert tree(tmp_path) == {"there": "old"}


def test_everything_is_synced_before_it_is_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, rename = writing._sync, Path.rename
    monkeypatch.setattr(
        writing, "_sync", lambda path: (done.append(f"sync {path.name}"), sync(path))
    )
    monkeypatch.setattr(
        Path, "rename", lambda path, to: (done.append(f"move {path.name}"), rename(path, to))
    )
    with filling(tmp_path / "x") as content:
        (content / "a").mkdir()
        (content / "a" / "b").touch()
    assert sorted(done[:3]) == ["sync a", "sync b", "sync new"] and done[3:] == ["move a", "sync x"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to tell what is synced")
@pytest.mark.parametrize("number", [errno.EINVAL, errno.EIO])
def test_some_file_systems_cannot_sync_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    fsync = os.fsync

    def refuse(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(number, "folders are not synced")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    harmless = (
        nullcontext()
        if number == errno.EINVAL
        else pytest.raises(OSError, match="folders are not synced")
    )
    with harmless, replacing(tmp_path / "a") as path:
        path.write_text("new")
    assert tree(tmp_path) == {"a": "new"}
