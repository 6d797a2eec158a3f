"""A pipeline on an adapter that was trained elsewhere, by its config alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Config
from transformers import AutoTokenizer

from tests.lm.test_plugging_in import train_outside

TEXTS = ["The University of Edinburgh bought it.", "Essex Police said no.", "Acme", ""]


@pytest.fixture
def adapter(tiny: Callable[..., str], tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    train_outside(tiny(), folder)
    return folder


def spans(nlp: Language) -> list[list[tuple[int, int, str, float]]]:
    return [scored(doc) for doc in nlp.pipe(TEXTS)]


def scored(doc: Doc) -> list[tuple[int, int, str, float]]:
    group = doc.spans["sc"]
    pairs = zip(group, group.attrs["scores"], strict=True)
    return [(span.start, span.end, span.label_, float(score)) for span, score in pairs]


def blank(add_tiny: Callable[..., Any], **lm: Any) -> Language:
    nlp = spacy.blank("en")
    add_tiny(nlp, lm=lm)
    return nlp


@pytest.mark.parametrize("beside", [True, False], ids=["beside its base", "by itself"])
def test_spans_are_those_of_the_merged_model(
    add_tiny: Callable[..., Any],
    tiny: Callable[..., str],
    adapter: Path,
    tmp_path: Path,
    beside: bool,
) -> None:
    lm = {"adapter": str(adapter)} if beside else {"name": str(adapter)}
    plugged = blank(add_tiny, **lm)
    merged = train_outside(tiny(), tmp_path / "again").merge_and_unload()
    merged.save_pretrained(tmp_path / "merged")
    AutoTokenizer.from_pretrained(tiny()).save_pretrained(tmp_path / "merged")
    expected = spans(blank(add_tiny, name=str(tmp_path / "merged")))
    assert any(expected)
    found = spans(plugged)
    assert [[span[:3] for span in one] for one in found] == [
        [span[:3] for span in one] for one in expected
    ]
    for one, other in zip(found, expected, strict=True):
        assert [span[3] for span in one] == pytest.approx([span[3] for span in other], abs=1e-3)


def test_training_goes_on_from_the_adapter(
    add_tiny: Callable[..., Any], adapter: Path, tmp_path: Path
) -> None:
    nlp = blank(add_tiny, adapter=str(adapter))
    before = spans(nlp)
    doc = nlp.make_doc(TEXTS[0])
    gold = doc.copy()
    gold.spans["sc"] = [Span(gold, 1, 4, "ORG")]
    example = Example(doc, gold)
    optimizer = nlp.initialize(lambda: [example])
    assert spans(nlp) == before, "it begins with the adapter"
    losses = [nlp.update([example], sgd=optimizer)["generative_ner"] for _ in range(5)]
    assert losses[-1] < losses[0]
    after = spans(nlp)
    nlp.to_disk(tmp_path / "saved")
    shutil.rmtree(adapter)
    assert spans(spacy.load(tmp_path / "saved")) == after


def test_another_tuning_in_the_config(add_tiny: Callable[..., Any], tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    add_tiny(nlp)
    nlp.to_disk(tmp_path / "saved")
    place = "components.generative_ner.model.lm.tuning"
    with pytest.raises(ValueError, match=r"has r = 16, .*\[tuning\] has r = 8: give the settings"):
        spacy.load(tmp_path / "saved", config={place: {"@misc": "spacy_genner.LoRA.v1", "r": 8}})
    without = spacy.load(tmp_path / "saved", config={place: {"@misc": "spacy_genner.NoTuning.v1"}})
    assert spans(without) == spans(nlp)
    with pytest.raises(ValueError, match=r"NoTuning\.v1 cannot be trained"):
        without.update([Example(without.make_doc("Acme"), nlp("Acme"))])


def test_settings_of_lora_in_a_config(
    add_tiny: Callable[..., Any], tiny: Callable[..., str], tmp_path: Path
) -> None:
    """Nested ones as well, which a config file holds as sections."""
    tuning = {
        "@misc": "spacy_genner.LoRA.v1",
        "r": 4,
        "target_modules": ["q_proj", "v_proj"],
        "rank_pattern": {"q_proj": 2},
        "alpha_pattern": {"v_proj": 64},
        "modules_to_save": ["norm"],
        "layers_to_transform": [1],
    }
    nlp = blank(add_tiny, tuning=tuning)
    nlp.initialize()
    nlp.config.to_disk(tmp_path / "config.cfg")
    config = Config().from_disk(tmp_path / "config.cfg")
    again = spacy.util.load_model_from_config(config)
    for one in (nlp, again):
        lm: Any = one.get_pipe("generative_ner").model.shims[0].lm
        settings = lm.model.peft_config["default"]
        assert (settings.r, settings.rank_pattern, settings.alpha_pattern) == (
            4,
            {"q_proj": 2},
            {"v_proj": 64},
        )
        names = [name for name, weight in lm.model.named_parameters() if weight.requires_grad]
        assert sum("lora_A" in name for name in names) == 2
        assert any("norm.modules_to_save" in name for name in names)
    nlp.to_disk(tmp_path / "saved")
    assert spans(spacy.load(tmp_path / "saved")) == spans(nlp)
