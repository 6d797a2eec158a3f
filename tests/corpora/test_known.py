"""The table of known corpora: its rows are complete, and each part is read by its rule."""

from __future__ import annotations

import io
import json
import random
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from spacy.tokens import Doc

from spacy_genner.corpora.conversion import Output
from spacy_genner.corpora.conversion_report import Report
from spacy_genner.corpora.known import KNOWN, convert_known, known_corpus
from spacy_genner.corpora.offsets import Alignment
from spacy_genner.labels.schemes import definitions

CONFIGS = Path(__file__).parent.parent.parent / "configs"
NAMES = [f"paper{number}" for number in range(7)]
ANNOTATION = "T1\tMaterial 4 9\twater\n"
RECIPE = [
    {"type": "FOOD", "span": "[(2, 6)]", "entity": "eggs"},
    {"type": "FOOD", "span": "[(0, 1), (2, 6)]", "entity": "2 eggs"},
]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf8")


def write_all(files: dict[str, str], folder: Path, archive: Path | None) -> None:
    """Write files into a folder, or into an archive."""
    if archive is None:
        for name, text in files.items():
            write(folder / name, text)
        return
    with tarfile.open(archive, "w:gz") as packed:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            packed.addfile(info, io.BytesIO(text.encode()))


def converted(
    name: str, part: str, folder: Path, limit: int | None = None
) -> tuple[list[Doc], Report]:
    nlp = known_corpus(name).training.blank()
    return convert_known(name, part, folder, nlp, Output(limit=limit), Alignment.expand)


def recipes(entities: str) -> str:
    """The table with one recipe, whose entities are written like this."""
    quoted = entities.replace('"', '""')
    return f'ingredients,ingredients_entities\n2 eggs,"{quoted}"\n'


def spans(doc: Doc) -> list[tuple[str, str]]:
    return [(span.text, span.label_) for span in doc.spans["sc"]]


@pytest.mark.parametrize("name", KNOWN)
def test_a_row_is_complete(name: str) -> None:
    corpus = KNOWN[name]
    assert corpus.title and corpus.licence and corpus.citation and corpus.split
    assert corpus.sources and all(source.startswith("https://") for source in corpus.sources)
    assert {corpus.training.part, "train", "dev", "test"} <= set(corpus.parts)
    assert (CONFIGS / f"{corpus.training.baseline}.cfg").exists()
    assert (corpus.training.max_depth == 1) == (corpus.training.baseline == "ner")
    assert corpus.training.steps % corpus.training.eval_frequency == 0
    assert definitions(corpus.scheme)


def test_unknown_corpora_and_parts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="corpus 'wnut' is not known: choose one of wnut17, "):
        converted("wnut", "train", tmp_path)
    with pytest.raises(ValueError, match="wnut17 has no part 'fit': choose one of train, dev, "):
        converted("wnut17", "fit", tmp_path)


@pytest.mark.parametrize(
    ("name", "part", "missing"),
    [
        ("wnut17", "test", "emerging.test.annotated"),
        ("genia", "dev", "GENIAcorpus3.02.xml"),
        ("germeval14", "train", "LOC_train.conll"),
        ("stockmark-ja", "test", "ner.json"),
        ("wikigold", "test", "wikigold.conll.txt"),
        ("few-nerd", "train", "test.txt"),
        ("litbank", "train", "brat"),
        ("mspt", "dev", "ner-dev-fnames.txt"),
        ("tasteset", "test", "TASTEset.csv"),
        ("gum", "test", "splits.md"),
        ("wlp", "test", "wlp.tar.gz"),
        ("snips", "test", "validate_AddToPlaylist.json"),
        ("sec-fin", "test", "FIN3.test.txt"),
    ],
)
def test_a_missing_file_is_named(name: str, part: str, missing: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"{missing}: there is no such file, nor a .gz"):
        converted(name, part, tmp_path)


