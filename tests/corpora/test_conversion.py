from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_genner.corpora.columns import Layout
from spacy_genner.corpora.conversion import Output, convert_brat, convert_columns, convert_json
from spacy_genner.corpora.conversion_report import Report
from spacy_genner.corpora.offsets import Alignment
from spacy_genner.corpora.tags import Scheme

NLP = spacy.blank("xx")
TAGS = st.sampled_from(
    ["O", *(f"{prefix}-{label}" for prefix in "BIESLU" for label in ("A", "B-c"))]
)
WORDS = st.sampled_from(["a", "Ü", "x y", "", " ", "b "])
ROWS = st.lists(st.tuples(WORDS, TAGS, TAGS), min_size=1, max_size=12)
DEPTH = st.none() | st.integers(1, 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpora")


def written(docs: list[Doc], key: str = "sc") -> Counter[str]:
    return Counter(span.label_ for doc in docs for span in doc.spans[key])


def check(docs: list[Doc], report: Report, read: int) -> None:
    """The promise of a conversion: spans in = spans written + spans reported."""
    assert report.read == read == report.written + sum(report.lost.values())
    assert written(docs) == report.spans
    assert report.documents == len(docs) and report.tokens == sum(map(len, docs))
    assert all(set(doc.ents) <= set(doc.spans["sc"]) for doc in docs)
    assert report.places.keys() == (report.lost + report.changed + report.left_out).keys()


@given(
    st.lists(
        st.tuples(
            st.text("ab -.'\n\u3000", max_size=20),
            st.lists(
                st.tuples(st.integers(-1, 22), st.integers(-1, 22), st.sampled_from("AB")),
                max_size=8,
            ),
        ),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(Alignment),
    DEPTH,
    st.booleans(),
)
def test_no_span_of_json_is_lost_without_report(
    folder: Path,
    records: list[tuple[str, Any]],
    alignment: Alignment,
    max_depth: int | None,
    as_tokens: bool,
) -> None:
    path = folder / "a.jsonl"
    name, cut = ("tokens", list[str]) if as_tokens else ("text", str)
    path.write_text(
        "\n".join(json.dumps({name: cut(text), "spans": spans}) for text, spans in records), "utf-8"
    )
    docs, report = convert_json([path], NLP, Output(max_depth=max_depth), alignment)
    check(docs, report, sum(len(spans) for _, spans in records))
    if not as_tokens:
        assert [doc.text for doc in docs] == [text for text, _ in records]
    assert not any(
        span[0].is_space or span[-1].is_space for doc in docs for span in doc.spans["sc"]
    )


OFFSETS = st.tuples(st.integers(0, 22), st.integers(0, 22))
MARKS = st.lists(
    st.tuples(
        st.lists(OFFSETS, min_size=1, max_size=3),
        st.sampled_from("AB"),
        st.none() | st.text("ab -."),
    ),
    max_size=8,
)


@given(
    st.lists(
        st.tuples(st.text("ab -.'\r\n\t\u3000👍", max_size=20), MARKS), min_size=1, max_size=3
    ),
    st.sampled_from(Alignment),
    DEPTH,
)
def test_no_span_of_brat_is_lost_without_report(
    folder: Path, documents: list[tuple[str, Any]], alignment: Alignment, max_depth: int | None
) -> None:
    paths = [folder / f"{number}.txt" for number in range(len(documents))]
    for path, (text, marks) in zip(paths, documents, strict=True):
        lines = [mark_line(text, *mark) for mark in marks]
        path.write_bytes(text.encode())
        path.with_suffix(".ann").write_bytes("\n".join([*lines, "R1\tA Arg1:T1 Arg2:T1"]).encode())
    docs, report = convert_brat(paths, NLP, Output(max_depth=max_depth), alignment)
    check(docs, report, sum(len(marks) for _, marks in documents))
    assert report.ignored == {"relations": len(documents)}
    for doc, (text, marks) in zip(docs, documents, strict=True):
        assert doc.text in (text, text.replace("\r\n", "\n"))
        if alignment is Alignment.strict and doc.text == text:
            extents = {
                (text[parts[0][0] : parts[-1][1]].strip(), label) for parts, label, _ in marks
            }
            assert {(span.text, span.label_) for span in doc.spans["sc"]} <= extents


def mark_line(text: str, parts: list[tuple[int, int]], label: str, column: str | None) -> str:
    """A line as brat writes it, or one with another text."""
    column = column if column is not None else " ".join(text[start:end] for start, end in parts)
    offsets = ";".join(f"{start} {end}" for start, end in parts)
    return f"T1\t{label} {offsets}\t{column}".replace("\n", " ")


@given(st.lists(ROWS, min_size=1, max_size=4), st.none() | st.sampled_from(Scheme), DEPTH)
def test_no_span_of_columns_is_lost_without_report(
    folder: Path,
    sentences: list[list[tuple[str, str, str]]],
    scheme: Scheme | None,
    max_depth: int | None,
) -> None:
    path = folder / "a.conll"
    path.write_text(
        "\n\n".join("\n".join("\t".join(row) for row in rows) for rows in sentences), "utf-8"
    )
    layout = Layout(tags=(1, 2))
    docs, report = convert_columns(
        [path], NLP, Output(max_depth=max_depth), layout, scheme=scheme, merge=False
    )
    starts = 0
    for rows in sentences:
        for column in (1, 2):
            tags = [row[column] for row in rows]
            starts += sum(
                starts_entity(before, tag) for before, tag in zip(["O", *tags], tags, strict=False)
            )
    check(docs, report, starts)
    words = [[word.strip() for word, _, _ in rows if word.strip()] for rows in sentences]
    assert [[token.text for token in doc] for doc in docs] == words


def starts_entity(before: str, tag: str) -> bool:
    return tag != "O" and (tag[0] in "BSU" or before[0] in "OELSU" or before[2:] != tag[2:])


def columns(folder: Path, *texts: str, **settings: Any) -> tuple[list[Doc], Report]:
    paths = [folder / f"{number}.conll" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, "utf-8")
    output = Output(
        **{
            name: settings.pop(name)
            for name in list(settings)
            if name in Output.__dataclass_fields__
        }
    )
    return convert_columns(
        paths, NLP, output, Layout(), **{"scheme": None, "merge": False, **settings}
    )


def test_files_follow_one_another_or_are_merged(tmp_path: Path) -> None:
    texts = "New B-LOC\nYork I-LOC\n\na O", "New B-ORG\nYork O\n\na O"
    docs, _ = columns(tmp_path, *texts)
    assert [len(doc.spans["sc"]) for doc in docs] == [1, 0, 1, 0]
    docs, report = columns(tmp_path, *texts, merge=True)
    assert [[span.text for span in doc.spans["sc"]] for doc in docs] == [["New York", "New"], []]
    assert report.nested == 1


def test_the_scheme_is_detected_or_given(tmp_path: Path) -> None:
    text = "a I-A\nb B-A\n\nc I-A"
    assert columns(tmp_path, text)[1].scheme == "iob1"
    assert not columns(tmp_path, text)[1].changed
    _, report = columns(tmp_path, text, scheme=Scheme.iob2)
    assert (
        report.scheme == "iob2"
        and report.changed == {"tags not valid in iob2": 2}
        and report.read == 3
    )
    assert report.places["tags not valid in iob2"] == [
        f"{tmp_path}/0.conll:1 I A",
        f"{tmp_path}/0.conll:4 I A",
    ]


def test_a_sample_is_drawn_before_anything_is_counted(tmp_path: Path) -> None:
    text = "\n\n".join(f"w{number} S-A" for number in range(20))
    docs, report = columns(tmp_path, text, limit=5, seed=3)
    numbers = [int(doc[0].text[1:]) for doc in docs]
    assert len(numbers) == 5 == report.read == report.documents and numbers == sorted(numbers)
    assert [doc.text for doc in columns(tmp_path, text, limit=5, seed=3)[0]] == [
        doc.text for doc in docs
    ]
    assert [doc.text for doc in columns(tmp_path, text, limit=5, seed=4)[0]] != [
        doc.text for doc in docs
    ]
    (tmp_path / "a.jsonl").write_text('{"text": "a", "spans": [[0, 1, "A"]]}\n' * 9, "utf-8")
    assert convert_json([tmp_path / "a.jsonl"], NLP, Output(limit=4), Alignment.strict)[1].read == 4


def test_a_sample_of_brat_is_drawn_by_document(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"{number}.txt").write_text(f"w{number}", "utf-8")
        (tmp_path / f"{number}.ann").write_text(f"T1\tA 0 2\tw{number}\n#1\tnote T1\tx", "utf-8")
    docs, report = convert_brat([tmp_path], NLP, Output(limit=4), Alignment.strict)
    assert len(docs) == 4 == report.read == report.ignored["notes"]
    assert sorted(doc.text for doc in docs) == [doc.text for doc in docs]


def test_spans_of_brat_that_cross_or_do_not_align_are_reported(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The New Yorkers met 👍.", "utf-8")
    lines = [
        "T1\tA 0 7\tThe New",
        "T2\tB 4 19\tNew Yorkers met",
        "T3\tC 8 12\tYork",
        "T4\tD 20 21\t👍",
    ]
    (tmp_path / "a.ann").write_text("\n".join(lines), "utf-8")
    (doc,), report = convert_brat([tmp_path], NLP, Output(), Alignment.strict)
    assert [(span.text, span.label_) for span in doc.spans["sc"]] == [
        ("New Yorkers met", "B"),
        ("👍", "D"),
    ]
    place = str(tmp_path / "a.ann")
    assert report.places == {
        "misaligned": [f"{place}:3 [8, 12, C] 'York'"],
        "crossing": [f"{place} [0, 7, A] 'The New'"],
    }
    (doc,), report = convert_brat([tmp_path / "a.ann"], NLP, Output(), Alignment.expand)
    assert [span.text for span in doc.spans["sc"]] == ["New Yorkers met", "Yorkers", "👍"]
    assert report.changed == {"misaligned: expand": 1} and report.lost == {"crossing": 1}


def test_the_group_has_the_name_that_was_asked_for(tmp_path: Path) -> None:
    docs, _ = columns(tmp_path, "a S-A", spans_key="gold")
    assert list(docs[0].spans) == ["gold"] and written(docs, "gold") == {"A": 1}


@pytest.mark.parametrize("merge", [False, True])
def test_a_file_without_sentences_is_named(tmp_path: Path, merge: bool) -> None:
    with pytest.raises(ValueError, match=r"1\.conll has no sentence"):
        columns(tmp_path, "a O", "\n", merge=merge)


def json_docs(folder: Path, *items: Any, **settings: Any) -> tuple[list[Doc], Report]:
    path = folder / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, items)), "utf-8")
    output = Output(
        **{
            name: settings.pop(name)
            for name in list(settings)
            if name in Output.__dataclass_fields__
        }
    )
    docs, report = convert_json([path], NLP, output, Alignment.strict, **settings)
    check(docs, report, report.read)
    return docs, report


