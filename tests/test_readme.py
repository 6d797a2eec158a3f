"""What README shows works when it is copied."""

from __future__ import annotations

import re
from pathlib import Path

from spacy.util import load_model_from_config
from thinc.api import Config

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf8")


def block(first_section: str) -> Config:
    """The config block that begins with a section, below the sections that it leaves out."""
    (text,) = re.findall(rf"```ini\n(\[{re.escape(first_section)}\]\n.*?)```", README, flags=re.DOTALL)
    parents = first_section.split(".")[:-1]
    sections = ["[" + ".".join(parents[: count + 1]) + "]" for count in range(len(parents))]
    return Config().from_str("\n\n".join([*sections, text]))


def test_the_config_of_the_component_is_the_default() -> None:
    shown = block("components.generative_ner")
    nlp = load_model_from_config(
        {"nlp": {"lang": "en", "pipeline": ["generative_ner"]}, **shown}, auto_fill=True, validate=True
    )
    bare = load_model_from_config(
        {
            "nlp": {"lang": "en", "pipeline": ["generative_ner"]},
            "components": {"generative_ner": {"factory": "generative_ner"}},
        },
        auto_fill=True,
    )
    assert nlp.config["components"] == bare.config["components"]


def test_no_value_of_a_config_has_a_comment_behind_it() -> None:
    lines = [line for text in re.findall(r"```ini\n(.*?)```", README, flags=re.DOTALL) for line in text.splitlines()]
    assert lines and [line for line in lines if "#" in line and not line.startswith("#")] == []
