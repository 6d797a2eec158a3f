import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from spacy_genner.evaluation.curve import LoggedStep, charts
from spacy_genner.evaluation.drawing import DrawnSpan, Panel
from spacy_genner.evaluation.errors import Confusion, errors_of
from spacy_genner.evaluation.metrics import SAME_TYPE, Document, score_documents
from spacy_genner.evaluation.page import Row, write_page
from spacy_genner.evaluation.reliability import charts_of, reliability
from spacy_genner.evaluation.table import Table
from spacy_genner.types import Entity

SPAN = frozenset({Entity(0, 4, "GPE")})
SCORES = score_documents(
    [Document("Bonn", SPAN, SPAN), Document("Bonn", SPAN, frozenset())], seen=set()
)


def panel(title: str, *marks: DrawnSpan) -> Panel:
    return Panel(["Bonn", "am", "Rhein"], [" ", " ", ""], marks, title)


RIGHT = Row(
    [panel("gold", DrawnSpan(0, 1, "GPE")), panel("predicted", DrawnSpan(0, 1, "GPE", "0.93"))]
)
WRONG = Row(
    [
        panel("gold", DrawnSpan(0, 1, "GPE", error=True), DrawnSpan(2, 3, "LOC", error=True)),
        panel("predicted", DrawnSpan(0, 3, "ORG", error=True)),
    ],
    ["2 missed", "1 spurious"],
)
ALONE = Row([panel("", DrawnSpan(0, 1, "GPE", "0.93"))], note="cut off")


