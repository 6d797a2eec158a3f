"""What README and docs show works when it is copied."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from spacy.util import load_model_from_config
from thinc.api import Config

from spacy_genner.cli import genner

ROOT = Path(__file__).parent.parent
PAGES = {
    page.name: page.read_text(encoding="utf8")
    for page in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")))
}
CONFIGS = [
    text
    for page in PAGES.values()
    for text in re.findall(r"```ini\n(.*?)```", page, flags=re.DOTALL)
]
HUB = "https://github.com/spacy-genner/spacy-genner/blob/main/"


def parsed(block: str) -> Config:
    """A block of a config, below the sections that it leaves out: those of its first section."""
    parents = block[1 : block.index("]")].split(".")[:-1]
    sections = ["[" + ".".join(parents[: count + 1]) + "]" for count in range(len(parents))]
    return Config().from_str("\n\n".join([*sections, block]))


def anchor(heading: str) -> str:
    """The name that a heading has in links."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("block", CONFIGS, ids=lambda block: block[: block.index("]") + 1])
def test_a_block_of_a_config_is_complete(block: str) -> None:
    assert parsed(block)
    assert [
        line for line in block.splitlines() if "#" in line and not line.startswith("#")
    ] == []  # part of the value


def test_the_config_of_the_component_is_the_default() -> None:
    (shown,) = [
        parsed(block) for block in CONFIGS if block.startswith("[components.generative_ner]\n")
    ]
    nlp = load_model_from_config(
        {"nlp": {"lang": "en", "pipeline": ["generative_ner"]}, **shown},
        auto_fill=True,
        validate=True,
    )
    bare = load_model_from_config(
        {
            "nlp": {"lang": "en", "pipeline": ["generative_ner"]},
            "components": {"generative_ner": {"factory": "generative_ner"}},
        },
        auto_fill=True,
    )
    assert nlp.config["components"] == bare.config["components"]


def test_links_of_the_readme_lead_somewhere() -> None:
    """`mkdocs build --strict` checks those of the pages."""
    links = re.findall(r"(?m)\]\(([^)]+)\)|^\[[^\]]+\]: (\S+)", PAGES["README.md"])
    for target in map("".join, links):
        path, _, place = target.removeprefix(HUB).partition("#")
        if path.startswith("https://"):
            continue
        assert (ROOT / path).exists(), target
        if place:
            headings = re.findall(r"(?m)^#+ (.*)", (ROOT / path).read_text(encoding="utf8"))
            assert place in map(anchor, headings), target


def test_all_commands_are_documented() -> None:
    commands = typer.main.get_command(genner).commands  # type: ignore[attr-defined]
    assert set(re.findall(r"(?m)^## (.*)", PAGES["commands.md"])) == set(commands)
    used = [
        command
        for page in PAGES.values()
        for command in re.findall(r"spacy genner ([a-z-]+)", page)
    ]
    assert used and set(used) <= set(commands)
