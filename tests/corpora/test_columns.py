from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from spacy_genner.corpora.columns import Layout, Sentence, merge_files, read_columns

LAYOUT = Layout()


def read(
    tmp_path: Path, text: str, layout: Layout = LAYOUT, name: str = "a.conll"
) -> list[Sentence]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_columns(path, layout)


def spans(sentence: Sentence) -> list[tuple[str, str]]:
    return [
        (" ".join(sentence.words[entity.start : entity.end]), entity.label)
        for level in sentence.levels
        for entity, _ in level.chunks
    ]


@pytest.mark.parametrize("gap", ["\t", " ", "   "])
def test_tabs_and_spaces_separate_columns(tmp_path: Path, gap: str) -> None:
    one, two = read(tmp_path, f"New{gap}B-LOC\nYork{gap}I-LOC\n\n!{gap}O\n")
    assert one.words == ["New", "York"] and spans(one) == [("New York", "LOC")]
    assert two.words == ["!"] and spans(two) == []


def test_sentences_end_at_lines_of_white_space_and_docstart(tmp_path: Path) -> None:
    text = "\n\n-DOCSTART- -X- O\n\na O\n\t\nb O\n  \n\nc O\n-DOCSTART- O\nd O"
    assert [sentence.words for sentence in read(tmp_path, text)] == [["a"], ["b"], ["c"], ["d"]]


@pytest.mark.parametrize("text", ["", "\n", "\n-DOCSTART- O\n\n", "\ufeff"])
def test_a_file_without_sentences_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(
        ValueError, match=r"a\.conll has no sentence: expected a token in each line"
    ):
        read(tmp_path, text)


def test_a_hash_is_a_token_unless_it_is_named_as_comment(tmp_path: Path) -> None:
    assert read(tmp_path, "# O\n#tag O\n")[0].words == ["#", "#tag"]
    commented = read(tmp_path, "# id: 1 O\na O\n# more\nb B-A\n", Layout(comment="# "))
    assert commented[0].words == ["a", "b"]
    assert commented[0].levels[0].lines == [2, 4]


def test_words_may_be_empty_or_hold_spaces_where_tabs_separate(tmp_path: Path) -> None:
    assert read(tmp_path, "\tO\nke s\tO\n \tO\n\xa0\tO\n")[0].words == ["", "ke s", " ", "\xa0"]


def test_columns_are_chosen(tmp_path: Path) -> None:
    text = "1\tDer\tx\tO\tO\t\n2\tKölner\tx\tB-ORG\tB-LOCderiv\t\n3\tZoo\tx\tI-ORG\tO\t\n"
    (sentence,) = read(tmp_path, text, Layout(token=1, tags=(3, -2)))
    assert sentence.words == ["Der", "Kölner", "Zoo"]
    assert spans(sentence) == [("Kölner Zoo", "ORG"), ("Kölner", "LOCderiv")]


def test_the_last_column_holds_the_tags_unless_told_otherwise(tmp_path: Path) -> None:
    assert spans(read(tmp_path, "EU NNP I-NP I-ORG\n")[0]) == [("EU", "ORG")]


def test_no_space_after_where_the_file_says_so(tmp_path: Path) -> None:
    text = "1\tGo\tO\tSpaceAfter=No\n2\t!\tO\tA=b|SpaceAfter=No\n3\tx\tO\t_\n"
    assert read(tmp_path, text, Layout(token=1, tags=(2,)))[0].spaces == [False, False, True]


def test_gzip(tmp_path: Path) -> None:
    path = tmp_path / "a.conll.gz"
    path.write_bytes(gzip.compress(b"Bonn B-LOC\n"))
    assert spans(read_columns(path, Layout())[0]) == [("Bonn", "LOC")]


@pytest.mark.parametrize(
    ("text", "layout", "message"),
    [
        ("a O\nb X\n", Layout(), r"a\.conll:2: 'X' is not a tag"),
        (
            "# text = some words\na O\n",
            Layout(),
            r"a\.conll:1: 'words' is not a tag.*say how comments start with --comment",
        ),
        ("a\tO\nb\n", Layout(), r"a\.conll:2: 'b' is not a tag"),
        (
            "a\tO\n",
            Layout(tags=(1, 2)),
            r"a\.conll:1: columns 0, 1, 2 are wanted, counted from 0, but the line has 2",
        ),
        ("a\tO\n", Layout(token=-3), r"columns -3, -1 are wanted"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, text: str, layout: Layout, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text, layout)


def test_files_of_one_text_are_merged(tmp_path: Path) -> None:
    org = read(tmp_path, "Kölner B-ORG\nZoo I-ORG\n\na O\n", name="org")
    loc = read(tmp_path, "Kölner B-LOC\nZoo O\n\na O\n", name="loc")
    one, two = merge_files([org, loc])
    assert spans(one) == [("Kölner Zoo", "ORG"), ("Kölner", "LOC")] and two.words == ["a"]
    assert [Path(level.place).name for level in one.levels] == ["org", "loc"]
    assert one.place == f"{tmp_path / 'org'}:1"


def test_files_of_different_texts_are_not_merged(tmp_path: Path) -> None:
    one = read(tmp_path, "a O\n\nb O\n", name="one")
    with pytest.raises(
        ValueError,
        match=r"the same number of sentences: there are 2 from .*one:1 on, but 1 from .*two:1 on",
    ):
        merge_files([one, read(tmp_path, "a O\n", name="two")])
    with pytest.raises(ValueError, match=r"same words: .*one:3 and .*three:4 differ"):
        merge_files([one, one, read(tmp_path, "a O\n\n\nc O\n", name="three")])
