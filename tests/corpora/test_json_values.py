from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from spacy_genner.corpora.json_values import parse_json, read_values


def read(tmp_path: Path, text: str) -> dict[str, Any]:
    """The values of a file, by their places after the file's name."""
    path = tmp_path / "a.jsonl"
    path.write_text(text, encoding="utf-8")
    return {place.removeprefix(str(path)): value for place, value in read_values(path)}


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_value_a_line(tmp_path: Path, start: str, end: str) -> None:
    text = start + end.join(["", '{"a": "\u2028"}', " ", "[1, 2]", ""])
    assert read(tmp_path, text) == {":2": {"a": "\u2028"}, ":4": [1, 2]}


def test_an_array_of_values(tmp_path: Path) -> None:
    assert read(tmp_path, "\n" + json.dumps([{"a": 1}, None], indent=4)) == {
        "[0]": {"a": 1},
        "[1]": None,
    }


def test_one_value(tmp_path: Path) -> None:
    assert read(tmp_path, "\n" + json.dumps({"a": [1]}, indent=4)) == {":2": {"a": [1]}}


def test_an_array_that_starts_with_a_string_is_one_value(tmp_path: Path) -> None:
    assert read(tmp_path, '["a", {"b": []}]') == {":1": ["a", {"b": []}]}
    assert read(tmp_path, '["a", {}]\n["b", {}]') == {":1": ["a", {}], ":2": ["b", {}]}


def test_gzip(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}'))
    assert read_values(path) == [(f"{path}:1", {"a": 1})]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"a\.jsonl is empty: expected JSON"),
        ("\n \r\n", r"a\.jsonl is empty: expected JSON"),
        ("[]", r"a\.jsonl is an empty array"),
        ('{"a": 1}\n{"a": ', r"a\.jsonl:2 is not JSON .* expected one object per line"),
        ('{"a": \n{"a": 1}', r"a\.jsonl:1 is not JSON"),
        ('[{"a": 1},\n{"a": }]', r"a\.jsonl:1 is not JSON \(.*line 2 column 7"),
        ('{"a": 1} {"a": 1}', r"a\.jsonl:1 is not JSON \(something follows after column 8"),
        ("[" * 200_000, r"a\.jsonl:1 is not JSON"),
        ('{"a": 1}\n' + "[" * 200_000, r"a\.jsonl:2 is not JSON"),
        ("9" * 5_000, r"a\.jsonl:1 is not JSON \(Exceeds the limit"),
        ("{}\n" + "9" * 5_000, r"a\.jsonl:2 is not JSON \(Exceeds the limit"),
        ('{"a": "😀"}\n{"a": ["\\ud83d"]}', r"a\.jsonl:2 has half a character, '\\ud83d'"),
        (
            '[{"a": "\\ud83d\\ude00"}, {"\\uDE00": 1}]',
            r"a\.jsonl\[1\] has half a character, '\\ude00'",
        ),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text)


def test_whole_characters_may_be_escaped(tmp_path: Path) -> None:
    assert read(tmp_path, r'{"a": "\ud83d\ude00 \\ud83d"}') == {":1": {"a": r"😀 \ud83d"}}


def test_a_line_is_read_alone() -> None:
    assert parse_json(' {"a": 1}\n', "f:7") == {"a": 1}
    with pytest.raises(ValueError, match="f:7 is not JSON"):
        parse_json("", "f:7")


def test_about_as_deep_as_python_can_read() -> None:
    """Where a value can still be read, but not be written any more to look for half characters."""
    for depth in range(900, 1010):
        try:
            parse_json("[" * depth + '"\\ud83d\\ude00"' + "]" * depth, "f:1")
        except ValueError as error:
            assert "f:1 is not JSON" in str(error) or "f:1 is nested too deep" in str(error)
