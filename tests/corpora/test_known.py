"""The table of known corpora: its rows are complete, and each part is read by its rule."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc

from spacy_genner.corpora.conversion import Output
from spacy_genner.corpora.conversion_report import Report
from spacy_genner.corpora.known import KNOWN, convert_known
from spacy_genner.corpora.offsets import Alignment

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


def converted(
    name: str, part: str, folder: Path, limit: int | None = None
) -> tuple[list[Doc], Report]:
    return convert_known(
        name, part, folder, spacy.blank("en"), Output(limit=limit), Alignment.expand
    )


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


def test_unknown_corpora_and_parts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="corpus 'wnut' is not known: choose one of wnut17, "):
        converted("wnut", "train", tmp_path)
    with pytest.raises(ValueError, match="wnut17 has no part 'fit': choose one of train, dev, "):
        converted("wnut17", "fit", tmp_path)


@pytest.mark.parametrize(
    ("name", "part", "missing"),
    [
        ("wnut17", "test", "emerging.test.annotated"),
        ("genia", "dev", "dev.jsonlines"),
        ("litbank", "train", "brat"),
        ("mspt", "dev", "ner-dev-fnames.txt"),
        ("tasteset", "test", "TASTEset.csv"),
    ],
)
def test_a_missing_file_is_named(name: str, part: str, missing: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"{missing}: there is no such file, nor a .gz"):
        converted(name, part, tmp_path)


def test_an_empty_folder_is_no_re3d(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no folder with documents\.json"):
        converted("re3d", "train", tmp_path)


def test_columns_that_annotate_the_same_text_are_merged(tmp_path: Path) -> None:
    for label in ("DNA", "RNA", "cell_line", "cell_type", "protein"):
        tag = f"B-{label}" if label in ("DNA", "protein") else "O"
        with gzip.open(tmp_path / "x.gz", "wt", encoding="utf8") as file:
            file.write(f"IL-2\t{tag}\n\n")
        (tmp_path / "mlc").mkdir(exist_ok=True)
        (tmp_path / "x.gz").rename(tmp_path / "mlc" / f"{label}_train.conll.gz")
    (doc,), report = converted("genia", "train", tmp_path)
    assert spans(doc) == [("IL-2", "DNA"), ("IL-2", "protein")] and not report.lost


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
    if packed:
        with tarfile.open(tmp_path / "mspt.tar.gz", "w:gz") as archive:
            for name, text in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(text)
                archive.addfile(info, io.BytesIO(text.encode()))
    else:
        for name, text in files.items():
            write(tmp_path / name, text)
    write(tmp_path / "ner-dev-fnames.txt", "paper3\npaper1\n")
    docs, _ = converted("mspt", "dev", tmp_path)
    assert [doc.text for doc in docs] == ["The water of paper3.", "The water of paper1."]


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