class Tags(HTMLParser):
    """Collects the tags of a page; `balanced` if every one that must be closed is closed in
    order."""

    VOID = frozenset({"meta", "input", "line", "polyline"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.balanced = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.balanced &= bool(self.open) and self.open.pop() == tag


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "page.html"


def parsed(path: Path) -> Tags:
    tags = Tags()
    tags.feed(path.read_text(encoding="utf-8"))
    return tags


def test_a_full_page_is_well_formed_and_self_contained(path: Path) -> None:
    curve = charts(
        [LoggedStep(0, {"a": 3.0, "b": 1.0}, 0.1), LoggedStep(9, {"a": 2.0, "b": 0.5}, 0.6)]
    )
    write_page(path, "title", {"documents": 2}, [RIGHT, WRONG], SCORES, curve)
    tags, page = parsed(path), path.read_text(encoding="utf-8")
    assert tags.balanced and tags.open == []
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in tags.seen}
    assert not any(name in ("src", "href") for _, attributes in tags.seen for name in attributes)
    assert "http" not in page and "url(" not in page
    assert '<meta name="viewport"' in page


def test_the_table_shows_all_sections_in_percent(path: Path) -> None:
    write_page(path, "title", {}, [RIGHT], SCORES)
    page = path.read_text(encoding="utf-8")
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', page, re.DOTALL)
    cells = {name: re.findall(r"<td[^>]*>([^<]*)", row) for name, row in rows}
    assert list(cells) == ["total", "GPE", "flat", "nested", SAME_TYPE, "seen", "unseen"]
    assert cells["total"] == ["100.0", "50.0", "66.7", "2", "1"]
    assert cells["nested"] == ["–", "–", "–", "0", "0"]
    assert "<small>0.0–100.0</small>" in page


def test_the_curve_has_a_line_for_each_loss_and_the_score(path: Path) -> None:
    write_page(
        path,
        "title",
        {},
        [],
        SCORES,
        charts([LoggedStep(0, {"a": 3.0, "b": 1.0}, 0.1), LoggedStep(9, {"a": 2.0}, 0.6)]),
    )
    page = path.read_text(encoding="utf-8")
    assert page.count("<polyline") == 3 and page.count("<circle") == 5
    assert "best 60.0 at step 9" in page and "score, step 9: 60" in page


def test_the_reliability_of_scores_is_drawn(path: Path) -> None:
    charts = charts_of(reliability([0.25, 0.75], [False, True]), gold=1)
    write_page(path, "title", {}, [], SCORES, reliability=charts)
    page = path.read_text(encoding="utf-8")
    assert "<h2>Reliability of scores</h2>" in page and "<h2>Training</h2>" not in page
    assert page.count("<polyline") == 4 and page.count("<circle") == 20 + 2 + 2 + 20
    assert "<title>spans, score 0.75: 100</title>" in page
    assert "<title>spans, % kept 100: 50</title>" in page
    assert ">score 0<" in page and ">% kept 0<" in page and "perfectly calibrated" in page
    assert parsed(path).balanced


def test_documents_with_errors_can_be_filtered(path: Path) -> None:
    write_page(path, "title", {}, [RIGHT, WRONG], SCORES)
    page = path.read_text(encoding="utf-8")
    assert re.findall(r'<section class="card document (\w+)"', page) == ["right", "wrong"]
    assert "2 missed" in page and "1 spurious" in page and "(1 of 2 shown)" in page
    # The style hides siblings behind the box, so the documents must not be wrapped.
    assert "#only-errors:checked ~ .document.right { display: none }" in page
    assert "<div" not in page.split('id="only-errors"')[1].split("<section")[0]


def test_panels_have_titles_and_many_are_under_each_other(path: Path) -> None:
    three = Row([*WRONG.panels, panel("another")])
    write_page(path, "title", {}, [WRONG, three], SCORES)
    page = path.read_text(encoding="utf-8")
    assert re.findall(r"<h3>(\w+)</h3>", page) == ["gold", "predicted"] * 2 + ["another"]
    assert re.findall(r'class="(panels[^"]*)"', page) == ["panels", "panels many"]


def test_tables_have_notes(path: Path) -> None:
    table = Table("Systems", ["", "F1"], [["ours", 71.5], ["other", "–"]], ["First.", "Second."])
    write_page(path, "title", {}, [], tables=[table])
    page = path.read_text(encoding="utf-8")
    assert "<h2>Systems</h2>" in page and "<th></th><th>F1</th>" in page
    assert '<th scope="row">ours</th><td>71.5</td>' in page
    assert re.findall(r'<p class="explain">(\w.*?)</p>', page) == ["First.", "Second."]


def test_the_confusion_is_shaded(path: Path) -> None:
    confusion = Confusion(["GPE"], [[3, 1, 0], [0, 0, 0], [1, 0, 0]])
    write_page(path, "title", {}, [], confusion=confusion)
    page = path.read_text(encoding="utf-8")
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', page, re.DOTALL)
    assert [name for name, _ in rows] == ["GPE", "other boundaries", "spurious"]
    assert re.findall(r"--share: ([\d.]+)\"( class=\"good\")?>(\d*)<", rows[0][1]) == [
        ("0.75", ' class="good"', "3"),
        ("0.25", "", "1"),
        ("0.0", "", ""),
    ]
    assert "--share: 0.25" in rows[2][1]  # of the 4 spans that were predicted as GPE


def test_without_gold_there_are_neither_scores_nor_errors(path: Path) -> None:
    write_page(path, "title", {}, [ALONE])
    page = path.read_text(encoding="utf-8")
    assert "0.93" in page and "cut off" in page
    assert (
        "<table" not in page
        and "only-errors" not in page.split("</style>")[1]
        and "<h3>" not in page
    )


def test_a_page_without_documents_says_so(path: Path) -> None:
    write_page(path, "title", {}, [])
    assert "There are no documents to show" in path.read_text(encoding="utf-8")


def test_everything_from_outside_is_escaped(path: Path) -> None:
    evil = "</title><script>alert(1)</script>"
    bad = frozenset({Entity(0, 1, evil)})
    curve = charts([LoggedStep(1, {evil: 1.0, "b": 1.0}, 0.5)])
    text = Panel(
        [evil, "🎉", "שלום"], ["", " ", ""], [DrawnSpan(0, 1, evil, evil, error=True)], evil
    )
    write_page(
        path,
        evil,
        {evil: evil},
        [Row([text, text], [evil], evil)],
        score_documents([Document("x", bad, bad)]),
        curve,
        tables=[Table(evil, [evil], [[evil]], [evil])],
        confusion=errors_of([Document("x", bad, bad)]).confusion,
    )
    page = path.read_text(encoding="utf-8")
    assert "<script" not in page and page.count("&lt;script&gt;") >= 18 and "🎉" in page
    assert parsed(path).balanced