def test_records_that_are_no_gold_are_left_out_and_reported(tmp_path: Path) -> None:
    text, span = "May was a good month for the shop.", {"start": 0, "end": 3, "label": "PERSON"}
    rejected = {"text": text, "spans": [span], "answer": "reject"}
    docs, report = json_docs(
        tmp_path, rejected, {"text": text, "answer": "accept"}, {**rejected, "answer": "accept"}
    )
    assert [len(doc.ents) for doc in docs] == [0, 1] and report.read == 1
    assert report.left_out == {"answer: reject": 1}
    assert report.places == {"answer: reject": [f"{tmp_path / 'a.jsonl'}:1"]}


def test_a_sample_is_drawn_from_gold(tmp_path: Path) -> None:
    gold = {"text": "a", "spans": [[0, 1, "A"]]}
    docs, report = json_docs(tmp_path, *[{**gold, "answer": "ignore"}] * 20, gold, gold, limit=2)
    assert len(docs) == 2 and report.left_out == {"answer: ignore": 20}


def test_a_corpus_without_gold_is_an_error(tmp_path: Path) -> None:
    ignored = {"text": "a", "spans": [], "answer": "ignore"}
    with pytest.raises(
        ValueError,
        match=r"every record is left out.*a\.jsonl:1 \(answer: ignore\); .*a\.jsonl:2 \(not",
    ):
        json_docs(tmp_path, ignored, {"data": {"text": "a"}, "annotations": []})


