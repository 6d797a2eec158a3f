from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
import spacy

from spacy_genner.corpora.brat import KINDS, FilePair, find_pairs, read_pair
from spacy_genner.corpora.conversion_report import Report
from spacy_genner.corpora.offsets import Alignment, record_doc

EACH_CHARACTER = spacy.blank("zh")
"""Cuts a text into characters."""

TEXT = "Left and right arm\nof John  Smith"


Found = list[tuple[int, int, str]]


def read(folder: Path, text: str, annotations: str) -> tuple[Found, Report]:
    """The spans that become gold, with character offsets, and the report."""
    pair = FilePair(folder / "a.txt", folder / "a.ann")
    pair.text.write_bytes(text.encode())
    pair.annotations.write_bytes(annotations.encode())
    report = Report()
    doc, entities = record_doc(read_pair(pair), EACH_CHARACTER, Alignment.strict, report)
    assert doc.text == text and report.read == len(entities) + report.lost.total()
    spans = [doc[entity.start : entity.end] for entity in entities]
    return [
        (span.start_char, span.end_char, e.label) for span, e in zip(spans, entities, strict=True)
    ], report


def lost(folder: Path, text: str, annotation: str) -> tuple[str, str]:
    """The reason and the place of the only loss, of a document with only one annotation."""
    spans, report = read(folder, text, annotation)
    assert spans == [] and report.read == 1 and not report.changed
    ((reason, places),) = report.places.items()
    assert report.lost == {reason: 1}
    return reason, places[0]


def test_spans_have_character_offsets_and_labels(tmp_path: Path) -> None:
    spans, report = read(
        tmp_path, TEXT, "T1\tBody_Part 9 18\tright arm\nT22\tPER 22 33\tJohn  Smith\n"
    )
    assert spans == [(9, 18, "Body_Part"), (22, 33, "PER")]
    assert report == Report(read=2), "what is written is counted later"


def test_lines_that_are_no_spans_are_counted_by_kind(tmp_path: Path) -> None:
    lines = [
        "T1\tPER 22 26\tJohn",
        "R1\tOwns Arg1:T1 Arg2:T2\t",
        "R2\tOwns Arg1:T2 Arg2:T1\t",
        "E1\tHurt:T1 Who:T1",
    ]
    lines += [
        "A1\tAlive T1",
        "M1\tNegation E1",
        "N1\tReference T1 Wikipedia:1\tJohn",
        "*\tEquiv T1 T2",
        "",
        " ",
    ]
    lines += ["#1\tAnnotatorNotes T1\twho?", "# a comment"]
    spans, report = read(tmp_path, TEXT, "\n".join(lines))
    assert spans == [(22, 26, "PER")]
    assert report.ignored == {
        kind: 2 if kind in ("relations", "notes") else 1 for kind in KINDS.values()
    }
    assert not report.lost and not report.changed


def test_a_discontinuous_span_is_lost(tmp_path: Path) -> None:
    reason, place = lost(tmp_path, TEXT, "R1\tx y\n\nT1\tBODY 0 4;15 18\tLeft arm")
    assert reason == "discontinuous"
    assert place == (
        f"{tmp_path / 'a.ann'}:3 [0, 4, 15, 18, BODY] 'Left arm', in the text 'Left and right arm'"
    )  # fmt: skip


@pytest.mark.parametrize(
    "annotation",
    ["9 14;0 4\tright Left", "0 8;5 14\tLeft and and right", "22 26;15 18\tJohn arm"],
)
def test_parts_out_of_order_are_discontinuous(tmp_path: Path, annotation: str) -> None:
    assert lost(tmp_path, TEXT, f"T1\tX {annotation}")[0] == "discontinuous"


@pytest.mark.parametrize(
    ("annotation", "span"),
    [("15 18;19 21\tarm of", (15, 21)), ("22 26;28 33\tJohn Smith", (22, 33)), ("0 4;4 8\tLeft and", (0, 8)),
     ("15 18;19 21\tarmof", (15, 21)), ("15 18;19 21;22 26\tarm of John", (15, 26))],
)  # fmt: skip
def test_parts_with_white_space_between_are_joined(
    tmp_path: Path, annotation: str, span: tuple[int, int]
) -> None:
    """So brat writes a span across a line end; before its version 1.3 it put no space between the
    parts."""
    spans, report = read(tmp_path, TEXT, f"T1\tX {annotation}")
    assert spans == [(*span, "X")]
    assert report.changed == {"parts joined": 1} and not report.lost
    assert report.places["parts joined"][0].startswith(f"{tmp_path / 'a.ann'}:1 [")


