from __future__ import annotations

import json
from collections import Counter

from spacy_genner.corpora.conversion_report import SHOWN_PLACES, Report


def example() -> Report:
    report = Report(
        documents=2, tokens=9, read=4, spans=Counter({"ORG": 1, "LOC": 2}), nested=1, scheme="iob1"
    )
    report.lose("crossing", "f:7 'a b' X")
    report.change("white space trimmed", "f:9")
    report.leave_out("answer: reject", "f:3")
    report.ignored["relations"] += 3
    return report


def test_the_table_has_every_number() -> None:
    lines = {" ".join(line.split()) for line in str(example()).splitlines()}
    assert lines >= {
        "tag scheme iob1",
        "documents 2",
        "tokens 9",
        "spans read 4",
        "spans written 3",
        "of them nested 1",
        "label LOC 2",
        "label ORG 1",
        "LOST: crossing 1",
        "changed: white space trimmed 1",
        "ignored: relations 3",
        "First crossing:",
        "f:7 'a b' X",
        "f:9",
        "left out: answer: reject 1",
        "f:3",
    }


def test_json_has_everything() -> None:
    assert json.loads(json.dumps(example().to_dict())) == {
        "documents": 2,
        "tokens": 9,
        "read": 4,
        "written": 3,
        "spans": {"ORG": 1, "LOC": 2},
        "nested": 1,
        "lost": {"crossing": 1},
        "changed": {"white space trimmed": 1},
        "ignored": {"relations": 3},
        "left_out": {"answer: reject": 1},
        "places": {
            "crossing": ["f:7 'a b' X"],
            "white space trimmed": ["f:9"],
            "answer: reject": ["f:3"],
        },
        "scheme": "iob1",
    }


def test_only_the_first_places_are_named_but_all_are_counted() -> None:
    report = Report()
    for line in range(2 * SHOWN_PLACES):
        report.lose("empty", f"f:{line}")
    assert report.lost["empty"] == 2 * SHOWN_PLACES
    assert report.places["empty"] == [f"f:{line}" for line in range(SHOWN_PLACES)]


def test_an_empty_report_prints() -> None:
    assert "documents" in str(Report()) and "scheme" not in str(Report())


def test_texts_of_the_input_are_printed_visibly() -> None:
    report = Report(spans=Counter({"A\x1b]0;B\x07": 1}))
    report.lose("crossing", "f:1 [0, 1, \u202eA\n] 'x'")
    report.ignored["re\u2066lations"] += 1
    assert not {"\x1b", "\x07", "\u202e", "\u2066"} & set(str(report))
    for shown in (r"A\x1b]0;B\x07", r"f:1 [0, 1, \u202eA\n] 'x'", r"re\u2066lations"):
        assert shown in str(report)
    assert report.to_dict()["places"] == {"crossing": ["f:1 [0, 1, \u202eA\n] 'x'"]}, (
        "JSON stays as it is"
    )
