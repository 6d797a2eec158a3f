from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language

from spacy_genner.cli._pipelines import generative_ner_of, load, plain_errors, read_before


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("en")


def test_a_pipeline_is_loaded_from_its_folder(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "model")
    assert load(str(tmp_path / "model")).lang == "en"


def test_a_pipeline_is_built_from_a_config_alone(
    nlp: Language, tiny: Callable[..., str], tmp_path: Path
) -> None:
    """It predicts what the same pipeline predicts that was initialized and saved."""
    lm = {"name": tiny(), "dtype": "float32", "device": "cpu"}
    pipe: Any = nlp.add_pipe("generative_ner", config={"labels": ["ORG"], "model": {"lm": lm}})
    nlp.config.to_disk(tmp_path / "own.cfg")
    pipe.model.initialize()
    built, text = load(str(tmp_path / "own.cfg")), "Essex County Council said no"
    assert built(text).spans["sc"].attrs["scores"].tolist() == pytest.approx(
        nlp(text).spans["sc"].attrs["scores"].tolist()
    )
    assert [span.text for span in built(text).ents] == [span.text for span in nlp(text).ents] != []


def test_an_adapter_that_is_not_there_is_an_error_at_once(
    nlp: Language,
    tiny: Callable[..., str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lm = {"name": tiny(), "adapter": "typo", "dtype": "float32", "device": "cpu"}
    nlp.add_pipe("generative_ner", config={"labels": ["ORG"], "model": {"lm": lm}})
    nlp.config.to_disk(tmp_path / "own.cfg")
    with pytest.raises(SystemExit):
        load(str(tmp_path / "own.cfg"))
    printed = " ".join(capsys.readouterr().out.split())
    assert "adapter = 'typo': there is no such folder" in printed


def test_settings_that_a_config_leaves_out_have_their_defaults(tmp_path: Path) -> None:
    config = '[nlp]\nlang = "en"\npipeline = ["generative_ner"]\n[components]\n[components.generative_ner]\n'
    (tmp_path / "short.cfg").write_text(f'{config}factory = "generative_ner"\n', "utf-8")
    assert generative_ner_of(load(str(tmp_path / "short.cfg")), "generative_ner").threshold == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nonsense", "no section headers"),
        (
            '[nlp]\nlang = "en"\npipeline = ["x"]\n[components]\n[components.x]\nfactory = "typo"',
            "typo",
        ),
    ],
)
def test_a_config_that_is_wrong_ends_with_the_reason(
    content: str, message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "wrong.cfg").write_text(content, "utf-8")
    with pytest.raises(SystemExit):
        load(str(tmp_path / "wrong.cfg"))
    printed = "".join(capsys.readouterr())
    assert message in printed and "wrong.cfg" in printed


def test_a_document_is_annotated_by_what_comes_before(nlp: Language) -> None:
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "ORG", "pattern": "Essex"}])  # type: ignore[attr-defined]
    doc = read_before(nlp, "entity_ruler", nlp.make_doc("Essex won. It did."))
    assert len(list(doc.sents)) == 2 and not doc.ents


def test_a_missing_pipeline_ends_with_its_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as stop:
        load(str(tmp_path / "nope"))
    assert stop.value.code == 1 and "nope" in "".join(capsys.readouterr())


def test_only_errors_that_the_user_can_mend_are_plain() -> None:
    with pytest.raises(SystemExit), plain_errors():
        raise ValueError("mend it")
    with pytest.raises(ZeroDivisionError), plain_errors():
        _ = 1 / 0
