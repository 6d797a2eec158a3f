"""What training changes: attached without touching the base, merged without touching either, saved
and restored."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoHaConfig, LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from spacy_genner.weights.adapter_config import REFUSED
from spacy_genner.weights.adapters import sharing_copy
from spacy_genner.weights.tuning import AdapterTuning, FullTuning, LoRA, NoTuning, Tuning
from tests.conftest import FAMILIES

IDS = torch.arange(3, 23)[None]
LORAS = {
    "lora": LoRA(r=4),
    "rslora": LoRA(r=4, use_rslora=True),
    "dora": LoRA(r=4, use_dora=True),
    "modules": LoRA(r=2, lora_alpha=8, target_modules=["q_proj", "v_proj"]),
    "pattern": LoRA(r=2, target_modules=r".*\.down_proj"),
}
TUNINGS: dict[str, Tuning] = {**LORAS, "full": FullTuning()}

tunings = pytest.mark.parametrize("tuning", TUNINGS.values(), ids=TUNINGS)
loras = pytest.mark.parametrize("tuning", LORAS.values(), ids=LORAS)
families = pytest.mark.parametrize("family", FAMILIES)
both = pytest.mark.parametrize("tuning", [LORAS["lora"], FullTuning()], ids=["lora", "full"])


@pytest.fixture
def base(tiny: Callable[..., str]) -> Callable[..., Any]:
    """`base(family)`: a fresh frozen model."""

    def load(family: str = "llama", dtype: torch.dtype = torch.float32, **settings: Any) -> Any:
        model = AutoModelForCausalLM.from_pretrained(tiny(family), torch_dtype=dtype, **settings)
        return model.requires_grad_(False).eval()

    return load


def shaken(model: Any, scale: float = 0.05) -> Any:
    """A model whose trained weights have moved away from where they began."""
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight += torch.randn_like(weight) * scale
    return model


def rounded(model: Any) -> Any:
    """The same with its trained weights as they are on disk."""
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.copy_(weight.bfloat16())
    return model


def trained(model: Any) -> dict[str, torch.Tensor]:
    return {
        name: weight.detach().clone()
        for name, weight in model.named_parameters()
        if weight.requires_grad
    }


def logits(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        return model.eval()(IDS).logits.float()


def state(model: Any) -> dict[str, torch.Tensor]:
    return {
        name: tensor.clone() for name, tensor in [*model.named_parameters(), *model.named_buffers()]
    }


def assert_same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in found)


@families
@both
def test_a_fresh_adapter_changes_nothing(
    base: Callable[..., Any], family: str, tuning: Tuning
) -> None:
    plain = base(family)
    model = tuning.attach(plain)
    assert trained(model)
    assert all(weight.dtype == torch.float32 for weight in trained(model).values())
    torch.testing.assert_close(logits(model), logits(plain))


@families
@both
def test_merged_weights_say_what_the_adapter_says(
    base: Callable[..., Any], family: str, tuning: Tuning
) -> None:
    assert_merging(base, family, tuning)


@pytest.mark.parametrize("name", ["rslora", "dora", "modules", "pattern"])
def test_merging_other_adapters(base: Callable[..., Any], name: str) -> None:
    assert_merging(base, "llama", LORAS[name])


def assert_merging(base: Callable[..., Any], family: str, tuning: Tuning) -> None:
    model = shaken(tuning.attach(base(family)))
    before = trained(model)
    merged = tuning.merged(model, torch.float32)
    assert_same(trained(model), before)
    assert not merged.training
    assert not any(weight.requires_grad for weight in merged.parameters())
    assert not any("lora" in name for name, _ in merged.named_parameters())
    found, unrounded = logits(merged), logits(model)
    torch.testing.assert_close(found, logits(rounded(model)), atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(found, unrounded, atol=0.15 * unrounded.abs().max().item(), rtol=0)
    assert not torch.allclose(found, logits(base(family)), atol=0.1), "the adapter did nothing"


@loras
def test_merged_weights_share_what_is_not_adapted(base: Callable[..., Any], tuning: LoRA) -> None:
    plain = base("llama")
    model = shaken(tuning.attach(plain))
    merged = dict(tuning.merged(model, torch.float32).named_parameters())
    assert merged.keys() == dict(plain.named_parameters()).keys()
    adapted = {
        n.replace("base_model.model.", "").replace(".base_layer", "")
        for n in state(model)
        if ".base_layer." in n
    }
    assert adapted
    for name, weight in plain.named_parameters():
        assert (merged[name].data_ptr() == weight.data_ptr()) == (name not in adapted), name


@families
@both
def test_the_base_is_never_changed(base: Callable[..., Any], family: str, tuning: Tuning) -> None:
    plain = base(family)
    before, said = state(plain), logits(plain)
    model = shaken(tuning.attach(plain))
    tuning.merged(model, torch.float32)
    model(IDS).logits.sum().backward()
    assert_same(state(plain), before)
    assert torch.equal(logits(plain), said)
    assert all(weight.grad is None for weight in plain.parameters())
    assert not plain.training


@loras
def test_an_adapter_shares_all_weights_of_the_base(base: Callable[..., Any], tuning: LoRA) -> None:
    plain = base("llama")
    own = {weight.data_ptr() for weight in plain.parameters()}
    model = tuning.attach(plain)
    assert all(w.data_ptr() in own for n, w in model.named_parameters() if "lora" not in n)


@tunings
def test_training_goes_on_after_merging(base: Callable[..., Any], tuning: Tuning) -> None:
    model = shaken(tuning.attach(base()))
    merged = tuning.merged(model, torch.float32)
    said = logits(merged)
    optimizer = torch.optim.SGD(
        [weight for weight in model.parameters() if weight.requires_grad], lr=0.01
    )
    before = trained(model)
    model.train()
    model(IDS, labels=IDS).loss.backward()
    optimizer.step()
    assert any(not torch.equal(before[name], weight) for name, weight in trained(model).items())
    assert torch.equal(logits(merged), said), "the merged copy must not follow"
    assert not torch.equal(logits(tuning.merged(model, torch.float32)), said)


@families
@both
def test_merged_for_decoding_in_bfloat16(
    base: Callable[..., Any], family: str, tuning: Tuning
) -> None:
    plain = base(family, torch.bfloat16)
    merged = tuning.merged(shaken(tuning.attach(plain)), torch.bfloat16)
    assert all(weight.dtype == torch.bfloat16 for weight in merged.parameters())
    buffers, exact = dict(plain.named_buffers()), dict(base(family).named_buffers())
    assert any("inv_freq" in name for name in exact)
    for name, buffer in merged.named_buffers():
        assert torch.equal(
            buffer.float(), (exact if "inv_freq" in name else buffers)[name].float()
        ), name


@tunings
def test_restoring_what_was_saved(base: Callable[..., Any], tuning: Tuning, tmp_path: Path) -> None:
    model = shaken(tuning.attach(base()))
    tuning.save(model, tmp_path)
    other = tuning.load(base(), tmp_path)
    assert_same(trained(other), trained(rounded(model)))
    assert all(weight.dtype == torch.float32 for weight in trained(other).values())
    assert torch.equal(
        logits(tuning.merged(other, torch.float32)), logits(tuning.merged(model, torch.float32))
    )
    again = tmp_path / "again"
    again.mkdir()
    tuning.save(other, again)
    files = {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}
    assert {file.name: file.read_bytes() for file in again.iterdir()} == files


@tunings
def test_what_is_saved_is_small(base: Callable[..., Any], tuning: Tuning, tmp_path: Path) -> None:
    model = tuning.attach(base())
    tuning.save(model, tmp_path)
    (weights,) = tmp_path.glob("*.safetensors")
    saved = load_file(weights)
    assert {weight.dtype for weight in saved.values()} == {torch.bfloat16}
    assert sum(weight.numel() for weight in saved.values()) == sum(
        weight.numel() for weight in trained(model).values()
    )


@pytest.mark.parametrize("name", ["lora", "rslora", "dora", "modules"])
def test_peft_reads_the_folder(base: Callable[..., Any], name: str, tmp_path: Path) -> None:
    tuning = LORAS[name]
    model = shaken(tuning.attach(base()))
    tuning.save(model, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
    }
    settings = json.loads((tmp_path / "adapter_config.json").read_text())
    wanted = (tuning.r, tuning.lora_alpha, tuning.use_rslora, tuning.use_dora)
    assert (
        settings["r"],
        settings["lora_alpha"],
        settings["use_rslora"],
        settings["use_dora"],
    ) == wanted
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = PeftModel.from_pretrained(base(), tmp_path)
    torch.testing.assert_close(logits(loaded), logits(rounded(model)), atol=1e-5, rtol=1e-5)


@tunings
def test_a_missing_file(base: Callable[..., Any], tuning: Tuning, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot be read .*copy or train the pipeline again"):
        tuning.load(base(), tmp_path)


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"\xff" * 100]
)
@both
def test_a_damaged_file(
    base: Callable[..., Any], tuning: Tuning, damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    model = shaken(tuning.attach(base()))
    tuning.save(model, tmp_path)
    (file,) = tmp_path.glob("*.safetensors")
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ValueError, match=r"model\.safetensors cannot be read"):
        tuning.load(base(), tmp_path)


@pytest.mark.parametrize(
    ("saved", "loaded", "name"),
    [
        (LoRA(r=4), LoRA(r=8), "r = 4"),
        (LoRA(r=4), LoRA(r=4, lora_alpha=16), "lora_alpha = 32"),
        (LoRA(r=4, use_rslora=True), LoRA(r=4), "use_rslora = True"),
        (LoRA(r=4, use_dora=True), LoRA(r=4), "use_dora = True"),
        (LoRA(r=4, alpha_pattern={"q_proj": 8}), LoRA(r=4), "alpha_pattern = {'q_proj': 8}"),
        (LoRA(r=4), LoRA(r=4, rank_pattern={"q_proj": 8}), "rank_pattern = None"),
        (LoRA(r=4), LoRA(r=4, target_modules=["q_proj"]), "target_modules = ['model.layers.0"),
        (LoRA(r=4, target_modules=["q_proj"]), LoRA(r=4), "target_modules = ['q_proj']"),
        (
            LoRA(r=4, target_modules=["q_proj"]),
            LoRA(r=4, target_modules=["q_proj"], layers_to_transform=[0]),
            "target_modules = ['q_proj']",
        ),
        (LoRA(r=4, modules_to_save=["norm"]), LoRA(r=4), "modules_to_save = ['norm']"),
        (LoRA(r=4, init_lora_weights="pissa"), LoRA(r=4), "init_lora_weights = 'pissa'"),
    ],
)
def test_other_settings(
    base: Callable[..., Any], saved: LoRA, loaded: LoRA, name: str, tmp_path: Path
) -> None:
    """The weights do not show some of them: they would be wrong without a word."""
    saved.save(saved.attach(base()), tmp_path)
    with pytest.raises(
        ValueError, match=rf"adapter_config\.json has {re.escape(name)}.*, but \[tuning\] has "
    ):
        loaded.load(base(), tmp_path)
    assert trained(AdapterTuning().load(base(), tmp_path)), "without settings, the stored ones hold"


@pytest.mark.parametrize(
    ("saved", "loaded"),
    [
        (LoRA(r=4), LoRA(r=4, lora_dropout=0.5)),
        (LoRA(r=4, target_modules=["q_proj"]), LoRA(r=4, target_modules=r".*\.q_proj")),
        (
            LoRA(r=4, target_modules=["q_proj"], layers_to_transform=[0, 1]),
            LoRA(r=4, target_modules=["q_proj"]),
        ),
        (LoRA(r=4, init_lora_weights="gaussian"), LoRA(r=4)),
    ],
)
def test_settings_that_mean_the_same(
    base: Callable[..., Any], saved: LoRA, loaded: LoRA, tmp_path: Path
) -> None:
    model = shaken(saved.attach(base()))
    saved.save(model, tmp_path)
    assert_same(trained(loaded.load(base(), tmp_path)), trained(rounded(model)))


def test_training_goes_on_with_another_dropout(base: Callable[..., Any], tmp_path: Path) -> None:
    LoRA(r=4).save(LoRA(r=4).attach(base()), tmp_path)
    model = LoRA(r=4, lora_dropout=0.5).load(base(), tmp_path)
    assert any(isinstance(module, torch.nn.Dropout) for module in model.modules())


def test_an_adapter_of_another_method(base: Callable[..., Any], tmp_path: Path) -> None:
    model = get_peft_model(base(), LoHaConfig(r=4, target_modules=["q_proj"]))
    model.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"has peft_type = 'LOHA'.* \[tuning\] has .*'LORA'"):
        LoRA(r=4).load(base(), tmp_path)


def test_settings_that_cannot_be_honoured(base: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match=r"\[tuning\]: init_lora_weights = 'corda' has changed"):
        LoRA(init_lora_weights="corda").attach(base())


def test_lora_has_all_settings_of_peft() -> None:
    """But for those that are refused by name, and those that follow from the others."""
    follow = {
        *("task_type", "peft_type", "peft_version", "auto_mapping", "inference_mode"),
        *("base_model_name_or_path", "revision", "runtime_config"),
        *("megatron_core", "qalora_group_size"),  # of settings that are refused
        *("loftq_config", "eva_config", "corda_config", "lora_ga_config"),  # of other beginnings
    }
    known = {field.name for field in fields(LoraConfig)}
    own = {field.name for field in fields(LoRA)}
    assert known - follow - set(REFUSED) == own


class TestNoTuning:
    def test_nothing_is_attached(self, base: Callable[..., Any], tmp_path: Path) -> None:
        plain = base()
        model = NoTuning().attach(plain)
        assert model is plain
        assert NoTuning().merged(model, torch.float32) is plain
        NoTuning().save(model, tmp_path)
        assert not list(tmp_path.iterdir())
        assert NoTuning().load(plain, tmp_path) is plain

    def test_an_adapter_stays_as_it_is(self, base: Callable[..., Any], tmp_path: Path) -> None:
        tuning = LoRA(r=4)
        trainable = shaken(tuning.attach(base()))
        tuning.save(trainable, tmp_path)
        model = NoTuning().load(base(), tmp_path)
        assert not trained(model)
        assert torch.equal(
            logits(NoTuning().merged(model, torch.float32)),
            logits(tuning.merged(trainable, torch.float32)),
        )
        again = tmp_path / "again"
        again.mkdir()
        NoTuning().save(model, again)
        for file in again.iterdir():
            assert file.read_bytes() == (tmp_path / file.name).read_bytes(), file.name

    def test_all_weights_of_a_model(self, base: Callable[..., Any], tmp_path: Path) -> None:
        FullTuning().save(FullTuning().attach(base()), tmp_path)
        with pytest.raises(ValueError, match=r"holds all weights of a model: use .*FullTuning\.v1"):
            NoTuning().load(base(), tmp_path)


@both
def test_weights_for_another_base(base: Callable[..., Any], tuning: Tuning, tmp_path: Path) -> None:
    tuning.save(tuning.attach(base("gemma3_text")), tmp_path)
    with pytest.raises(ValueError, match="other names or shapes"):
        tuning.load(base("llama"), tmp_path)


def test_weights_of_another_shape(base: Callable[..., Any], tmp_path: Path) -> None:
    tuning = LORAS["modules"]
    model = tuning.attach(base())
    tuning.save(model, tmp_path)
    file = tmp_path / "adapter_model.safetensors"
    save_file({name: weight[:1].contiguous() for name, weight in load_file(file).items()}, file)
    with pytest.raises(ValueError, match="other names or shapes"):
        tuning.load(base(), tmp_path)


def changed(folder: Path, change: Callable[[torch.Tensor], torch.Tensor]) -> str:
    """Change the last of the saved weights. Returns: its name."""
    (file,) = folder.glob("*.safetensors")
    weights = load_file(file)
    name = max(weights)
    save_file({**weights, name: change(weights[name])}, file)
    return name


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@both
def test_weights_that_are_no_numbers(
    base: Callable[..., Any], tuning: Tuning, value: float, tmp_path: Path
) -> None:
    model = shaken(tuning.attach(base()))
    tuning.save(model, tmp_path)
    name = changed(tmp_path, lambda weight: weight.index_fill(0, torch.tensor([1]), value))
    with pytest.raises(
        ValueError, match=rf"model\.safetensors: {re.escape(name)} holds NaN or infinity"
    ):
        tuning.load(base(), tmp_path)


@both
def test_weights_that_are_integers(
    base: Callable[..., Any], tuning: Tuning, tmp_path: Path
) -> None:
    model = tuning.attach(base())
    tuning.save(model, tmp_path)
    name = changed(tmp_path, lambda weight: weight.to(torch.int8))
    with pytest.raises(
        ValueError, match=rf"{re.escape(name)} has the type torch\.int8, expected floating"
    ):
        tuning.load(base(), tmp_path)


@pytest.mark.parametrize("content", [None, "", "{", "[]", "null"])
def test_a_missing_or_broken_configuration(
    base: Callable[..., Any], content: str | None, tmp_path: Path
) -> None:
    tuning = LoRA(r=4)
    tuning.save(tuning.attach(base()), tmp_path)
    (tmp_path / "adapter_config.json").unlink()
    if content is not None:
        (tmp_path / "adapter_config.json").write_text(content)
    with pytest.raises(ValueError, match=r"adapter_config\.json cannot be read"):
        tuning.load(base(), tmp_path)


def test_input_embeddings_of_their_own_may_be_adapted(base: Callable[..., Any]) -> None:
    plain = base()
    plain.lm_head.weight = torch.nn.Parameter(plain.lm_head.weight.clone(), requires_grad=False)
    plain.config.tie_word_embeddings = False
    tuning = LoRA(r=2, target_modules=["embed_tokens"])
    model = shaken(tuning.attach(plain))
    merged = tuning.merged(model, torch.float32)
    torch.testing.assert_close(logits(merged), logits(rounded(model)), atol=1e-3, rtol=1e-4)


def test_modules_that_there_are_not(base: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="no_such_proj"):
        LoRA(target_modules=["no_such_proj"]).attach(base())


def test_dropout_is_for_training_only(base: Callable[..., Any]) -> None:
    tuning = LoRA(r=4, lora_dropout=0.5)
    model = shaken(tuning.attach(base()))
    assert torch.equal(logits(model), logits(model))
    model.train()
    assert not torch.equal(model(IDS).logits, model(IDS).logits)
    assert not any(
        isinstance(module, torch.nn.Dropout)
        for module in tuning.merged(model, torch.float32).modules()
    )


def test_attaching_is_quiet(base: Callable[..., Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LoRA().attach(base())


def test_full_tuning_of_a_tied_model_stays_tied(base: Callable[..., Any], tmp_path: Path) -> None:
    tuning = FullTuning()
    model = shaken(tuning.attach(base()))
    merged = tuning.merged(model, torch.bfloat16)
    for made in (model, merged):
        assert made.get_output_embeddings().weight is made.get_input_embeddings().weight
    tuning.save(model, tmp_path)
    model = tuning.load(base(), tmp_path)
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


def test_full_tuning_trains_every_weight(base: Callable[..., Any]) -> None:
    model = FullTuning().attach(base("qwen3", torch.bfloat16))
    model(IDS, labels=IDS).loss.backward()
    assert all(
        weight.grad is not None and weight.grad.abs().sum() > 0 for weight in model.parameters()
    )


def test_a_sharing_copy(base: Callable[..., Any]) -> None:
    plain = base()
    own = plain.model.norm.weight
    copied = sharing_copy(plain, without=[id(own)])
    shared = {name: weight.data_ptr() for name, weight in plain.named_parameters()}
    for name, weight in copied.named_parameters():
        assert (weight.data_ptr() == shared[name]) == (name != "model.norm.weight")
    assert all(a is not b for a, b in zip(plain.modules(), copied.modules(), strict=True))


@pytest.mark.parametrize("tuning", TUNINGS.values(), ids=TUNINGS)
def test_the_protocol(tuning: Tuning) -> None:
    assert isinstance(tuning, Tuning)
