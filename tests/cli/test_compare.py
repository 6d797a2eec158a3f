import json
from pathlib import Path

import pytest
from spacy.cli._util import app
from spacy.tokens import DocBin
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)
from spacy_genner.evaluation.comparison import compare
from tests.evaluation.ruled import gold_docs, pipeline


def test_the_command_prints_the_table(tmp_path: Path) -> None:
    path, rates = tmp_path / "mine.json", {"p": 1.0, "r": 0.5, "f": 0.667}
    metrics = {"total": rates, "nesting": {"flat": rates, "nested": rates}, "names": {}}
    path.write_text(json.dumps({"docs_per_second": 12.345, **metrics}), encoding="utf-8")
    result = CliRunner().invoke(app, ["genner", "compare", str(path)])
    assert result.exit_code == 0 and result.output == compare([path]) + "\n"


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["genner", "compare", str(tmp_path / "none.json")])
    assert result.exit_code != 0 and "none.json" in result.output


def test_a_file_without_metrics_is_named(tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text("{}", encoding="utf-8")
    result = CliRunner().invoke(app, ["genner", "compare", str(tmp_path / "odd.json")])
    assert result.exit_code == 1 and "odd.json" in result.output


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["genner", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with gold documents, and the metrics of two pipelines."""
    folder = tmp_path_factory.mktemp("evaluated")
    DocBin(docs=gold_docs()).to_disk(folder / "gold.spacy")
    for ruler in ("span_ruler", "entity_ruler"):
        pipeline(ruler).to_disk(folder / ruler)
        output = folder / "metrics" / f"{ruler}.json"
        model, gold = folder / ruler, folder / "gold.spacy"
        assert run("evaluate", model, gold, "--name", ruler, "--output", output)[0] == 0
    return folder


def test_the_page_shows_the_table_and_the_documents_that_differ(evaluated: Path) -> None:
    """The entity_ruler finds no nested spans, so that one document differs by one span."""
    gold, html = evaluated / "gold.spacy", evaluated / "new" / "page.html"
    options = ("--gold", gold, "--html", html, "--against", "span_ruler")
    code, printed = run("compare", evaluated / "metrics", *options)
    page = html.read_text("utf-8")
    assert code == 0 and "| span_ruler | 1 |" in printed and "Saved the page" in printed
    assert "<h1>span_ruler, entity_ruler on gold.spacy</h1>" in page
    assert page.count("<section") == 1 and "document 1, differing spans: 1" in page
    assert "entity_ruler: 1 missed, 0 spurious" in page
    assert "marks a span that is not gold" in page
    assert "F1 by type, %" in page and "of a paired bootstrap over documents" in page
    assert '<th scope="row">entity_ruler</th><td>1</td><td>1</td>' in page  # correct, label
    assert run("compare", evaluated / "metrics", *options, "--html-limit", 0)[0] == 0
    assert "<section" not in html.read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--html", "page.html"], "--html and --gold belong together"),
        (["--gold", "gold.spacy"], "--html and --gold belong together"),
        (["--html", "page.html", "--gold", "other.spacy"], "was not evaluated on these gold"),
        (["--html", "page.html", "--gold", "gold.spacy", "--spans-key", "x"], "['x']"),
    ],
)
def test_a_page_needs_the_gold_documents(
    options: list[str], message: str, evaluated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(evaluated)
    DocBin(docs=gold_docs()[1:]).to_disk("other.spacy")
    code, printed = run("compare", "metrics", *options)
    assert code == 1 and message in printed and not Path("page.html").exists()
