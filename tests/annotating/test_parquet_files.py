"""What is wrong with Parquet files is an error that names them."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Any

import pytest

from spacy_genner.annotating.parquet_files import schema_of, write_parquet
from tests.annotating.test_inputs import records

arrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def test_columns_that_do_not_fit_together_are_an_error(tmp_path: Path) -> None:
    for name, value in {"a": 1, "b": "x"}.items():
        parquet.write_table(
            arrow.table({"text": ["a"], "n": [value]}), tmp_path / f"{name}.parquet"
        )
    with pytest.raises(ValueError, match=r"the files do not fit together: .*n has incompatible"):
        schema_of([tmp_path / "a.parquet", tmp_path / "b.parquet"])


@pytest.mark.parametrize("unit", ["s", "ns"])
def test_a_time_that_python_cannot_hold_is_an_error(
    tmp_path: Path, unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)  # holds nanoseconds
    times = arrow.array([400_000_000_001], arrow.timestamp(unit))
    parquet.write_table(arrow.table({"text": ["a"], "t": times}), tmp_path / "in.parquet")
    with pytest.raises(ValueError, match=r"in\.parquet cannot be read as Parquet: "):
        records(tmp_path / "in.parquet")


def test_a_damaged_page_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    parquet.write_table(arrow.table({"text": ["a"]}), path)
    content = path.read_bytes()
    with pytest.raises(ValueError, match=r"in\.parquet cannot be read as Parquet: "):
        records(path, content[:4] + bytes(40) + content[44:])


def test_a_value_that_json_has_no_type_for_becomes_a_string(tmp_path: Path) -> None:
    """As in a folder that has a table beside the Parquet file."""
    record: dict[str, Any] = {"text": "a", "day": datetime.date(2020, 1, 2), "spans": []}
    write_parquet(tmp_path / "out.parquet", [record], None)
    (found,) = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert found == {"text": "a", "day": '"2020-01-02"', "spans": []}
