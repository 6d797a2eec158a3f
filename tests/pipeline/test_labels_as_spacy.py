"""The labels of the component, and its settings, as spaCy's own tests promise them of trainable
components."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.training import Example
from thinc.api import ConfigValidationError

from tests.pipeline.scripted import add_scripted

NAME = "generative_ner"


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("xx")


@pytest.mark.parametrize("labels", [[], ["B", "A"]])
def test_labels_are_added_before_initialization(
    nlp: Language, add_tiny: Callable[..., Any], labels: list[str]
) -> None:
    pipe = add_tiny(nlp, labels=None)
    for label in labels:
        pipe.add_label(label)
    if not labels:
        with pytest.raises(ValueError, match="has no labels"):
            nlp.initialize()
        return
    nlp.initialize()
    assert pipe.labels == tuple(labels) == tuple(pipe.label_data)
    nlp("Acme left Leeds")


ADDED: dict[str, Callable[[Any], Any]] = {
    "the configuration": lambda pipe: None,
    "add_label": lambda pipe: pipe.add_label("ZEBRA"),
    "set_labels": lambda pipe: pipe.set_labels({"ZEBRA": "a beast"}),
    "take_labels": lambda pipe: pipe.take_labels(lambda: [], ["ZEBRA"]),
}


@pytest.mark.parametrize("how", ADDED)
def test_labels_are_strings_of_the_vocabulary(nlp: Language, how: str, tmp_path: Path) -> None:
    pipe = add_scripted(nlp, labels=["ZEBRA"] if how == "the configuration" else ["ORG"])
    ADDED[how](pipe)
    assert "ZEBRA" in nlp.vocab.strings


@pytest.mark.parametrize("exclude", [[], ["strings"], ["vocab"]])
def test_they_are_when_the_pipeline_is_loaded_without_its_strings(
    nlp: Language, add_tiny: Callable[..., Any], exclude: list[str], tmp_path: Path
) -> None:
    add_tiny(nlp, labels=["ZEBRA"])
    nlp.to_disk(tmp_path)
    assert "ZEBRA" in spacy.load(tmp_path, exclude=exclude).vocab.strings
    again = spacy.blank("xx").from_config(nlp.config)
    again.from_bytes(nlp.to_bytes(exclude=["vocab"]), exclude=exclude)
    assert "ZEBRA" in again.vocab.strings


@pytest.mark.parametrize("saved_without", [[], ["vocab"]])
@pytest.mark.parametrize("loaded_without", [["vocab"], ["cfg", "vocab"]])
def test_parts_can_be_left_out(
    nlp: Language,
    add_tiny: Callable[..., Any],
    saved_without: list[str],
    loaded_without: list[str],
    tmp_path: Path,
) -> None:
    pipe = add_tiny(nlp)
    pipe.set_labels(["NEW"])
    expected = ("ORG", "GPE") if "cfg" in loaded_without else ("NEW",)
    other = add_tiny(spacy.blank("xx")).from_bytes(
        pipe.to_bytes(exclude=saved_without), exclude=loaded_without
    )
    assert other.labels == tuple(other.model.attrs["labels"]) == expected
    pipe.to_disk(tmp_path, exclude=saved_without)
    assert (tmp_path / "vocab").exists() == (not saved_without)
    other = add_tiny(spacy.blank("xx")).from_disk(tmp_path, exclude=loaded_without)
    assert other.labels == tuple(other.model.attrs["labels"]) == expected


@pytest.mark.parametrize(
    "settings", [{"labels": 5}, {"labels": "ORG"}, {"labls": ["ORG"]}, {"shots": 3}]
)
def test_settings_of_initialization_are_checked(nlp: Language, settings: dict[str, Any]) -> None:
    add_scripted(nlp)
    nlp.config["initialize"]["components"][NAME] = settings
    with pytest.raises((ConfigValidationError, TypeError), match=f"{next(iter(settings))}"):
        nlp.initialize(lambda: [Example.from_dict(nlp.make_doc("a b"), {"entities": []})])
