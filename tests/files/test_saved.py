from __future__ import annotations

import gc
import json
from pathlib import Path

import pytest
import srsly
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.files.saved import pack_parts, parse_object, read_object, reading, unpack_parts


def test_any_error_becomes_one_that_names_the_place() -> None:
    with (
        pytest.raises(
            ValueError, match=r"there cannot be read \(division by zero\): copy or train"
        ),
        reading("there"),
    ):
        _ = 1 / 0


@pytest.mark.parametrize("error", [ImportError, KeyboardInterrupt])
def test_what_is_no_damage_passes(error: type[BaseException]) -> None:
    with pytest.raises(error), reading("there"):
        raise error


CONTENTS = [b"", b"{", b"[]", b"null", b"3", b'"x"', b"\xff\xfe", b"[" * 100_000, b"9" * 10_000]


@pytest.mark.parametrize("content", [None, *CONTENTS], ids=lambda content: str(content)[:9])
def test_what_is_no_object_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "x.json").write_bytes(content)
        with pytest.raises(ValueError, match="there cannot be read"):
            parse_object(content, "there")
    with pytest.raises(ValueError, match=r"x\.json cannot be read"):
        read_object(tmp_path / "x.json")


def test_an_object_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps({"a": [1, "ü"]}))
    assert read_object(tmp_path / "x.json") == {"a": [1, "ü"]}


@given(st.dictionaries(st.text(), st.binary()))
def test_parts_come_back(parts: dict[str, bytes]) -> None:
    assert unpack_parts(pack_parts(parts), "there") == parts
    assert unpack_parts(bytes(srsly.msgpack_dumps(parts)), "there") == parts


ARRAY = {b"nd": True, b"type": "<f4", b"kind": b"", b"shape": [1], b"data": b"\0\0\0\0"}
OTHERS = [
    {"a": "text"},
    {"a": None},
    {1: b""},
    {"a": ARRAY},
    [b""],
    b"",
    None,
    3,
    {"a": {"b": b""}},
]


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_other_things_are_no_parts(other: object) -> None:
    with pytest.raises(ValueError, match=r"there cannot be read \(expected named parts\)"):
        unpack_parts(bytes(srsly.msgpack_dumps(other)), "there")


@given(st.binary(max_size=60))
def test_garbage_is_refused_and_leaves_the_garbage_collector_on(data: bytes) -> None:
    try:
        parts = unpack_parts(data, "there")
    except ValueError as error:
        assert "there cannot be read" in str(error)
    else:
        assert unpack_parts(pack_parts(parts), "there") == parts
    assert gc.isenabled()
