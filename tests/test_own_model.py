"""What the page "Bring your own model" shows works when it is copied."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli._util import app
from spacy.tokens import DocBin
from thinc.api import Config
from typer.testing import CliRunner

from spacy_genner.cli import genner
from spacy_genner.formats.bio import BIO
from spacy_genner.formats.inline_bracketed import InlineBracketed
from tests.lm.test_plugging_in import train_outside

PAGE = (Path(__file__).parent.parent / "docs" / "own-model.md").read_text(encoding="utf8")
BLOCKS = re.findall(r"```ini\n(.*?)```", PAGE, flags=re.DOTALL)
TEXT = "Anna Novak left Acme."
CHAT = "{% for turn in messages %}<|im_start|>{{ turn.content }}<|im_end|>{% endfor %}"


def run(*command: object, commands: Any = genner) -> str:
    """What a command prints, which must not fail."""
    result = CliRunner().invoke(commands, [str(part) for part in command])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def config(tiny: Callable[..., str], tmp_path: Path) -> Path:
    """The config of the first story, for an adapter on a tiny base."""
    train_outside(tiny(), tmp_path / "my-adapter", template=CHAT)
    lm = 'name = "Qwen/Qwen3-4B"\nadapter = "my-adapter"\n'
    assert lm in BLOCKS[0]
    own = f'name = "{tiny()}"\nadapter = "{tmp_path}/my-adapter"\ndtype = "float32"\n'
    path = tmp_path / "my.cfg"
    path.write_text(BLOCKS[0].replace(lm, own), encoding="utf8")
    return path


def test_the_prompt_of_an_adapter(config: Path) -> None:
    shown = run("show-prompt", config, TEXT)
    assert f"<|im_start|>Mark all people and companies in: {TEXT}<|im_end|>" in shown


def test_an_adapter_is_used_by_the_config_alone(config: Path, tmp_path: Path) -> None:
    run("assemble", config, tmp_path / "my-pipeline", commands=app)
    nlp = spacy.load(tmp_path / "my-pipeline")
    doc = nlp(TEXT)
    assert {span.label_ for span in doc.spans["sc"]} <= {"PER", "ORG"}
    DocBin(docs=[doc]).to_disk(tmp_path / "dev.spacy")
    (tmp_path / "text.txt").write_text(TEXT)
    metrics = tmp_path / "metrics.json"
    run("evaluate", config, tmp_path / "dev.spacy", "--output", metrics)
    assert doc.spans["sc"], "the tiny model marks something"
    assert '"f":1.0' in metrics.read_text().replace(" ", ""), "its own answers are the gold"
    run("check-model", config, tmp_path / "dev.spacy")
    assert "Anna" in run("annotate", config, tmp_path / "text.txt")


def test_the_format_of_an_adapter_writes_what_the_page_shows() -> None:
    settings = Config().from_str(BLOCKS[0])["components"]["generative_ner"]["model"]["format"]
    del settings["@misc"]
    (answer,) = re.findall(r"assistant:  (.*)", PAGE)
    read = InlineBracketed(**settings).read(answer)
    assert read.text == TEXT
    assert read.spans == [(0, 10, "person"), (16, 20, "company")]


def test_the_formats_of_published_checkpoints() -> None:
    (gner,) = re.findall(r"`(did\(O\).*?)`", PAGE)
    read: Any = BIO().read(gner)
    assert read.spans == [(4, 18, "actor")]
    (bracketed,) = re.findall(r"`(\[Essex \| ORG\])`", PAGE)
    assert InlineBracketed().read(bracketed).spans == [(0, 5, "ORG")]
