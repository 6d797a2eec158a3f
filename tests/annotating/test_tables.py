"""No row of a table is lost without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.annotating.test_inputs import records


def test_a_quote_that_is_open_at_the_end_is_a_fault_with_what_it_has_swallowed(
    tmp_path: Path,
) -> None:
    swallowed = '2,"open\n3,a\n4,b'
    found = records(tmp_path / "in.csv", f"id,text\n1,a\n{swallowed}\n".encode())
    assert [bool(each.fault) for each in found] == [False, True]
    assert "this is not a row: unexpected end of data" in found[1].fault
    assert found[1].fields == {"line": swallowed} and found[1].place.endswith("in.csv:3")


def test_what_follows_a_closing_quote_is_a_fault_of_that_row(tmp_path: Path) -> None:
    found = records(tmp_path / "in.csv", b'id,text\n1,"a"b\n2,"a\r\nb"\n3,c\n')
    assert [bool(each.fault) for each in found] == [True, False, False]
    assert found[0].fields == {"line": '1,"a"b'}
    assert found[1].text == "a\r\nb"
    assert [each.place.rpartition(":")[2] for each in found] == ["2", "3", "5"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"id,text\r1,a\r", r"in\.csv: the first row cannot be read \(this is not a row: new-line"),
        ("id,text,Größe\n1,a,b\n".encode("latin1"), r"in\.csv: .* \(byte 0xf6 is not UTF-8"),
    ],
)
def test_a_first_row_that_cannot_be_read_is_an_error(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        records(tmp_path / "in.csv", content)