@pytest.mark.parametrize(
    "offsets", ["28 34", "40 50", "6 4", "0 4;15 99", "99 100;0 4", "0 4;18 15"]
)
def test_offsets_beyond_the_text_are_lost(tmp_path: Path, offsets: str) -> None:
    assert lost(tmp_path, TEXT, f"T1\tX {offsets}\tSmith")[0] == "offsets out of range"


@pytest.mark.parametrize("column", ["Left a", "left", "Lef t!", "", "Left\tand"])
def test_a_span_with_another_text_is_lost(tmp_path: Path, column: str) -> None:
    reason, place = lost(tmp_path, TEXT, f"T1\tX 0 4\t{column}")
    assert reason == "text differs"
    assert place.endswith(f":1 [0, 4, X] {column!r}, in the text 'Left'")


@pytest.mark.parametrize("column", ["arm of", "arm  of ", "arm\r of", "arm\u2028of"])
def test_white_space_makes_no_other_text(tmp_path: Path, column: str) -> None:
    spans, report = read(tmp_path, TEXT, f"T1\tX 15 21\t{column}")
    assert spans == [(15, 21, "X")] and not report.lost


def test_offsets_count_characters(tmp_path: Path) -> None:
    text = "👍🏽 🇩🇪 Müller e\u0301 東京"
    spans, report = read(
        tmp_path, text, f"T1\t人物 6 12\tMüller\nT2\tX 0 2\t👍🏽\nT3\tLOC 16 18\t{text[16:18]}"
    )
    assert spans == [(6, 12, "人物"), (0, 2, "X"), (16, 18, "LOC")] and not report.lost


def test_utf_16_units_are_noticed(tmp_path: Path) -> None:
    """As Java and JavaScript count: two for the first character."""
    spans, report = read(tmp_path, "😀 Bonn am Rhein", "T1\tLOC 3 7\tBonn")
    assert spans == [(2, 6, "LOC")] and report.changed == {"offsets count UTF-16 units": 1}


def test_bytes_are_not_guessed(tmp_path: Path) -> None:
    reason, place = lost(tmp_path, "😀 Bonn am Rhein", "T1\tLOC 5 9\tBonn")
    assert reason == "text differs" and place.endswith("'Bonn', in the text 'n am'")


CRLF = "Ann of\r\nLeeds\r\nmet Bob."


def test_crlf_counts_two_as_brat_counts(tmp_path: Path) -> None:
    spans, report = read(
        tmp_path, CRLF, "T1\tPER 0 3\tAnn\r\nT2\tLOC 8 13\tLeeds\r\nT3\tPER 19 22\tBob\r\n"
    )
    assert spans == [(0, 3, "PER"), (8, 13, "LOC"), (19, 22, "PER")]
    assert not report.lost and not report.changed


def test_crlf_counts_one_where_the_annotations_say_so(tmp_path: Path) -> None:
    """A file that was given other line ends after it had been annotated. One annotation is wrong,
    and stays so."""
    spans, report = read(
        tmp_path,
        CRLF,
        "T1\tPER 0 3\tAnn\nT2\tLOC 7 12\tLeeds\nT3\tPER 17 20\tBob\nT4\tX 8 13\tLeeds",
    )
    assert spans == [(0, 3, "PER"), (8, 13, "LOC"), (19, 22, "PER")], "the text stays as it is"
    assert report.changed == {"CRLF read as one character": 1} and report.lost == {
        "text differs": 1
    }
    assert report.places["CRLF read as one character"] == [str(tmp_path / "a.ann")]


def test_texts_of_annotations_may_hold_a_carriage_return(tmp_path: Path) -> None:
    """So brat cuts a span in a text with CRLF."""
    spans, report = read(tmp_path, CRLF, "T1\tX 0 7;8 13\tAnn of\r Leeds\nT2\tPER 19 22\tBob")
    assert spans == [(0, 13, "X"), (19, 22, "PER")] and report.changed == {"parts joined": 1}


@pytest.mark.parametrize("annotations", ["", "\n", "\r\n\r\n", "# nothing here\n"])
@pytest.mark.parametrize("text", ["", " \n", "Hello.", "a\r\nb"])
def test_a_text_may_have_no_annotations(tmp_path: Path, text: str, annotations: str) -> None:
    spans, report = read(tmp_path, text, annotations)
    assert spans == [] and not report.lost and not report.changed


def test_an_empty_text_has_no_spans(tmp_path: Path) -> None:
    assert lost(tmp_path, "", "T1\tX 0 1\ta")[0] == "offsets out of range"


