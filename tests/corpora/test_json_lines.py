from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spacy_genner.corpora.json_lines import read_json

SPAN = {"start": 0, "end": 4, "label": "LOC"}


def test_records_have_places(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        json.dumps({"text": "Bonn", "spans": [SPAN]}) + "\n\n" + json.dumps({"text": "", "spans": []}), "utf-8"
    )
    one, two = read_json(path)
    assert (one.text, one.place, two.text, two.place) == ("Bonn", f"{path}:1", "", f"{path}:3")


@pytest.mark.parametrize("value", [3, "text", None])
def test_bad_records_are_named(tmp_path: Path, value: Any) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"text": "", "spans": []}, value]), "utf-8")
    with pytest.raises(ValueError, match=r"a\.json\[1\] is a (int|str|NoneType): expected an object"):
        read_json(tmp_path / "a.json")
