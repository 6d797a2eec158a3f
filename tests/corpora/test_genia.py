"""Reading GENIA's XML: nesting of any depth, the labels of its classes, and the parts."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from unittest.mock import Mock
from xml.etree import ElementTree

import pytest

from spacy_genner.corpora.genia import read_genia
from spacy_genner.corpora.known import KNOWN
from spacy_genner.corpora.record import LeftOut, Record

NAME = "GENIAcorpus3.02.xml"


def term(text: str, sem: str = "") -> str:
    return f'<cons lex="x" sem="{sem}">{text}</cons>' if sem else f'<cons lex="x">{text}</cons>'


def article(name: str, title: str, *sentences: str) -> str:
    body = "".join(f"<sentence>{sentence}</sentence>\n" for sentence in sentences)
    return (
        f"<article>\n<articleinfo>\n<bibliomisc>{name}</bibliomisc>\n</articleinfo>\n"
        f"<title>\n<sentence>{title}</sentence>\n</title>\n<abstract>\n{body}</abstract></article>"
    )


def corpus(folder: Path, *articles: str, **parts: str) -> Path:
    """A folder with the corpus, and for each part the names of its abstracts."""
    splits = folder / "full" / "splits"
    splits.mkdir(parents=True)
    for part, names in parts.items():
        (splits / f"{part}.txt").write_text("\n".join(names.split()) + "\n", "utf-8")
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE set SYSTEM "gpml.dtd">\n'
    xml = f"{head}<set>\n{''.join(articles)}</set>\n"
    (folder / "full" / NAME).write_text(xml, "utf-8")
    return folder


def read(folder: Path, part: str) -> list[Record]:
    return [item for item in read_genia(folder, part) if isinstance(item, Record)]


def spans(record: Record) -> list[tuple[str, str]]:
    text = record.text or ""
    return [(text[slice(*span.extent)], span.label) for span in record.spans]


NESTED = (
    f"The {term(term('IL-2', 'G#protein_molecule') + ' gene', 'G#DNA_domain_or_region')}, "
    f"&lt;5 {term('B ' + term('T cells', 'G#cell_type'), 'G#cell_line')}"
)


def test_terms_are_spans_at_every_level(tmp_path: Path) -> None:
    corpus(tmp_path, article("M:1", NESTED), dev="M:1")
    (record,) = read(tmp_path, "dev")
    assert record.text == "The IL-2 gene, <5 B T cells" and record.place == "M:1, sentence 1"
    assert spans(record) == [
        ("IL-2 gene", "DNA"),
        ("IL-2", "protein"),
        ("B T cells", "cell_line"),
        ("T cells", "cell_type"),
    ]


@pytest.mark.parametrize(
    ("sem", "label"),
    [
        ("G#protein_family_or_group", "protein"),
        ("G#protein_N/A", "protein"),
        ("G#RNA_molecule", "RNA"),
        ("G#cell_line", "cell_line"),
        ("G#cell_component", None),
        ("G#other_name", None),
        ("G#peptide", None),
    ],
)
def test_a_class_has_the_label_of_its_first_part_or_is_counted(
    sem: str, label: str | None, tmp_path: Path
) -> None:
    corpus(tmp_path, article("M:1", term("x", sem)), test="M:1")
    (record,) = read(tmp_path, "test")
    assert spans(record) == ([("x", label)] if label else [])
    assert record.ignored == (() if label else ("terms of other classes",))


def test_coordinations_are_counted_and_what_is_in_them_is_read(tmp_path: Path) -> None:
    text = term(f"{term('T')} and {term('B', 'G#cell_type')} {term('cells')}", "(AND G#cell_type)")
    corpus(tmp_path, article("M:1", f"{text} die."), train="M:1")
    (record,) = read(tmp_path, "train")
    assert record.text == "T and B cells die." and spans(record) == [("B", "cell_type")]
    assert record.ignored == ("coordinations",)


def test_a_part_has_its_abstracts_in_the_order_of_its_list(tmp_path: Path) -> None:
    articles = [article(f"M:{i}", f"title {i}", f"text {i}", f"end {i}") for i in range(4)]
    corpus(tmp_path, *articles, articles[3], train="M:3 M:1", dev="M:0")
    texts = [record.text for record in read(tmp_path, "train")]
    assert texts == [*("title 3", "text 3", "end 3") * 2, "title 1", "text 1", "end 1"]
    assert [record.text for record in read(tmp_path, "dev")] == ["title 0", "text 0", "end 0"]


def test_training_sentences_of_other_parts_are_left_out(tmp_path: Path) -> None:
    articles = [article(name, "Results.", f"{name} binds.") for name in ("a", "b", "c")]
    articles += [article("d", "a  binds.", "New.")]
    corpus(tmp_path, *articles, train="d a", dev="b", test="c a")
    items = KNOWN["genia"].parts["train"](tmp_path)
    assert [item.text for item in items if isinstance(item, Record)] == ["New."]
    left_out = [item for item in items if isinstance(item, LeftOut)]
    assert {item.reason for item in left_out} == {"its text is in another part, too"}
    assert [item.place for item in left_out] == ["d, sentence 1", "a, sentence 1", "a, sentence 2"]


def test_the_xml_is_parsed_once_for_all_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus(tmp_path, article("M:1", "a"), article("M:2", "b"), train="M:1", dev="M:2", test="M:2")
    parse = Mock(wraps=ElementTree.fromstring)
    monkeypatch.setattr(ElementTree, "fromstring", parse)
    assert len(KNOWN["genia"].parts["train"](tmp_path)) == 1
    parse.assert_called_once()


def test_the_archive_of_the_authors_is_read(tmp_path: Path) -> None:
    corpus(tmp_path, article("M:1", NESTED), dev="M:1")
    plain = read(tmp_path, "dev")
    content = (tmp_path / "full" / NAME).read_bytes()
    (tmp_path / "full" / NAME).unlink()
    with tarfile.open(tmp_path / "full" / "GENIAcorpus3.02.tgz", "w:gz") as archive:
        info = tarfile.TarInfo(f"GENIA_term_3.02/{NAME}")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    assert read(tmp_path, "dev") == plain


def test_what_is_damaged_is_named(tmp_path: Path) -> None:
    corpus(tmp_path, article("M:1", NESTED), dev="M:1", test="M:2")
    with pytest.raises(ValueError, match=r"test\.txt: GENIAcorpus3\.02\.xml has no abstract 'M:2'"):
        read_genia(tmp_path, "test")
    xml = tmp_path / "full" / NAME
    xml.write_text(xml.read_text("utf-8")[:-9], "utf-8")
    with pytest.raises(ValueError, match=r"full: GENIAcorpus3\.02\.xml is not XML \("):
        read_genia(tmp_path, "dev")
    (tmp_path / "full" / "GENIAcorpus3.02.tgz").write_bytes(b"404")
    with pytest.raises(ValueError, match=r"GENIAcorpus3\.02\.tgz cannot be unpacked"):
        read_genia(tmp_path, "dev")
