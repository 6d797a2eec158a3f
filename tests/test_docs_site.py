"""The documentation has everything that users can name. That its links lead somewhere, `mkdocs build
--strict` checks."""

from __future__ import annotations

import ast
import html
import inspect
import re
from collections.abc import Iterator
from configparser import ConfigParser
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import spacy
import typer
from thinc.api import Config

from spacy_genner.cli import genner
from spacy_genner.corpora.known import KNOWN
from spacy_genner.formats.base import Format
from tests.formats.examples import ESSEX, LABELS, written

ROOT = Path(__file__).parent.parent
PAGES = {
    path.relative_to(ROOT / "docs").as_posix(): path.read_text(encoding="utf8")
    for path in sorted((ROOT / "docs").rglob("*.md"))
}
SENTENCE = "He works for Essex Police~."
ASKED = {label: LABELS[label] for label in ("ORG", "GPE")}
"""The labels of the examples of the page Formats."""


def entry_points() -> dict[str, str]:
    """The registered names, each with the module and the object that it stands for."""
    parser = ConfigParser()
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # names have capitals
    parser.read(ROOT / "setup.cfg", encoding="utf8")
    lines = "\n".join(parser["options.entry_points"].values()).strip().splitlines()
    return dict(re.split(r"\s*=\s*", line, maxsplit=1) for line in lines if line)


def load(entry_point: str) -> Any:
    """The object that an entry point names."""
    module, _, name = entry_point.partition(":")
    return reduce(getattr, name.split("."), import_module(module))


ENTRY_POINTS = entry_points()
FORMATS = {
    name.split(".")[-2]: load(place) for name, place in ENTRY_POINTS.items() if ".formats." in place
}
COMMANDS: dict[str, Any] = typer.main.get_command(genner).commands  # type: ignore[attr-defined]


def section(page: str, heading: str) -> str:
    """The text below a heading of the second level, up to the next one."""
    found = re.search(rf"(?ms)^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", PAGES[page])
    return found[1] if found else ""


def block(page: str, part: str) -> str:
    """The one Python block of a page that has this part."""
    (found,) = (
        text for text in re.findall(r"(?ms)^```python\n(.*?)^```", PAGES[page]) if part in text
    )
    return str(found)


def test_every_registered_function_is_in_the_table() -> None:
    table = section("config.md", "Registered functions")
    assert [name for name in ENTRY_POINTS if f"| `{name}` |" not in table] == []


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_every_setting_of_a_registered_function_is_shown(name: str) -> None:
    """In a block of a config, or as code."""
    made = load(ENTRY_POINTS[name])
    if name in ("genner", "generative_ner"):  # the settings of the latter: test_docs.py
        return
    settings = inspect.signature(made).parameters
    shown = "\n".join(PAGES.values())
    assert [
        setting
        for setting in settings
        if not re.search(rf'(?m)^{setting} = |\.{setting}\]$|"{setting}": |`{setting}`', shown)
    ] == []


def test_every_option_of_every_command_is_in_its_section() -> None:
    missing = [
        f"{name} {option}"
        for name, command in COMMANDS.items()
        for parameter in command.params
        if parameter.param_type_name == "option"
        for option in parameter.opts
        if f"`{option}`" not in section("commands.md", name)
    ]
    assert missing == []


def test_no_section_has_an_option_that_its_command_has_not() -> None:
    for name, command in COMMANDS.items():
        options = {option for parameter in command.params for option in parameter.opts}
        rows = re.findall(
            r"(?m)^\| `(--?[a-z-]+)`(?:, `(--?[a-z-]+)`)? \|", section("commands.md", name)
        )
        assert {option for row in rows for option in row if option} <= options, name


def test_the_defaults_of_the_component_are_shown() -> None:
    """That the values are right as well, test_docs.py checks."""
    nlp = spacy.blank("en")
    nlp.add_pipe("generative_ner")
    config = nlp.config["components"]["generative_ner"]
    del config["scorer"]
    assert [
        setting
        for setting in settings_of(config)
        if not re.search(rf"(?m)^{setting} = |\.{setting}\]$", PAGES["config.md"])
    ] == []


def settings_of(config: dict[str, Any]) -> Iterator[str]:
    """The names of the settings of a section, and of those inside it."""
    for name, value in config.items():
        yield name
        if isinstance(value, dict):
            yield from settings_of(value)


