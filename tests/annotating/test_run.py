"""A run that is interrupted goes on, and its result is that of an unbroken one."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language

from spacy_genner.annotating.inputs import Inputs
from spacy_genner.annotating.outputs import Output
from spacy_genner.annotating.part import Part, PartWriter
from spacy_genner.annotating.run import Summary
from tests.annotating.folders import annotated, ids, parts, run_of, write_texts
from tests.annotating.pipelines import broken, rules

TEXTS = ["Leith", None, "FAIL", "The University of Edinburgh", 3, "اسم 🎉", "Edinburgh"]


class Killed(BaseException):
    """What no code expects."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_texts(tmp_path / "in.jsonl", TEXTS)


def killed_after(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run ends after so many parts, before the last is listed as complete."""
    write = PartWriter.write
    written = list[int]()

    def fragile(self: PartWriter, nlp: Language, part: Part, *rest: Any) -> Any:
        done = write(self, nlp, part, *rest)
        written.append(part.number)
        if len(written) == count:
            raise Killed
        return done

    monkeypatch.setattr(PartWriter, "write", fragile)


def test_every_input_is_in_one_file(path: Path, tmp_path: Path) -> None:
    summary = annotated(path, tmp_path / "out")
    assert summary == Summary(documents=4, failed=3)
    assert ids(tmp_path / "out") == [0, 3, 5, 6]
    assert ids(tmp_path / "out", "_failed") == [1, 2, 4]
    assert sorted(parts(tmp_path / "out")) == [
        "_failed-00000.jsonl",
        "_failed-00001.jsonl",
        "_failed-00002.jsonl",
        "part-00000.jsonl",
        "part-00001.jsonl",
        "part-00002.jsonl",
        "part-00003.jsonl",
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_run_that_was_killed_goes_on(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    annotated(path, tmp_path / "whole")
    with monkeypatch.context() as context:
        killed_after(count, context)
        with pytest.raises(Killed):
            annotated(path, tmp_path / "out")
    started = list[int]()

    def start(before: int) -> Any:
        started.append(before)
        return lambda _: None

    summary = run_of(tmp_path / "out")(Inputs.of(path), start)
    assert parts(tmp_path / "out") == parts(tmp_path / "whole")
    before = 2 * (count - 1)  # the last part was not listed, and is written again
    assert summary == Summary(documents=4, failed=3, before=before)
    assert started == [before]


def test_what_is_done_is_not_done_again(path: Path, tmp_path: Path) -> None:
    annotated(path, tmp_path / "out")
    before = parts(tmp_path / "out")
    summary = annotated(path, tmp_path / "out", load=broken)  # is not even loaded
    assert summary.before == len(TEXTS)
    assert parts(tmp_path / "out") == before


def test_a_line_of_the_list_that_a_kill_has_cut(path: Path, tmp_path: Path) -> None:
    annotated(path, tmp_path / "out")
    whole = parts(tmp_path / "out")
    done = tmp_path / "out" / "_done.jsonl"
    done.write_bytes(done.read_bytes()[:-5])
    assert annotated(path, tmp_path / "out").before == 6
    assert parts(tmp_path / "out") == whole
    assert len(done.read_text().splitlines()) == 4


def test_a_damaged_part_is_an_error_and_can_be_written_again(path: Path, tmp_path: Path) -> None:
    annotated(path, tmp_path / "out")
    whole = parts(tmp_path / "out")
    part = tmp_path / "out" / "part-00001.jsonl"
    part.write_bytes(part.read_bytes()[:-3])
    with pytest.raises(ValueError, match=r"part-00001\.jsonl is damaged: .* Delete it"):
        annotated(path, tmp_path / "out")
    part.unlink()
    annotated(path, tmp_path / "out")
    assert parts(tmp_path / "out") == whole


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"part_size": 3}, "part_size = 2, not 3"),
        ({"batch_size": 1}, "batch_size = None, not 1"),
        ({"output": Output("prodigy")}, "format = 'jsonl', not 'prodigy'"),
        ({"output": Output(spans_key="x")}, "spans_key = 'sc', not 'x'"),
    ],
)
def test_other_settings_are_refused(
    path: Path, tmp_path: Path, settings: dict[str, Any], name: str
) -> None:
    annotated(path, tmp_path / "out")
    before = parts(tmp_path / "out")
    with pytest.raises(ValueError, match=f"out holds a run with {name}: give another output"):
        annotated(path, tmp_path / "out", **settings)
    assert parts(tmp_path / "out") == before


def test_another_input_is_refused(path: Path, tmp_path: Path) -> None:
    annotated(path, tmp_path / "out")
    other = write_texts(tmp_path / "other.jsonl", TEXTS)
    with pytest.raises(ValueError, match=r"input = 'in\.jsonl', not 'other\.jsonl'"):
        annotated(other, tmp_path / "out")
    write_texts(path, [*TEXTS[:-1], "Changed!!"])
    with pytest.raises(ValueError, match=r"in\.jsonl is not what it was when the run began"):
        annotated(path, tmp_path / "out")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match="is not what it was"):
        annotated(path, tmp_path / "out")


def test_another_standard_input_is_refused(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no size and no name, but what was done of it is known."""

    def annotated_stream(content: bytes) -> Summary:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        return annotated(Path("-"), tmp_path / "out")

    content = path.read_bytes()
    annotated_stream(content)
    (tmp_path / "out" / "part-00003.jsonl").unlink()
    with pytest.raises(ValueError, match="the inputs from -:1 on are not those that part 0 was"):
        annotated_stream(content.replace(b"Leith", b"Leeds"))
    assert annotated_stream(content) == Summary(documents=4, failed=3, before=6)


def test_another_model_is_refused(path: Path, tmp_path: Path) -> None:
    annotated(path, tmp_path / "out")
    nlp = rules()
    nlp.get_pipe("span_ruler").add_patterns([{"label": "X", "pattern": "x"}])  # type: ignore[attr-defined]
    nlp.to_disk(tmp_path / "model")
    with pytest.raises(ValueError, match="out holds a run with model_digest = "):
        annotated(path, tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="there is no pipeline 'no_model'"):
        run_of(tmp_path / "new").__class__("no_model", rules, tmp_path / "new")(Inputs.of(path))


@pytest.mark.parametrize("killed", [False, True])
def test_a_file_that_grows_is_annotated_as_it_was(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    annotated(path, tmp_path / "whole")
    if killed:
        with monkeypatch.context() as context:
            killed_after(2, context)
            with pytest.raises(Killed):
                annotated(path, tmp_path / "out")

    def grow(_: int) -> Any:
        with path.open("a") as file:
            file.write('{"text": "Leith"}\n')
        return lambda _: None

    size = path.stat().st_size
    summary = run_of(tmp_path / "out")(Inputs.of(path), grow)
    assert parts(tmp_path / "out") == parts(tmp_path / "whole")
    assert summary.added == [
        f"{path} has grown from {size} to {size + 18} bytes since the run began; what was appended "
        "is not annotated"
    ]
    assert annotated(path, tmp_path / "out").before == len(TEXTS)


def test_a_file_that_is_new_in_a_folder_is_reported(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    path.rename(folder / path.name)
    annotated(folder, tmp_path / "out")
    (folder / "more.txt").write_text("Leith")
    summary = annotated(folder, tmp_path / "out")
    assert summary.added == [
        f"{folder / 'more.txt'} is new since the run began, and is not annotated"
    ]
    (folder / path.name).unlink()
    with pytest.raises(FileNotFoundError, match=r"in\.jsonl"):
        annotated(folder, tmp_path / "out")


def test_two_runs_cannot_write_to_one_folder(path: Path, tmp_path: Path) -> None:
    def start(_: int) -> Any:
        with pytest.raises(ValueError, match=r"another run is writing to .*out: wait for it"):
            annotated(path, tmp_path / "out")
        return lambda _: None

    assert run_of(tmp_path / "out")(Inputs.of(path), start).documents == 4


def test_a_read_only_folder_is_an_error(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for the administrator, who may write anywhere: the name of the folder is a file."""
    (tmp_path / "out").write_text("where a folder should be")
    with pytest.raises(OSError, match="out"):
        annotated(path, tmp_path / "out")
    if os.getuid():
        (tmp_path / "locked").mkdir(mode=0o500)
        with pytest.raises(PermissionError, match="locked"):
            annotated(path, tmp_path / "locked")


def test_on_a_full_disk_the_run_can_go_on(path: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="needs a limit for the size of files")
    annotated(path, tmp_path / "whole")
    (tmp_path / "done").mkdir()
    annotated(path, tmp_path / "out", part_size=2)
    for name in ("part-00002.jsonl", "_failed-00001.jsonl", "part-00001.jsonl"):
        (tmp_path / "out" / name).unlink()
    before = parts(tmp_path / "out")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60, hard))
    try:
        with pytest.raises(OSError, match=r"File too large.*out"):
            annotated(path, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert parts(tmp_path / "out") == before
    annotated(path, tmp_path / "out")
    assert parts(tmp_path / "out") == parts(tmp_path / "whole")


def test_memory_holds_one_part(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An input is not read before its part is begun."""
    read, begun = list[int](), list[tuple[int, int]]()
    stream = Inputs.__iter__

    def counted(self: Inputs) -> Iterator[Any]:
        for each in stream(self):
            read.append(each.position)
            yield each

    write = PartWriter.write

    def noted(self: PartWriter, nlp: Language, part: Part, *rest: Any) -> Any:
        begun.append((part.number, len(read)))
        return write(self, nlp, part, *rest)

    monkeypatch.setattr(Inputs, "__iter__", counted)
    monkeypatch.setattr(PartWriter, "write", noted)
    annotated(path, tmp_path / "out")
    assert begun == [(0, 2), (1, 4), (2, 6), (3, 7)]


def test_parquet_in_and_out_keeps_types_in_all_parts(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = [{"text": text, "n": None if i < 2 else i} for i, text in enumerate(["a", "b", "Leith"])]
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "in.parquet")
    annotated(tmp_path / "in.parquet", tmp_path / "out", output=Output("parquet"))
    table = parquet.read_table(tmp_path / "out")
    assert table.column("n").to_pylist() == [None, None, 2]
    first = parquet.read_schema(tmp_path / "out" / "part-00000.parquet")
    assert first.field("n").type == arrow.int64()
    assert json.loads((tmp_path / "out" / "_run.json").read_text())["format"] == "parquet"