def test_an_empty_folder_is_no_re3d(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no folder with documents\.json"):
        converted("re3d", "train", tmp_path)


def test_columns_that_annotate_the_same_text_are_merged(tmp_path: Path) -> None:
    tags = {"LOC": "O B-LOC O", "ORG": "B-ORG I-ORG O", "part": "O O B-PERpart"}
    for labels in ("LOC", "LOCderiv", "ORG", "ORGpart", "OTH", "PER", "deriv", "part"):
        rows = zip(["Uni", "Bonn", "Kohl-Erbe"], tags.get(labels, "O O O").split(), strict=True)
        write(
            tmp_path / "mlc" / f"{labels}_train.conll",
            "".join(f"{word} {tag}\n" for word, tag in rows) + "\n",
        )
    (doc,), report = converted("germeval14", "train", tmp_path)
    assert spans(doc) == [("Uni Bonn", "ORG"), ("Bonn", "LOC"), ("Kohl-Erbe", "PERpart")]
    assert not report.lost and doc.lang_ == "de"


@pytest.mark.parametrize("part", ["dev", "test"])
def test_columns_with_two_levels(part: str, tmp_path: Path) -> None:
    write(tmp_path / f"germ.{part}.iob2", "Uni\tB-ORG\tO\nBonn\tI-ORG\tB-LOC\n\n")
    (doc,), _ = converted("germeval14", part, tmp_path)
    assert spans(doc) == [("Uni Bonn", "ORG"), ("Bonn", "LOC")]


def test_japanese_is_cut_at_every_letter_without_its_analyser(tmp_path: Path) -> None:
    record = {
        "curid": "1",
        "text": "田中はIBMの人。",
        "entities": [
            {"name": "田中", "span": [0, 2], "type": "人名"},
            {"name": "IBM", "span": [3, 6], "type": "法人名"},
        ],
    }
    write(tmp_path / "ner.json", json.dumps([record]))
    (doc,), report = converted("stockmark-ja", "test", tmp_path)
    assert [token.text for token in doc] == ["田", "中", "は", "IBM", "の", "人", "。"]
    assert spans(doc) == [("田中", "人名"), ("IBM", "法人名")] and not report.changed


def test_the_sentences_of_a_page_stay_together(tmp_path: Path) -> None:
    pages = ["a", "b", "a", "c", "d", "e", "f", "b"]
    records = [
        {"curid": page, "text": f"{page}{i}", "entities": []} for i, page in enumerate(pages)
    ]
    write(tmp_path / "ner.json", json.dumps(records))
    texts = {
        part: [doc.text for doc in converted("stockmark-ja", part, tmp_path)[0]]
        for part in ("test", "dev", "fit")
    }
    assert texts == {"test": ["a0", "a2", "f6"], "dev": ["b1", "b7"], "fit": ["c3", "d4", "e5"]}


@pytest.mark.parametrize("record", [{"text": "a", "entities": []}, {"curid": 1}, ["a"]])
def test_a_sentence_without_a_page_is_refused(record: Any, tmp_path: Path) -> None:
    write(tmp_path / "ner.json", json.dumps([record]))
    with pytest.raises(ValueError, match=r"ner\.json\[0\]: expected an object with curid, a"):
        converted("stockmark-ja", "test", tmp_path)


def test_the_sentences_of_an_article_stay_together(tmp_path: Path) -> None:
    articles = [f"Bonn{i} I-LOC\n\nlies O\nthere{i} O\n\n-DOCSTART- O\n" for i in range(7)]
    write(tmp_path / "wikigold.conll.txt", "\n".join(articles))
    docs, report = converted("wikigold", "test", tmp_path)
    assert [doc.text.strip() for doc in docs] == ["Bonn0", "lies there0", "Bonn5", "lies there5"]
    assert [spans(doc) for doc in docs] == [[("Bonn0", "LOC")], [], [("Bonn5", "LOC")], []]
    assert report.scheme == "iob1"


def test_training_sentences_that_another_file_has_are_left_out(tmp_path: Path) -> None:
    names = [f"Name{i}" for i in range(6)]
    write(tmp_path / "dev.txt", "".join(f"{name}\tB-person_director\n\n" for name in names))
    write(tmp_path / "test.txt", "Name5\tB-person_director\n\nNew\tB-person_director\n\n")
    train, report = converted("few-nerd", "train", tmp_path)
    assert [spans(doc) for doc in train] == [[("New", "person_director")]]
    assert report.left_out == {"its text is in another part, too": 1}
    held_out = {
        part: [doc.text.strip() for doc in converted("few-nerd", part, tmp_path)[0]]
        for part in ("dev", "test")
    }
    assert held_out == {"dev": ["Name0", "Name1", "Name5"], "test": ["Name2", "Name3", "Name4"]}


@pytest.mark.parametrize(
    ("part", "numbers"),
    [("train", [1, 2, 3, 4, 6]), ("fit", [2, 3, 4]), ("dev", [1, 6]), ("test", [0, 5])],
)
def test_every_fifth_document_is_for_testing(part: str, numbers: list[int], tmp_path: Path) -> None:
    for name in NAMES:
        write(tmp_path / "brat" / f"{name}.txt", f"The water of {name}.")
        write(tmp_path / "brat" / f"{name}.ann", ANNOTATION)
    docs, _ = converted("litbank", part, tmp_path)
    assert [doc.text for doc in docs] == [f"The water of paper{number}." for number in numbers]
    assert [spans(doc) for doc in docs] == [[("water", "Material")]] * len(numbers)
    drawn, _ = converted("litbank", part, tmp_path, limit=1)
    assert len(drawn) == 1 and drawn[0].text in [doc.text for doc in docs]


@pytest.mark.parametrize("packed", [False, True])
def test_documents_that_a_list_names(packed: bool, tmp_path: Path) -> None:
    files = {}
    for name in NAMES:
        files[f"data/{name}.txt"] = f"The water of {name}."
        files[f"data/{name}.ann"] = ANNOTATION
    write_all(files, tmp_path, tmp_path / "mspt.tar.gz" if packed else None)
    write(tmp_path / "ner-dev-fnames.txt", "paper3\npaper1\n")
    docs, _ = converted("mspt", "dev", tmp_path)
    assert [doc.text for doc in docs] == ["The water of paper3.", "The water of paper1."]


@pytest.mark.parametrize("packed", [False, True])
def test_protocols_of_a_part_without_the_sentences_of_others(packed: bool, tmp_path: Path) -> None:
    verbs = {
        "train_data": ("Add", "Mix", "Spin", "Wash"),
        "dev_data": ("Mix",),
        "test_data": ("Spin",),
        "test_data_2020": ("Wash",),
    }
    files = {
        f"data/{part}/Conll_Format/protocol_{number}_conll.txt": f"{verb}\tB-Action\n\n"
        for part, words in verbs.items()
        for number, verb in enumerate(words)
    }
    write_all(files, tmp_path, tmp_path / "wlp.tar.gz" if packed else None)
    train, report = converted("wlp", "train", tmp_path)
    assert [spans(doc) for doc in train] == [[("Add", "Action")]]
    assert report.left_out == {"its text is in another part, too": 3}
    held_out = {
        part: [doc.text.strip() for doc in converted("wlp", part, tmp_path)[0]]
        for part in ("dev", "test", "test2018")
    }
    assert held_out == {"dev": ["Mix"], "test": ["Wash"], "test2018": ["Spin"]}


def test_a_part_without_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(ValueError, match=r"Conll_Format has no file \*\.txt: check that all of"):
        converted("wlp", "dev", tmp_path)


@pytest.mark.parametrize(
    ("part", "numbers"), [("train", range(7)), ("fit", [1, 2, 3, 4, 6]), ("dev", [0, 5])]
)
def test_every_fifth_training_document_is_for_development_if_nothing_else_is(
    part: str, numbers: Sequence[int], tmp_path: Path
) -> None:
    agreements = [
        f"-DOCSTART- -X- O O\n\nBorrower{i} NN - I-PER\n\nsigns{i} VB - O\n" for i in range(7)
    ]
    write(tmp_path / "FIN5.train.txt", "\n".join(agreements))
    write(tmp_path / "FIN3.test.txt", "Bank NN - I-ORG\n")
    docs, report = converted("sec-fin", part, tmp_path)
    assert [doc.text.strip() for doc in docs] == [
        text for number in numbers for text in (f"Borrower{number}", f"signs{number}")
    ]
    assert report.spans == {"PER": len(numbers)}
    (test,), _ = converted("sec-fin", "test", tmp_path)
    assert spans(test) == [("Bank", "ORG")]


def test_headers_and_placeholders_of_posts_are_left_out(tmp_path: Path) -> None:
    sentences = [
        "Question_ID : 7",
        "Use jQuery",
        "CODE_BLOCK : Q_1 ( omitted )",
        "OP_BLOCK : ( omitted )",
    ]
    tag = {"jQuery": "B-Library", "CODE_BLOCK": "B-Code_Block", "OP_BLOCK": "B-Output_Block"}
    rows = (
        "".join(f"{word}\t{tag.get(word, 'O')}\t{word}\tO\n" for word in sentence.split())
        for sentence in sentences
    )
    write(tmp_path / "GH_test_set.txt", "\t\n".join(rows))
    (doc,), report = converted("stackoverflow", "github", tmp_path)
    assert spans(doc) == [("jQuery", "Library")]
    assert report.left_out == {"header of a post": 1, "placeholder of code or output": 2}


def test_documents_and_entities_in_files_of_their_own(tmp_path: Path) -> None:
    for publisher in ("BBC Online", "A", "B"):
        document = {"_id": publisher, "text": f"{publisher} reports."}
        entity = {"documentId": publisher, "begin": 0, "end": 1, "type": "Organisation"}
        write(tmp_path / publisher / "documents.json", json.dumps(document))
        write(tmp_path / publisher / "entities.json", json.dumps(entity))
    write(tmp_path / "LICENSE", "")
    (test,), _ = converted("re3d", "test", tmp_path)
    (train,), _ = converted("re3d", "train", tmp_path)
    assert test.text == "A reports." and spans(test) == [("A", "Organisation")]
    assert train.text == "B reports." and spans(train) == [("B", "Organisation")]


def test_a_table_of_recipes(tmp_path: Path) -> None:
    write(tmp_path / "TASTEset.csv", recipes(json.dumps(RECIPE)))
    (doc,), report = converted("tasteset", "test", tmp_path)
    assert doc.text == "2 eggs" and spans(doc) == [("eggs", "FOOD")]
    assert report.ignored == {"discontinuous entities": 1} and not report.lost


@pytest.mark.parametrize("damage", ["empty", "cut", "no archive"])
def test_a_damaged_archive(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "mspt.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("data/paper0.txt")
        info.size = 5000
        archive.addfile(info, io.BytesIO(random.Random(0).randbytes(5000)))
    content = {"empty": b"", "cut": path.read_bytes()[:2000], "no archive": b"404: Not Found"}
    path.write_bytes(content[damage])
    write(tmp_path / "ner-dev-fnames.txt", "paper0\n")
    with pytest.raises(
        ValueError, match=r"mspt\.tar\.gz cannot be unpacked \((.|\n)*: expected a "
    ):
        converted("mspt", "dev", tmp_path)


DOCUMENT = {"_id": "d", "text": "Acme reports."}
ENTITY = {"documentId": "d", "begin": 0, "end": 4, "type": "Organisation"}


@pytest.mark.parametrize(
    ("document", "entity", "message"),
    [
        ({"_id": "d", "body": "Acme"}, ENTITY, r"documents\.json:1: expected an object with the"),
        ({"_id": 1, "text": "Acme"}, ENTITY, r"documents\.json:1: expected an object with the"),
        (["d", "Acme"], ENTITY, r"documents\.json:1: expected an object with the strings _id and"),
        (DOCUMENT, {"documentId": "d", "begin": 0}, r"entities\.json:1: expected an object with"),
        (DOCUMENT, "Acme", r"entities\.json:1: expected an object with documentId"),
        (DOCUMENT, ENTITY | {"begin": "0"}, r"entities\.json:1 \['0', 4.* is not a span"),
        (DOCUMENT, ENTITY | {"documentId": "e"}, "has the documentId 'e'"),
    ],
)
def test_damaged_files_of_re3d(document: Any, entity: Any, message: str, tmp_path: Path) -> None:
    write(tmp_path / "A" / "documents.json", json.dumps(document))
    write(tmp_path / "A" / "entities.json", json.dumps(entity))
    with pytest.raises(ValueError, match=message):
        converted("re3d", "test", tmp_path)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("a,b\n1,2\n", "recipe 1: expected the columns ingredients and ingredients_entities"),
        ("ingredients,ingredients_entities\n2 eggs\n", "recipe 1: expected the columns"),
        (recipes("[{"), "recipe 1, ingredients_entities is not JSON"),
        (recipes("7"), "recipe 1: expected a JSON list as ingredients_entities"),
        (recipes('["eggs"]'), "recipe 1: 'eggs' is no entity: expected type and span"),
        (recipes('[{"type": "FOOD"}]'), "is no entity: expected type and span"),
        (recipes('[{"type": "FOOD", "span": "[(2, 6"}]'), r"'\[\(2, 6' is not a span: expected"),
        (recipes('[{"type": "FOOD", "span": "open()"}]'), r"'open\(\)' is not a span: expected"),
        (recipes('[{"type": "FOOD", "span": "[2]"}]'), r"'\[2\]' is not a span: expected a list"),
        (recipes('[{"type": "FOOD", "span": "[]"}]'), r"'\[\]' is not a span: expected a list"),
        (recipes('[{"type": "", "span": "[(2, 6)]"}]'), r"recipe 1 \[2, 6, ''\] is not a span"),
        (f'ingredients,ingredients_entities\n"{"x" * 200_000}",[]\n', r"csv is not a CSV file \("),
    ],
)
def test_a_damaged_table_of_recipes(table: str, message: str, tmp_path: Path) -> None:
    write(tmp_path / "TASTEset.csv", table)
    with pytest.raises(ValueError, match=message):
        converted("tasteset", "test", tmp_path)
