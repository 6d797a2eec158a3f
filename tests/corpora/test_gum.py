"""GUM: WebAnno's format, the parts and the types of text."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from spacy_genner.corpora.gum import CC_BY, read_gum, read_webanno
from spacy_genner.corpora.record import Record

SPLITS = "# Splits\n\n## dev\n\n  * GUM_bio_byron\n\n## test\n\n  * GUM_news_nasa\n"
HEAD = "#FORMAT=WebAnno TSV 3.2\n#T_SP=webanno.custom.Referent|entity\n\n\n"
DOCUMENTS = (
    "GUM_academic_art",
    "GUM_bio_byron",
    "GUM_bio_chopin",
    "GUM_news_nasa",
    "GUM_reddit_card",
)


def sentence(*rows: tuple[str, str]) -> str:
    """A sentence of tokens, each with its mentions."""
    text = " ".join(token for token, _ in rows)
    lines = [f"1-{i}\t0-1\t{token}\t{types}\tnew\t_\t" for i, (token, types) in enumerate(rows, 1)]
    return "\n".join([f"#Text={text}", *lines, "", ""])


def corpus(folder: Path) -> Path:
    """A folder whose documents consist of their names."""
    (folder / "splits.md").write_text(SPLITS, "utf-8")
    documents = folder / "coref" / "gum" / "tsv"
    documents.mkdir(parents=True)
    for name in DOCUMENTS:
        text = HEAD + sentence((name, "abstract[1]"))
        (documents / f"{name}.tsv").write_text(text, "utf-8")
    return folder


def spans(record: Record) -> list[tuple[str, str]]:
    return [(" ".join(record.tokens[slice(*span.extent)]), span.label) for span in record.spans]


def test_mentions_nest_also_in_one_of_their_own_label(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    rows = [
        ("the", "place[9]"),
        ("capital", "place[9]"),
        ("of", "place[9]"),
        ("Greece", "place[9]|place[10]"),
        (",", "_"),
        ("Athens", "place[11]|organization[12]"),
    ]
    path.write_text(HEAD + sentence(*rows) + sentence(("#1", "_")) + "\n", "utf-8")
    first, second = read_webanno(path)
    assert list(first.tokens) == [token for token, _ in rows]
    assert spans(first) == [
        ("the capital of Greece", "place"),
        ("Greece", "place"),
        ("Athens", "place"),
        ("Athens", "organization"),
    ]
    assert list(second.tokens) == ["#1"] and not second.spans
    assert first.place == f"{path}:6"


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("train", ["GUM_academic_art", "GUM_bio_chopin"]),
        ("dev", ["GUM_bio_byron"]),
        ("test", ["GUM_news_nasa"]),
    ],
)
def test_what_is_not_listed_is_for_training(part: str, names: list[str], tmp_path: Path) -> None:
    records = read_gum(corpus(tmp_path), part)
    assert [record.tokens[0] for record in records] == names


def test_texts_of_other_licences_can_be_left_out(tmp_path: Path) -> None:
    (record,) = read_gum(corpus(tmp_path), "train", CC_BY)
    assert record.tokens == ["GUM_academic_art"]


def test_the_documents_may_be_in_an_archive(tmp_path: Path) -> None:
    corpus(tmp_path)
    text = (HEAD + sentence(("It", "object[1]"))).encode()
    for path in (tmp_path / "coref").rglob("*.tsv"):
        path.unlink()
    for folder in ("coref/gum/tsv", "coref/gum", "coref"):
        (tmp_path / folder).rmdir()
    with tarfile.open(tmp_path / "gum.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("coref/gum/tsv/GUM_news_nasa.tsv")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    (record,) = read_gum(tmp_path, "test")
    assert spans(record) == [("It", "object")]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1-1\t0-1\tAthens", r"a\.tsv:1: '1-1\\t0-1\\tAthens' has too few columns: expected 4"),
        ("1-1\t0-1\tAthens\tplace", r"a\.tsv:1: 'place' is not a mention: expected a label and"),
        ("1-1\t0-1\tAthens\tplace[1]|[2]", r"'\[2\]' is not a mention"),
        ("1-1\t0-1\tAthens\t", r"'' is not a mention"),
    ],
)
def test_damaged_rows_are_named(row: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text(row + "\n", "utf-8")
    with pytest.raises(ValueError, match=message):
        list(read_webanno(tmp_path / "a.tsv"))


def test_a_folder_without_documents_is_refused(tmp_path: Path) -> None:
    (tmp_path / "splits.md").write_text(SPLITS, "utf-8")
    (tmp_path / "coref").mkdir()
    with pytest.raises(ValueError, match=r"has no file GUM_\*_\*\.tsv"):
        read_gum(tmp_path, "train")
