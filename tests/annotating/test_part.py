"""A part is one file, complete when it has its name, and a file of what failed."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from spacy.language import Language
from spacy.tokens import Doc

from spacy_genner.annotating.inputs import Input
from spacy_genner.annotating.outputs import Output
from spacy_genner.annotating.part import Done, Part, PartWriter, parts_of
from tests.annotating.pipelines import rules


def part_of(number: int, *texts: str) -> Part:
    inputs = [Input(10 + i, f"in:{i}", {"text": text}, "text") for i, text in enumerate(texts)]
    return Part(number, inputs)


def test_inputs_are_cut_by_their_position() -> None:
    inputs = part_of(0, *"abcde").inputs
    cut = list(parts_of(iter(inputs), 2))
    assert [part.number for part in cut] == [0, 1, 2]
    assert [len(part.inputs) for part in cut] == [2, 2, 1]
    assert [one for part in cut for one in part.inputs] == inputs
    assert list(parts_of([], 2)) == []


def test_a_part_and_its_failures_are_written(tmp_path: Path) -> None:
    writer = PartWriter(tmp_path, Output())
    ticks = list[int]()
    broken = Input(13, "in:3", {"line": "{"}, "text", None, "it is not JSON")
    part = part_of(3, "FAIL", "Leith", "FAIL")
    part.inputs.append(broken)
    done = writer.write(rules(), part, lambda: ticks.append(1))
    content = (tmp_path / "part-00003.jsonl").read_bytes()
    assert done == Done(3, part.digest, 1, 3, hashlib.sha256(content).hexdigest())
    assert len(ticks) == 4
    assert json.loads(content)["spans"][0]["label"] == "GPE"
    failures = (tmp_path / "_failed-00003.jsonl").read_text().splitlines()
    assert [json.loads(line)["position"] for line in failures] == [10, 12, 13]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "_failed-00003.jsonl",
        "part-00003.jsonl",
    ]


class Filter:
    """A component that loses documents with the word LOSE."""

    def __call__(self, doc: Doc) -> Doc:
        return doc

    def pipe(self, stream: Iterable[Doc], batch_size: int) -> Iterator[Doc]:
        return (doc for doc in stream if "LOSE" not in doc.text)


@Language.factory("genner_test_filter")
def make_filter(nlp: Language, name: str) -> Filter:
    return Filter()


def test_a_document_that_a_component_loses_is_a_failure(tmp_path: Path) -> None:
    nlp = rules()
    nlp.add_pipe("genner_test_filter")
    done = PartWriter(tmp_path, Output()).write(nlp, part_of(0, "a", "LOSE", "FAIL", "b"))
    assert (done.documents, done.failed) == (2, 2)
    lines = (tmp_path / "_failed-00000.jsonl").read_text().splitlines()
    assert [json.loads(line)["reason"] for line in lines] == [
        "a component has lost the document",
        "genner_test_faults: a word that cannot be read",
    ]


def test_an_earlier_file_of_failures_goes(tmp_path: Path) -> None:
    writer = PartWriter(tmp_path, Output())
    (tmp_path / "_failed-00000.jsonl").write_text("old")
    writer.write(rules(), part_of(0, "Leith"))
    assert [path.name for path in tmp_path.iterdir()] == ["part-00000.jsonl"]


def test_a_part_without_a_document_is_an_empty_file(tmp_path: Path) -> None:
    PartWriter(tmp_path, Output()).write(rules(), part_of(0, "FAIL"))
    assert (tmp_path / "part-00000.jsonl").read_bytes() == b""


@pytest.mark.parametrize(("number", "count"), [(0, 10), (1, 100)])
def test_if_all_documents_fail_nothing_is_written(tmp_path: Path, number: int, count: int) -> None:
    writer = PartWriter(tmp_path, Output())
    message = rf"all {count} inputs of part-0000{number}.* cannot be read"
    with pytest.raises(ValueError, match=message):
        writer.write(rules(), part_of(number, *["FAIL"] * count))
    assert list(tmp_path.iterdir()) == []


def test_a_few_documents_of_a_later_part_may_all_fail(tmp_path: Path) -> None:
    assert PartWriter(tmp_path, Output()).write(rules(), part_of(1, *["FAIL"] * 99)).failed == 99


def test_a_run_of_broken_inputs_is_an_error_only_at_the_beginning(tmp_path: Path) -> None:
    writer = PartWriter(tmp_path, Output())
    broken = [Input(i, "in", {"line": "{"}, "text", None, "broken") for i in range(10)]
    with pytest.raises(ValueError, match="all 10 inputs"):
        writer.write(rules(), Part(0, broken))
    assert writer.write(rules(), Part(1, broken)).failed == 10


def test_what_spacy_remembers_of_new_words_is_forgotten(tmp_path: Path) -> None:
    nlp = rules()
    writer = PartWriter(tmp_path, Output())
    writer.write(nlp, part_of(0, "Leith"))
    before = len(nlp.vocab.strings)
    writer.write(nlp, part_of(1, " ".join(f"word{i}" for i in range(100))))
    assert len(nlp.vocab.strings) == before


def test_a_writer_can_be_sent_to_another_machine(tmp_path: Path) -> None:
    writer = PartWriter(tmp_path, Output("spacy", "x"), 5)
    assert pickle.loads(pickle.dumps(writer)) == writer


def test_a_full_disk_leaves_no_part(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="needs a limit for the size of files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            PartWriter(tmp_path, Output()).write(rules(), part_of(0, "Leith" * 100))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
