"""A folder of parts holds what one run has written, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.annotating.folders import annotated, parts, write_texts

TEXTS = ["Leith", "Edinburgh", "end"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_texts(tmp_path / "in.jsonl", TEXTS)


@pytest.mark.parametrize("content", ['{"input": "in.j', "{}", "[]", '{"files": {"in.jsonl": []}}'])
def test_a_damaged_manifest_is_an_error(path: Path, tmp_path: Path, content: str) -> None:
    annotated(path, tmp_path / "out")
    (tmp_path / "out" / "_run.json").write_text(content)
    with pytest.raises(ValueError, match=r"_run\.json cannot be read .*: give another output"):
        annotated(path, tmp_path / "out")


@pytest.mark.parametrize("content", [b"\0\0\0\n", b"{}\n", b"3\n", b"\xff\n"])
def test_a_damaged_list_of_parts_is_an_error_and_can_be_deleted(
    path: Path, tmp_path: Path, content: bytes
) -> None:
    annotated(path, tmp_path / "out")
    whole = parts(tmp_path / "out")
    done = tmp_path / "out" / "_done.jsonl"
    done.write_bytes(content + done.read_bytes())
    with pytest.raises(ValueError, match=r"_done\.jsonl cannot be read .*: delete it"):
        annotated(path, tmp_path / "out")
    done.unlink()
    assert annotated(path, tmp_path / "out").before == 0
    assert parts(tmp_path / "out") == whole


def test_files_that_no_run_has_written_are_not_replaced(path: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "part-00000.jsonl").write_text("of another program")
    with pytest.raises(ValueError, match=r"part-00000\.jsonl is there, but no _run\.json"):
        annotated(path, tmp_path / "out")
    assert (tmp_path / "out" / "part-00000.jsonl").read_text() == "of another program"


@pytest.mark.parametrize("output", [".", "out"])
def test_parts_are_not_written_into_the_input(tmp_path: Path, output: str) -> None:
    """A later run would take them for inputs."""
    folder = tmp_path / "texts"
    folder.mkdir()
    path = write_texts(folder / "part-00000.jsonl", TEXTS)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="is in the input folder: give another output folder"):
        annotated(folder, folder / output)
    assert path.read_bytes() == before