def public_names() -> Iterator[tuple[str, str]]:
    """Each module, and each class and function that is defined at its top."""
    for path in sorted((ROOT / "spacy_genner").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.parse(path.read_text(encoding="utf8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                yield module, node.name


def test_every_public_name_is_in_the_reference() -> None:
    """A directive shows a module, and the modules inside it (`show_submodules` in mkdocs.yml).
    Modules whose name begins with an underscore are not public."""
    directives = re.findall(r"(?m)^::: ([\w.]+)$", "\n".join(PAGES.values()))
    assert "show_submodules: true" in (ROOT / "mkdocs.yml").read_text(encoding="utf8")
    missing = [
        f"{module}.{name}"
        for module, name in public_names()
        if "._" not in module
        and not any(f"{module}.".startswith(f"{directive}.") for directive in directives)
    ]
    assert missing == []


def test_every_directive_names_a_module() -> None:
    for directive in re.findall(r"(?m)^::: ([\w.]+)$", "\n".join(PAGES.values())):
        assert import_module(directive), directive


def test_every_known_corpus_has_a_row() -> None:
    table = section("commands.md", "convert")
    assert [name for name in KNOWN if f"\n| `{name}` |" not in table] == []


def test_every_format_has_a_row() -> None:
    assert [name for name in FORMATS if f"\n| `{name}` |" not in PAGES["formats.md"]] == []


@pytest.mark.parametrize("name", FORMATS)
def test_the_row_of_a_format_is_what_it_writes(name: str) -> None:
    format: Format = FORMATS[name]()
    (row,) = re.findall(rf"(?m)^\| `{name}` \| (yes|no) \| (.*) \| [^|]+ \|$", PAGES["formats.md"])
    nests, cell = row
    shown = html.unescape(re.sub(r"^(`|<code>)|(`|</code>)$", "", cell))
    assert nests == ("yes" if format.max_depth > 1 else "no")
    assert shown == written(format, SENTENCE, ESSEX if nests == "yes" else ESSEX[:1], ASKED)


def test_the_rows_of_delimiters_are_what_they_write() -> None:
    text = section("formats.md", "Delimiters and keys of other models")
    rows = re.findall(r"(?m)^\| `(.* = .*)` \| (?:`|<code>)(.*?)(?:`|</code>) \|$", text)
    assert len(rows) > 5
    for settings, shown in rows:
        config = Config().from_str("[format]\n" + settings.replace(", ", "\n"))
        format = FORMATS["InlineBracketed"](**config["format"])
        assert html.unescape(shown) == written(format, SENTENCE, ESSEX, ASKED), settings


def example_format() -> dict[str, Any]:
    """What the page Extend shows as a new format, as if it were a file of the formats."""
    names: dict[str, Any] = {"__name__": "spacy_genner.formats.inline_braces"}
    names["__package__"] = "spacy_genner.formats"
    exec(block("extend.md", "class InlineBraces"), names)
    return names


def test_the_format_that_the_page_extend_adds_writes_and_reads() -> None:
    format = example_format()["InlineBraces"]()
    answer = written(format, SENTENCE, ESSEX, ASKED)
    assert answer == "He works for {{Essex}<GPE> Police}<ORG>."
    spans = format.read(answer).spans
    assert sorted(spans) == [(13, 18, "GPE"), (13, 25, "ORG")]


def test_marks_that_cannot_be_told_apart_are_refused_as_the_page_extend_says() -> None:
    names = example_format()
    marks = names["Marks"]([("**", None)], {None: [("**(ORG)", "ORG")]}, "", str)
    with pytest.raises(ValueError, match=r"'\*\*' and '\*\*\(ORG\)' cannot be told apart"):
        marks.texts()


@pytest.mark.parametrize(
    "path", re.findall(r"`((?:tests|spacy_genner)/[\w/.]+)`", PAGES["extend.md"])
)
def test_the_places_that_the_page_extend_names_exist(path: str) -> None:
    assert (ROOT / path).exists()


ROOMS = "|".join(sorted(path.name for path in (ROOT / "spacy_genner").iterdir() if path.is_dir()))


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(rf"`((?:{ROOMS})/[\w/.]*)`", PAGES["extend.md"])))
)
def test_the_files_that_the_page_extend_names_exist(path: str) -> None:
    assert (ROOT / "spacy_genner" / path).exists()
