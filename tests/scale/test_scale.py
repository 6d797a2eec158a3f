"""Pipelines of one's own on Ray Data: nothing is lost, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.annotating.folders import dying
from tests.annotating.pipelines import broken, rules

pyarrow: Any = pytest.importorskip("pyarrow")
parquet: Any = pytest.importorskip("pyarrow.parquet")

from spacy_genner.scale import Annotator, Shared, annotate_parquet  # noqa: E402

TEXTS = ["Leith", None, "FAIL", "The University of Edinburgh", "", "Edinburgh"]
FOUND = [["Leith"], None, None, ["University of Edinburgh", "Edinburgh"], [], ["Edinburgh"]]
FAULTS = [
    None,
    "`text` is null: expected a string",
    "genner_test_faults: a word that cannot be read",
    None,
    None,
    None,
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray: Any = pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
        ray.data.DataContext.get_current().enable_progress_bars = False
        yield
        ray.shutdown()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of two files: one with two row groups, one in a folder inside."""
    write(tmp_path / "in" / "a.parquet", TEXTS)
    write(tmp_path / "in" / "b" / "a.parquet", ["Leith"])
    write(tmp_path / "in" / "_not" / "a.parquet", ["Leith"])
    return tmp_path / "in"


def write(path: Path, texts: list[str | None]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    ids = pyarrow.array(range(len(texts)), pyarrow.int16())
    parquet.write_table(pyarrow.table({"id": ids, "text": texts}), path, row_group_size=4)


def texts_of(spans: list[Any]) -> list[Any]:
    return [each if each is None else [span["text"] for span in each] for each in spans]


def rows(folder: Path) -> dict[str, list[Any]]:
    """The texts of the spans in each part."""
    return {
        path.name: texts_of(parquet.read_table(path)["spans"].to_pylist())
        for path in sorted(folder.glob("part-*"))
    }


@pytest.mark.parametrize("as_table", [True, False])
def test_a_batch_keeps_its_rows_and_says_what_failed(as_table: bool) -> None:
    columns = {"id": pyarrow.array(range(6), pyarrow.int16()), "text": pyarrow.array(TEXTS)}
    table = pyarrow.table(columns)
    arrays = {name: values.to_numpy(zero_copy_only=False) for name, values in columns.items()}
    done = Annotator(rules)(table if as_table else arrays)
    assert done.column_names == ["id", "text", "spans", "error"]
    assert done["id"].type == pyarrow.int16() and done["text"].to_pylist() == TEXTS
    assert texts_of(done["spans"].to_pylist()) == FOUND and done["error"].to_pylist() == FAULTS
    assert Annotator(rules)(done).equals(done)


def test_a_batch_without_the_column_is_an_error() -> None:
    with pytest.raises(ValueError, match="the batch has no column 'body', only text"):
        Annotator(rules, text_field="body")(pyarrow.table({"text": ["a"]}))


def test_a_pipeline_is_loaded_by_its_folder(tmp_path: Path) -> None:
    rules().to_disk(tmp_path / "model")
    done = Annotator(tmp_path / "model")(pyarrow.table({"text": ["Leith"]}))
    assert texts_of(done["spans"].to_pylist()) == [["Leith"]]


@pytest.mark.usefixtures("cluster")
def test_map_batches() -> None:
    import ray.data

    pool = ray.data.ActorPoolStrategy(size=1)
    batches = ray.data.from_arrow(pyarrow.table({"text": TEXTS})).map_batches(
        Annotator, fn_constructor_args=(rules,), compute=pool, batch_format="pyarrow"
    )
    done = batches.take_all()
    assert texts_of([row["spans"] for row in done]) == FOUND
    assert [row["error"] for row in done] == FAULTS


@pytest.mark.usefixtures("cluster")
def test_parquet_in_parts_of_which_only_missing_ones_are_written(
    source: Path, tmp_path: Path
) -> None:
    call = partial(annotate_parquet, str(source), str(tmp_path / "out"), rules, part_rows=3)
    assert call(workers=2) == Shared(7, 2, 0, [])
    whole = rows(tmp_path / "out")
    assert list(whole.values()) == [FOUND[:3], FOUND[3:4], FOUND[4:], [["Leith"]]]
    assert next(iter(whole)) == "part-a-0000-00000000.parquet"
    (tmp_path / "out" / list(whole)[1]).unlink()
    (tmp_path / "out" / "_new" / "1").mkdir(parents=True)
    write(source / "c.parquet", ["Edinburgh"])
    assert call() == Shared(2, 0, 3, [])
    assert rows(tmp_path / "out") == {**whole, "part-c-0000-00000000.parquet": [["Edinburgh"]]}
    assert call() == Shared(0, 0, 5, []) and not (tmp_path / "out" / "_new" / "1").exists()
    write(source / "c.parquet", ["Edinburgh", "Leith"])
    with pytest.raises(ValueError, match=r"c.parquet is not what .*out was made from"):
        call()
    with pytest.raises(ValueError, match="holds a run with part_rows = 3, not 4"):
        call(part_rows=4)


@pytest.mark.usefixtures("cluster")
def test_a_part_at_which_workers_die_is_missing_and_the_rest_is_written(tmp_path: Path) -> None:
    write(tmp_path / "in.parquet", ["Leith", "KILL", "Edinburgh"])
    load = dying(tmp_path / "out", deaths=3)
    call = partial(
        annotate_parquet, str(tmp_path / "in.parquet"), str(tmp_path / "out"), load, part_rows=1
    )
    assert call() == Shared(2, 0, 0, ["part-in-0000-00000001.parquet"])
    assert call() == Shared(1, 0, 2, [])
    assert list(rows(tmp_path / "out").values()) == [[["Leith"]], [[]], [["Edinburgh"]]]


@pytest.mark.usefixtures("cluster")
def test_a_pipeline_that_cannot_be_loaded(source: Path, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="there is no such pipeline"):
        annotate_parquet(str(source), str(tmp_path / "out"), broken)
    assert not rows(tmp_path / "out")


def test_a_file_without_the_column_is_an_error(source: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    with pytest.raises(ValueError, match=r"a.parquet has no column 'body'"):
        annotate_parquet(str(source), str(tmp_path / "out"), rules, text_field="body")
