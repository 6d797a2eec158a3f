"""Adapters that were trained elsewhere, plugged in by settings alone."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from spacy_genner.lm.causal import CausalLM
from spacy_genner.lm.seq2seq import Seq2SeqLM
from spacy_genner.models.losses import LOSSES, LossShim, Target
from spacy_genner.weights.tuning import FullTuning, LoRA, NoTuning, Tuning
from tests.weights.test_tuning import shaken

IDS = torch.arange(3, 23)[None]
TEMPLATE = "{% for turn in messages %}<{{ turn.content }}>{% endfor %}"


def train_outside(base: str, folder: Path, tokens: int = 0, template: str | None = None) -> Any:
    """Write an adapter and its tokenizer as a training script does. Returns: the PEFT model.

    Args:
        tokens: The number of tokens that the tokenizer gets.
        template: A chat template for the tokenizer.
    """
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base)
    torch.manual_seed(1)
    if tokens:
        tokenizer.add_tokens([f"<<{n}>>" for n in range(tokens)])
        model.resize_token_embeddings(len(tokenizer))
    if template:
        tokenizer.chat_template = template
    config = peft.LoraConfig(
        r=4, lora_alpha=128, target_modules="all-linear", use_rslora=True, task_type="CAUSAL_LM"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PEFT, about transformers 5 and enlarged embeddings
        model = shaken(peft.get_peft_model(model, config))
        model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model.eval()


def lm_on(base: str, **settings: Any) -> CausalLM:
    return CausalLM(base, **{"dtype": "float32", "device": "cpu", **settings})


def logits(model: Any, ids: torch.Tensor = IDS) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model(ids).logits
        return found


def saved(lm: CausalLM, folder: Path) -> Path:
    folder.mkdir()
    lm.save(folder)
    return folder


@pytest.fixture
def adapter(tiny: Callable[..., str], tmp_path: Path) -> Path:
    """The folder of an adapter for `tiny()`."""
    folder = tmp_path / "adapter"
    train_outside(tiny(), folder)
    return folder


@pytest.mark.parametrize("tuning", [None, NoTuning()], ids=["trainable", "not trainable"])
@pytest.mark.parametrize("beside", [True, False], ids=["beside its base", "by itself"])
def test_the_logits_are_those_of_peft(
    tiny: Callable[..., str], tmp_path: Path, beside: bool, tuning: Tuning | None
) -> None:
    folder = tmp_path / "adapter"
    expected = logits(train_outside(tiny(), folder))
    settings = (tiny(), {"adapter": str(folder)}) if beside else (str(folder), {})
    name, others = settings
    lm = lm_on(name, tuning=tuning, **others)
    torch.testing.assert_close(logits(lm.steps.model), expected, atol=1e-3, rtol=0)
    assert lm.base is lm_on(tiny()).base, "the base is shared"


def test_a_saved_pipeline_needs_the_folder_no_more(
    tiny: Callable[..., str], adapter: Path, tmp_path: Path
) -> None:
    given: list[tuple[str, dict[str, Any]]] = [
        (tiny(), {"adapter": str(adapter)}),
        (str(adapter), {}),
    ]
    expected = logits(lm_on(str(adapter)).steps.model)
    folders = [
        saved(lm_on(name, **others), tmp_path / f"saved{n}")
        for n, (name, others) in enumerate(given)
    ]
    shutil.rmtree(adapter)
    for folder, (name, others) in zip(folders, given, strict=True):
        lm = lm_on(name, **others)
        lm.restore(folder)
        assert torch.equal(logits(lm.steps.model), expected)
        again = saved(lm, folder.with_name(f"{folder.name} again"))
        assert (again / "base.json").read_text() == (folder / "base.json").read_text()


def test_a_bundled_base_with_an_adapter(
    tiny: Callable[..., str], adapter: Path, tmp_path: Path
) -> None:
    base = shutil.copytree(tiny(), tmp_path / "base")
    given = {"adapter": str(adapter), "bundle_base": True}
    lm = lm_on(str(base), **given)
    expected = logits(lm.steps.model)
    place = saved(lm, tmp_path / "saved")
    shutil.rmtree(base)
    shutil.rmtree(adapter)
    restored = lm_on(str(base), **given)
    restored.restore(place)
    assert torch.equal(logits(restored.steps.model), expected)
    saved(restored, tmp_path / "again")


def test_an_encoder_decoder(tiny_t5: Callable[..., str], tmp_path: Path) -> None:
    model = AutoModelForSeq2SeqLM.from_pretrained(tiny_t5())
    config = peft.LoraConfig(
        r=4, lora_alpha=128, target_modules=["q", "v"], task_type="SEQ_2_SEQ_LM"
    )
    model = shaken(peft.get_peft_model(model, config))
    model.save_pretrained(tmp_path)
    ids = {"input_ids": IDS, "decoder_input_ids": IDS[:, :4]}
    with torch.inference_mode():
        expected = model.eval()(**ids).logits
        for name, adapter in ((tiny_t5(), str(tmp_path)), (str(tmp_path), None)):
            lm = Seq2SeqLM(name, adapter=adapter, dtype="float32", device="cpu")
            torch.testing.assert_close(lm.steps.model(**ids).logits, expected, atol=1e-3, rtol=0)


def test_training_begins_again_with_the_adapter(adapter: Path) -> None:
    lm = lm_on(str(adapter))
    expected = logits(lm.steps.model)
    with torch.no_grad():
        for weight in lm.model.parameters():
            if weight.requires_grad:
                weight.zero_()
    lm.changed()
    assert not torch.equal(logits(lm.steps.model), expected)
    lm.reset()
    assert torch.equal(logits(lm.steps.model), expected)


def test_settings_that_differ_from_those_of_the_adapter(adapter: Path) -> None:
    with pytest.raises(
        ValueError,
        match=r"has lora_alpha = 128, use_rslora = True, but \[tuning\] has lora_alpha = 32, "
        "use_rslora = False",
    ):
        _ = lm_on(str(adapter), tuning=LoRA(r=4)).model
    right = lm_on(str(adapter), tuning=LoRA(r=4, lora_alpha=128, use_rslora=True))
    assert torch.equal(logits(right.steps.model), logits(lm_on(str(adapter)).steps.model))


def test_all_weights_cannot_be_trained_from_an_adapter(adapter: Path) -> None:
    with pytest.raises(ValueError, match=r"adapter/model\.safetensors cannot be read"):
        _ = lm_on(str(adapter), tuning=FullTuning()).model


@pytest.mark.parametrize(
    ("tokens", "template"),
    [(3, None), (0, TEMPLATE), (3, TEMPLATE)],
    ids=["tokens", "chat", "both"],
)
def test_a_tokenizer_of_its_own(
    tiny: Callable[..., str], tmp_path: Path, tokens: int, template: str | None
) -> None:
    folder = tmp_path / "adapter"
    model = train_outside(tiny(), folder, tokens, template)
    base = AutoTokenizer.from_pretrained(tiny())
    ids = torch.tensor([[3, len(base) + tokens - 1, 4]])
    expected = logits(model, ids)
    lm = lm_on(tiny(), adapter=str(folder))
    place = saved(lm, tmp_path / "saved")
    shutil.rmtree(folder)
    restored = lm_on(tiny(), adapter=str(folder))
    restored.restore(place)
    for one in (lm, restored):
        assert len(one.tokenizer) == len(base) + tokens
        assert one.tokenizer.chat_template == template
        torch.testing.assert_close(logits(one.steps.model, ids), expected, atol=1e-3, rtol=0)
    assert len(lm.base.tokenizer) == len(base)


def test_the_tokenizer_of_the_base(tiny: Callable[..., str], adapter: Path, tmp_path: Path) -> None:
    """Training scripts save it beside the adapter: it is not kept twice."""
    lm = lm_on(tiny(), adapter=str(adapter))
    assert lm.tokenizer is lm.base.tokenizer
    assert not (saved(lm, tmp_path / "saved") / "tokenizer").exists()


def test_a_tokenizer_that_cannot_be_read(tiny: Callable[..., str], adapter: Path) -> None:
    (adapter / "tokenizer.json").write_text("{")
    with pytest.raises(ValueError, match=r"the tokenizer in .*adapter cannot be read"):
        _ = lm_on(tiny(), adapter=str(adapter)).pieces


def test_no_such_adapter(tiny: Callable[..., str], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"adapter = '.*nowhere': there is no such folder with"):
        _ = lm_on(tiny(), adapter=str(tmp_path / "nowhere")).model
    with pytest.raises(ValueError, match="there is no such folder with adapter_config"):
        _ = lm_on(tiny(), adapter=tiny()).model


def test_an_adapter_in_the_place_of_a_base(adapter: Path) -> None:
    with pytest.raises(ValueError, match=r"it is an adapter .* give it as `adapter`, and its base"):
        _ = lm_on(str(adapter), adapter=str(adapter)).base


def test_an_adapter_that_does_not_name_its_base(adapter: Path) -> None:
    settings = json.loads((adapter / "adapter_config.json").read_text())
    settings["base_model_name_or_path"] = None
    (adapter / "adapter_config.json").write_text(json.dumps(settings))
    with pytest.raises(ValueError, match="does not name the base of the adapter: give the base as"):
        _ = lm_on(str(adapter)).base


def test_without_tuning_nothing_is_copied(tiny: Callable[..., str], tmp_path: Path) -> None:
    lm = lm_on(tiny(), tuning=NoTuning(), gradient_checkpointing=True)
    assert lm.model is lm.steps.model is lm.base.model
    assert not any(
        m.gradient_checkpointing for m in lm.model.modules() if hasattr(m, "gradient_checkpointing")
    )
    place = saved(lm, tmp_path / "saved")
    assert {file.name for file in place.iterdir()} == {"base.json"}
    lm.restore(place)
    assert lm.steps.model is lm.base.model


def test_without_tuning_training_is_refused(tiny: Callable[..., str]) -> None:
    shim = LossShim(lm_on(tiny(), tuning=NoTuning()), LOSSES["tokens"])
    with pytest.raises(ValueError, match=r"NoTuning\.v1 cannot be trained: set tuning = null, or"):
        shim.begin_update([Target((3, 4), [5], [6, 2], [])])
