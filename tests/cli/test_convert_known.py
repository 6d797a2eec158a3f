"""`genner convert --corpus` reads a corpus whose format is known."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy
from spacy.cli._util import app
from spacy.tokens import DocBin
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)

TEXT = "Acme\tB-corporation\n\nIn\tO\nLeeds\tB-location\n"


def run(*arguments: object) -> tuple[int, str]:
    """Exit code and printed text, without the lines and frames of the terminal."""
    result = CliRunner().invoke(app, ["genner", "convert", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.replace("│", " ").split())


@pytest.fixture
def wnut17(tmp_path: Path) -> Path:
    folder = tmp_path / "wnut17"
    folder.mkdir()
    (folder / "emerging.dev.conll").write_text(TEXT, encoding="utf8")
    return folder


def test_a_part_is_written_in_the_format_of_the_corpus(wnut17: Path) -> None:
    output = wnut17 / "dev.spacy"
    options = ("--corpus", "wnut17", "--part", "dev", "--spans-key", "gold")
    code, printed = run(wnut17, output, *options)
    assert code == 0 and "2 documents in" in printed, printed
    docs = list(DocBin().from_disk(output).get_docs(spacy.blank("en").vocab))
    assert [doc.spans["gold"][0].label_ for doc in docs] == ["corporation", "location"]
    code, printed = run(wnut17, output, *options, "--limit", 1)
    assert code == 0 and "1 documents in" in printed, printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "give either --format or --corpus"),
        (("--corpus", "wnut17", "--part", "dev", "--format", "columns"), "give either --format"),
        (("--corpus", "wnut17"), "--corpus and --part go together"),
        (("--format", "columns", "--part", "dev"), "--corpus and --part go together"),
        (("--corpus", "wnut", "--part", "dev"), "corpus 'wnut' is not known: choose one of"),
        (("--corpus", "wnut17", "--part", "x"), "wnut17 has no part 'x': choose one of train"),
        (("--corpus", "wnut17", "--part", "test"), "emerging.test.annotated: there is no such"),
        *(
            (("--corpus", "wnut17", "--part", "dev", *option), f"{option[0]}: --corpus knows the")
            for option in (
                ("--token-column", "1"),
                ("--tag-columns", "1,2"),
                ("--scheme", "bioes"),
                ("--tag-names", "O,B-PER"),
                ("--comment", "#"),
                ("--merge",),
            )
        ),
    ],
)
def test_bad_options_write_nothing(
    wnut17: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], message: str
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    code, printed = run(wnut17, wnut17 / "dev.spacy", *options)
    assert code != 0 and message in printed, printed
    assert [path.name for path in wnut17.iterdir()] == ["emerging.dev.conll"]


@pytest.mark.parametrize("second", [False, True])
def test_the_input_is_one_folder(
    wnut17: Path, monkeypatch: pytest.MonkeyPatch, second: bool
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    inputs = [wnut17, wnut17] if second else [wnut17 / "emerging.dev.conll"]
    code, printed = run(*inputs, wnut17 / "dev.spacy", "--corpus", "wnut17", "--part", "dev")
    assert code != 0 and "--corpus reads one folder" in printed, printed
