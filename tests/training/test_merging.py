"""Merged weights are a plain folder, which computes what the pipeline decodes with."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from spacy.language import Language
from spacy.util import load_model_from_config
from thinc.api import Config
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from spacy_genner.decoding.calibration import Platt
from spacy_genner.training.merging import merge
from tests.conftest import FAMILIES

TEXTS = [
    "The University of Edinburgh bought the old factory in Leeds.",
    "c-fos RNA binds.\n\nMrs O'Neil",
]
IDS = torch.arange(3, 23)[None]
TUNINGS = ["spacy_genner.LoRA.v1", "spacy_genner.FullTuning.v1"]
LABELS = {"ORG": "a company", "GPE": ""}
Found = list[list[tuple[int, int, str, float]]]


def pipeline(folder: str, tuning: str = TUNINGS[0], **config: Any) -> Language:
    """A pipeline whose weights are as if they had been trained."""
    nlp = spacy.blank("en")
    lm = {"name": folder, "dtype": "float32", "device": "cpu", "tuning": {"@misc": tuning}}
    model = {"lm": {**lm, **config.pop("lm", {})}, **config.pop("model", {})}
    nlp.add_pipe("generative_ner", config={"labels": LABELS, "model": model, **config})
    lm = lm_of(nlp)
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in lm.model.parameters():
            if weight.requires_grad:
                weight += torch.randn_like(weight) * 0.1
    lm.changed()
    return nlp


def merged(nlp: Language, folder: Path) -> Path:
    merge(nlp, nlp.get_pipe("generative_ner"), folder)
    return folder


def lm_of(nlp: Language) -> Any:
    return nlp.get_pipe("generative_ner").model.shims[0].lm


def found(nlp: Language) -> Found:
    """The spans of the texts with their scores."""
    result: Found = []
    for doc in nlp.pipe(TEXTS):
        group = doc.spans["sc"]
        scored = zip(group, group.attrs["scores"], strict=True)
        result.append([(s.start, s.end, s.label_, float(score)) for s, score in scored])
    return result


def plugged_in(folder: Path) -> Language:
    """The pipeline that the model card of a folder describes."""
    (config,) = re.findall(r"(?s)```ini\n(.*?)\n```", (folder / "README.md").read_text("utf-8"))
    return load_model_from_config(
        Config().from_str(config.replace('"FOLDER"', f'"{folder}"')), auto_fill=True
    )


@pytest.mark.parametrize("tuning", TUNINGS)
@pytest.mark.parametrize("family", FAMILIES)
def test_transformers_computes_the_same(
    tiny: Callable[..., str], tmp_path: Path, family: str, tuning: str
) -> None:
    nlp = pipeline(tiny(family), tuning)
    folder = merged(nlp, tmp_path / "merged")
    plain = AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.inference_mode():
        expected = lm_of(nlp).steps.model(IDS).logits
        assert torch.equal(plain(IDS).logits, expected)
        assert not torch.allclose(lm_of(nlp).base.model(IDS).logits, expected, atol=0.1)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for text in TEXTS:
        assert tokenizer(text)["input_ids"] == lm_of(nlp).tokenizer(text)["input_ids"]


@pytest.mark.parametrize("tuning", TUNINGS)
@pytest.mark.parametrize("kind", ["t5", "flan", "mt5", "umt5"])
def test_an_encoder_decoder_model(
    tiny_t5: Callable[..., str], tmp_path: Path, kind: str, tuning: str
) -> None:
    nlp = pipeline(tiny_t5(kind), tuning, lm={"@misc": "spacy_genner.Seq2SeqLM.v1"})
    folder = merged(nlp, tmp_path / "merged")
    plain = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    inputs = {"input_ids": IDS, "decoder_input_ids": torch.tensor([[0, 4, 5]])}
    with torch.inference_mode():
        assert torch.equal(plain(**inputs).logits, lm_of(nlp).steps.model(**inputs).logits)
    assert found(plugged_in(folder)) == found(nlp)
    card = (folder / "README.md").read_text("utf-8")
    assert "AutoModelForSeq2SeqLM" in card and "text2text-generation" in card


@pytest.mark.parametrize("tuning", TUNINGS)
def test_the_config_of_the_card_finds_the_same(
    tiny: Callable[..., str], tmp_path: Path, tuning: str
) -> None:
    nlp = pipeline(tiny(), tuning)
    again = plugged_in(merged(nlp, tmp_path / "merged"))
    spans = found(nlp)
    assert sum(map(len, spans)) > 2
    assert found(again) == spans
    assert lm_of(again).model is lm_of(again).base.model


def test_the_card_has_the_present_settings(tiny: Callable[..., str], tmp_path: Path) -> None:
    template = tmp_path / "own.jinja"
    template.write_text("Mark ``it``:\n{{ text }}\n=>\n")
    nlp = pipeline(tiny(), model={"prompt": {"template": str(template)}}, window=3)
    pipe = nlp.get_pipe("generative_ner")
    pipe.set_labels({"per:son": "who", "GPE": "where"})  # a config cannot hold the first
    pipe.spans_key = "own"
    pipe.threshold = 0.5
    nlp.meta["performance"] = {"spans_own_f": 0.25, "generative_ner_loss": 3.0, "per_type": {}}
    folder = merged(nlp, tmp_path / "merged")
    card = (folder / "README.md").read_text("utf-8")
    assert "- `per:son`: who\n- `GPE`: where\n" in card
    assert "Mark ``it``:\nAn entity is marked like this one.\n=>\n" in card
    assert "[An entity | per\\:son] is marked like this one." in card
    assert "| `spans_own_f` | 0.250 |" in card and "loss` |" not in card
    assert str(tmp_path) not in card
    again = plugged_in(folder)
    assert "set_labels({'per:son': 'who', 'GPE': 'where'})" in card
    again.get_pipe("generative_ner").set_labels(pipe.label_data)
    pipe.threshold = 0.0
    assert [dict(doc.spans)["own"].attrs["scores"].tolist() for doc in nlp.pipe(TEXTS)] == [
        dict(doc.spans)["own"].attrs["scores"].tolist() for doc in again.pipe(TEXTS)
    ]


def test_who_has_learnt_to_write(tiny: Callable[..., str], tmp_path: Path) -> None:
    """A model that was trained on decisions has not, but what was trained elsewhere is unknown."""
    nlp = pipeline(tiny())
    lm_of(nlp).tuning.save(lm_of(nlp).model, tmp_path)  # a folder as PEFT has it
    elsewhere = spacy.blank("en")
    lm = {"name": tiny(), "adapter": str(tmp_path), "dtype": "float32", "device": "cpu"}
    elsewhere.add_pipe("generative_ner", config={"labels": LABELS, "model": {"lm": lm}})
    for made, warned in ((nlp, True), (pipeline(tiny(), model={"loss": "tokens"}), False)):
        card = (merged(made, tmp_path / "merged") / "README.md").read_text("utf-8")
        assert ("trained on decisions only" in card) == warned
    folder = merged(elsewhere, tmp_path / "merged")
    card = (folder / "README.md").read_text("utf-8")
    assert "trained on decisions only" not in card and "adapter" not in card
    assert found(plugged_in(folder)) == found(elsewhere) == found(nlp)


def test_the_code_of_the_card_runs(tiny: Callable[..., str], tmp_path: Path) -> None:
    folder = merged(pipeline(tiny()), tmp_path / "merged")
    card = (folder / "README.md").read_text("utf-8")
    first, second = re.findall(r"(?s)```python\n(.*?)\n```", card)
    (config,) = re.findall(r"(?s)```ini\n(.*?)\n```", card)
    (tmp_path / "ner.cfg").write_text(config.replace("FOLDER", str(folder)), encoding="utf-8")
    names: dict[str, Any] = {}
    exec(first.replace("ner.cfg", str(tmp_path / "ner.cfg")), names)
    assert "sc" in names["doc"].spans
    exec(second.replace("FOLDER", str(folder)).replace("256", "3"), names)
    assert f"```text\n{names['prompt']}\n```" in card
    assert len(names["written"]) == 3


def test_what_a_plain_folder_cannot_hold(tiny: Callable[..., str], tmp_path: Path) -> None:
    nlp = pipeline(tiny())
    pipe = nlp.get_pipe("generative_ner")
    assert merge(nlp, pipe, tmp_path / "merged") == []
    pipe.calibrate(Platt(1.0, 0.5))
    pipe.threshold = 0.1
    assert merge(nlp, pipe, tmp_path / "merged") == ["the calibration", "the threshold"]
    assert "threshold = 0.0" in (tmp_path / "merged" / "README.md").read_text("utf-8")


def test_old_weights_are_replaced_and_other_files_stay(
    tiny: Callable[..., str], tmp_path: Path
) -> None:
    folder = tmp_path / "merged"
    folder.mkdir()
    for name in ("model-00001-of-00002.safetensors", "model.safetensors.index.json", "own.txt"):
        (folder / name).write_text("old")
    merged(pipeline(tiny()), folder)
    assert {path.name for path in folder.glob("model*")} == {"model.safetensors"}
    assert (folder / "own.txt").read_text() == "old"
    assert (folder / "model.safetensors").stat().st_mode == (folder / "own.txt").stat().st_mode


def test_the_folder_of_the_base_is_refused(tiny: Callable[..., str]) -> None:
    before = Path(tiny(), "model.safetensors").read_bytes()
    with pytest.raises(ValueError, match="is the folder of the base"):
        merged(pipeline(tiny()), Path(tiny()))
    assert Path(tiny(), "model.safetensors").read_bytes() == before


def test_no_labels(tiny: Callable[..., str], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no labels"):
        merged(pipeline(tiny(), labels=None), tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