def test_tags_in_json_are_read_as_in_column_files(tmp_path: Path) -> None:
    item = {"tokens": ["New", "York", "and", "Bonn"], "ner_tags": [1, 2, 0, 2]}
    names = ["O", "B-LOC", "I-LOC"]
    (doc,), report = json_docs(tmp_path, item, tag_names=names)
    assert [ent.text for ent in doc.ents] == ["New York", "Bonn"] and report.scheme == "iob2"
    assert report.places == {"tags not valid in iob2": [f"{tmp_path / 'a.jsonl'}:1:4 I LOC"]}
    _, report = json_docs(tmp_path, item, tag_names=names, scheme=Scheme.iob1)
    assert report.scheme == "iob1" and not report.changed


def test_texts_and_tagged_tokens_may_be_mixed(tmp_path: Path) -> None:
    docs, report = json_docs(
        tmp_path, {"text": "Bonn", "spans": []}, {"tokens": ["Bonn"], "ner_tags": ["S-LOC"]}
    )
    assert [len(doc.ents) for doc in docs] == [0, 1] and report.scheme == "bioes"


def test_two_labels_on_one_span_are_not_nested(tmp_path: Path) -> None:
    _, report = json_docs(tmp_path, {"text": "Bonn am Rhein", "spans": [[0, 4, "A"], [0, 4, "B"]]})
    assert report.nested == 0 and report.written == 2
    _, report = json_docs(
        tmp_path, {"text": "Bonn am Rhein", "spans": [[0, 4, "A"], [0, 4, "B"], [0, 13, "C"]]}
    )
    assert report.nested == 2