@pytest.mark.parametrize(
    "line",
    ["T1", "T1\tPER", "T1\tPER 0 4", "T1\tPER 0\tLeft", "T1\tPER 0-4\tLeft", "T1\tPER -1 4\tLeft", "T1 PER 0 4 Left",
     "T1\t0 4\tLeft", "T1\tPER 0 4;\tLeft", "T1\tPER 0 4; 5 8\tLeft and", "T1\tA B 0 4\tLeft", "T\tPER 0 4\tLeft",
     "T1\tPER 0 4 5\tLeft", "T1\tPER 0.0 4.0\tLeft", "Left and", "R1 Owns Arg1:T1 Arg2:T2", "Revision", "X1\tY T1",
     "*Equiv T1 T2", " T1\tPER 0 4\tLeft", "T1\tPER 0 " + "9" * 5000 + "\tLeft"],
)  # fmt: skip
def test_a_line_that_is_no_annotation_is_named(tmp_path: Path, line: str) -> None:
    place = re.escape(
        f"{tmp_path / 'a.ann'}:2: {line!r:.80} is not an annotation: expected T1, a tab"
    )
    with pytest.raises(ValueError, match=place):
        read(tmp_path, TEXT, f"T9\tPER 22 26\tJohn\n{line}\r\n")


@pytest.mark.parametrize("name", ["a.txt", "a.ann"])
def test_a_file_that_is_no_text_is_named(tmp_path: Path, name: str) -> None:
    read(tmp_path, TEXT, "")
    (tmp_path / name).write_bytes("Ä".encode("latin-1"))
    with pytest.raises(ValueError, match=rf"{name} cannot be read .* expected UTF-8"):
        read_pair(FilePair(tmp_path / "a.txt", tmp_path / "a.ann"))


def corpus(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return paths


def names(pairs: list[FilePair], folder: Path) -> list[str]:
    for pair in pairs:
        stems = {str(file).removesuffix(".gz").rpartition(".")[0] for file in pair}
        assert len(stems) == 1 and ".txt" in pair.text.name and ".ann" in pair.annotations.name
    return [str(pair.annotations.relative_to(folder)) for pair in pairs]


def test_a_folder_has_the_documents_of_all_folders_inside(tmp_path: Path) -> None:
    corpus(
        tmp_path,
        "b.txt",
        "b.ann",
        "a.v1.txt",
        "a.v1.ann",
        "in/b.ann",
        "in/b.txt",
        "visual.conf",
        "in/x.txt~",
    )
    assert names(find_pairs([tmp_path]), tmp_path) == [
        "a.v1.ann",
        "b.ann",
        str(Path("in", "b.ann")),
    ]


def test_files_keep_their_order_and_one_of_a_pair_is_enough(tmp_path: Path) -> None:
    text, _, annotations, _, _, other = corpus(
        tmp_path, "b.txt", "b.ann", "a.ann", "a.txt", "in/c.txt", "in/c.ann"
    )
    found = find_pairs([text, annotations, annotations.with_suffix(".txt"), other.parent])
    assert names(found, tmp_path) == ["b.ann", "a.ann", str(Path("in", "c.ann"))]


def test_files_may_be_compressed(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(CRLF.encode()))
    (tmp_path / "a.ann.gz").write_bytes(gzip.compress(b"T1\tLOC 8 13\tLeeds\n"))
    (pair,) = find_pairs([tmp_path])
    record = read_pair(pair)
    assert record.text == CRLF and [span.extent for span in record.spans] == [(8, 13)]


@pytest.mark.parametrize(
    ("there", "missing"), [("b.txt", "b.ann"), ("b.ann", "b.txt"), ("b.ann.gz", "b.txt")]
)
@pytest.mark.parametrize("by_name", [True, False])
def test_a_file_without_its_partner_is_named(
    tmp_path: Path, there: str, missing: str, by_name: bool
) -> None:
    *_, path = corpus(tmp_path, "a.txt", "a.ann", there)
    message = re.escape(f"{tmp_path / missing} is missing: each NAME.txt needs a NAME.ann")
    with pytest.raises(ValueError, match=message):
        find_pairs([path if by_name else tmp_path])


@pytest.mark.parametrize("name", ["other.tsv", ".txt", "txt", "a.txt.zip", "empty"])
def test_inputs_of_another_kind_are_named(tmp_path: Path, name: str) -> None:
    _, _, other = corpus(tmp_path, "a.txt", "a.ann", name)
    with pytest.raises(ValueError, match=re.escape(f"{other}: expected NAME.txt or NAME.ann")):
        find_pairs([tmp_path / "a.txt", other])


def test_a_folder_without_documents_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(ValueError, match=re.escape(f"{tmp_path}: expected NAME.txt or NAME.ann")):
        find_pairs([tmp_path])
