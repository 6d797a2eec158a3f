"""Adapters that PEFT has trained and written: each kind is read, decoded, trained on and saved as
PEFT itself does it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM, T5Config, T5ForConditionalGeneration

from spacy_genner.lm.head import Head
from spacy_genner.weights.adapters import merged
from spacy_genner.weights.tuning import AdapterTuning
from tests.weights.test_tuning import shaken

IDS = torch.arange(3, 23)[None]
ROWS = 200
TASK = {"task_type": "CAUSAL_LM"}
LINEAR = {"r": 4, "lora_alpha": 32, "target_modules": "all-linear", **TASK}
SOME = {"target_modules": ["q_proj", "down_proj"], **TASK}


def lora(**settings: Any) -> Any:
    return peft.LoraConfig(**{**LINEAR, **settings})


KINDS: dict[str, Callable[[], Any]] = {
    "lora": lora,
    "rslora": lambda: lora(use_rslora=True),
    "dora": lambda: lora(use_dora=True),
    "patterns": lambda: lora(
        rank_pattern={"q_proj": 2, r".*layers\.1\..*down_proj": 8}, alpha_pattern={"k_proj": 64}
    ),
    "layers": lambda: lora(
        target_modules=["q_proj"], layers_to_transform=[1], layers_pattern="layers"
    ),
    "exclude": lambda: lora(exclude_modules=["q_proj"]),
    "bias all": lambda: lora(bias="all"),
    "bias of adapted": lambda: lora(bias="lora_only"),
    "bias of adapters": lambda: lora(target_modules=["q_proj"], lora_bias=True),
    "norms": lambda: lora(modules_to_save=["norm", "input_layernorm"]),
    "save head": lambda: lora(modules_to_save=["lm_head"]),
    "save embeddings": lambda: lora(modules_to_save=["embed_tokens"]),
    "save both": lambda: lora(modules_to_save=["embed_tokens", "lm_head"]),
    "save tied": lambda: lora(modules_to_save=["embed_tokens"], ensure_weight_tying=True),
    "tokens": lambda: lora(trainable_token_indices=[5, 7]),
    "head": lambda: lora(target_modules=["q_proj", "lm_head"]),
    "embeddings": lambda: lora(target_modules=["q_proj", "embed_tokens"]),
    "both": lambda: lora(target_modules=["q_proj", "embed_tokens", "lm_head"]),
    "parameters": lambda: lora(target_modules=[], target_parameters=["q_proj.weight"]),
    "gaussian": lambda: lora(init_lora_weights="gaussian"),
    "pissa": lambda: lora(init_lora_weights="pissa"),
    "olora": lambda: lora(init_lora_weights="olora"),
    "adalora": lambda: peft.AdaLoraConfig(total_step=10, **SOME),
    "boft": lambda: peft.BOFTConfig(boft_block_size=4, **SOME),
    "c3a": lambda: peft.C3AConfig(block_size=8, **SOME),
    "delora": lambda: peft.DeloraConfig(**SOME),
    "fourierft": lambda: peft.FourierFTConfig(n_frequency=10, **SOME),
    "glora": lambda: peft.GloraConfig(**SOME),
    "gralora": lambda: peft.GraloraConfig(r=4, **SOME),
    "hra": lambda: peft.HRAConfig(r=4, **SOME),
    "ia3": lambda: peft.IA3Config(feedforward_modules=["down_proj"], **SOME),
    "layer norms": lambda: peft.LNTuningConfig(target_modules=["norm"], **TASK),
    "loha": lambda: peft.LoHaConfig(r=4, **SOME),
    "lokr": lambda: peft.LoKrConfig(r=4, **SOME),
    "miss": lambda: peft.MissConfig(r=4, **SOME),
    "oft": lambda: peft.OFTConfig(r=0, oft_block_size=4, **SOME),
    "psoft": lambda: peft.PsoftConfig(**SOME),
    "pvera": lambda: peft.PveraConfig(**{**SOME, "target_modules": ["q_proj", "o_proj"]}),
    "randlora": lambda: peft.RandLoraConfig(r=4, **SOME),
    "road": lambda: peft.RoadConfig(group_size=4, **SOME),
    "shira": lambda: peft.ShiraConfig(r=4, **SOME),
    "tinylora": lambda: peft.TinyLoraConfig(**SOME),
    "trainable tokens": lambda: peft.TrainableTokensConfig(
        token_indices=[4, 5], target_modules=["embed_tokens"], **TASK
    ),
    "vblora": lambda: peft.VBLoRAConfig(
        num_vectors=8, vector_length=4, topk=2, **{**SOME, "target_modules": ["q_proj"]}
    ),
    "vera": lambda: peft.VeraConfig(r=4, **{**SOME, "target_modules": ["q_proj", "o_proj"]}),
    "waveft": lambda: peft.WaveFTConfig(n_frequency=10, **SOME),
}
ENLARGED = ("lora", "save both", "save embeddings", "tokens", "norms")

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
tied_or_not = pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
ON_EMBEDDINGS = (
    *("save head", "save embeddings", "save both", "save tied", "tokens", "head", "embeddings"),
    *("both", "trainable tokens"),
)
BASES = [*((kind, True) for kind in KINDS), *((kind, False) for kind in ON_EMBEDDINGS)]
"""Each kind, and whether its base has tied embeddings."""
on_bases = pytest.mark.parametrize(("kind", "tied"), BASES)
RARE = list(KINDS)[list(KINDS).index("adalora") :]
on_bases_rare_ones_slowly = pytest.mark.parametrize(
    ("kind", "tied"),
    [pytest.param(*one, marks=[pytest.mark.slow] * (one[0] in RARE)) for one in BASES],
)


def base(tied: bool = True, dtype: torch.dtype = torch.float32) -> Any:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=ROWS,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        attention_bias=True,
        initializer_range=0.4,
        tie_word_embeddings=tied,
    )
    return LlamaForCausalLM(config).to(dtype).requires_grad_(False).eval()


def trained_outside(plain: Any, config: Any, folder: Path) -> torch.Tensor:
    """Write an adapter whose weights have moved, by PEFT alone. Returns: the model's logits."""
    model = shaken(peft.get_peft_model(copy.deepcopy(plain), config))
    model.save_pretrained(folder)
    return logits(model)


def logits(model: Any, ids: torch.Tensor = IDS) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model.eval()(ids).logits.float()
        return found


def state(model: Any) -> dict[str, torch.Tensor]:
    return {name: weight.clone() for name, weight in model.state_dict().items()}


def assert_unchanged(plain: Any, before: dict[str, torch.Tensor]) -> None:
    after = plain.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert not any(weight.requires_grad for weight in plain.parameters())


@on_bases
def test_the_logits_are_those_of_peft(kind: str, tied: bool, tmp_path: Path) -> None:
    plain = base(tied)
    before = state(plain)
    expected = trained_outside(plain, KINDS[kind](), tmp_path)
    assert not torch.allclose(expected, logits(plain), atol=1e-2), "the adapter did nothing"
    model = AdapterTuning().load(plain, tmp_path)
    torch.testing.assert_close(logits(model), expected, atol=1e-4, rtol=0)
    for_decoding = merged(model, torch.float32)
    torch.testing.assert_close(logits(for_decoding), expected, atol=1e-3, rtol=0)
    assert not any(weight.requires_grad for weight in for_decoding.parameters())
    assert_unchanged(plain, before)


@on_bases
def test_training_goes_on(kind: str, tied: bool, tmp_path: Path) -> None:
    """From the adapter, in float32, with the logits that the losses see, and without the base."""
    plain = base(tied)
    before = state(plain)
    trained_outside(plain, KINDS[kind](), tmp_path)
    model = AdapterTuning().load(plain, tmp_path)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    assert weights
    assert all(weight.dtype == torch.float32 for weight in weights)
    inner = model.eval().get_base_model()  # PVeRA is random in training
    hidden = inner.model(IDS).last_hidden_state[0]
    choices: Sequence[Sequence[int]] = [[n, 7, 5] for n in range(20)]
    found = Head(inner).choice_logits(hidden, choices)
    torch.testing.assert_close(found, model(IDS).logits[0].gather(1, torch.tensor(choices)))
    before_step = logits(merged(model, torch.float32))
    found.logsumexp(-1).sum().backward()
    torch.optim.SGD(weights, lr=0.1).step()
    assert not torch.equal(logits(merged(model, torch.float32)), before_step)
    assert_unchanged(plain, before)


@on_bases_rare_ones_slowly
def test_saved_again(kind: str, tied: bool, tmp_path: Path) -> None:
    """With the precision that it had, so that PEFT gives the same logits as before."""
    expected = trained_outside(base(tied), KINDS[kind](), tmp_path)
    model = AdapterTuning().load(base(tied), tmp_path)
    again = tmp_path / "again"
    again.mkdir()
    AdapterTuning().save(model, again)
    loaded = peft.PeftModel.from_pretrained(base(tied), str(again))
    torch.testing.assert_close(logits(loaded), expected, atol=1e-4, rtol=0)
    assert torch.equal(
        logits(merged(AdapterTuning().load(base(tied), again), torch.float32)),
        logits(merged(model, torch.float32)),
    )


@on_bases_rare_ones_slowly
def test_on_a_base_in_bfloat16(kind: str, tied: bool, tmp_path: Path) -> None:
    plain = base(tied, torch.bfloat16)
    trained_outside(plain, KINDS[kind](), tmp_path)
    for_decoding = merged(AdapterTuning().load(plain, tmp_path), torch.bfloat16)
    assert {weight.dtype for weight in for_decoding.parameters()} == {torch.bfloat16}
    assert logits(for_decoding).isfinite().all()


@tied_or_not
@pytest.mark.parametrize("kind", ENLARGED)
def test_enlarged_embeddings(kind: str, tied: bool, tmp_path: Path) -> None:
    plain = base(tied)
    plain.save_pretrained(tmp_path / "base")
    before = state(plain)
    large = LlamaForCausalLM.from_pretrained(tmp_path / "base")
    torch.manual_seed(3)
    large.resize_token_embeddings(ROWS + 3)
    trained_outside(large, KINDS[kind](), tmp_path)
    ids = torch.tensor([[3, ROWS, 4, ROWS + 1, 5, ROWS + 2, 6]])
    expected = logits(peft.PeftModel.from_pretrained(large, str(tmp_path)), ids)
    model = AdapterTuning().load(plain, tmp_path)
    torch.testing.assert_close(logits(model, ids), expected, atol=1e-4, rtol=0)
    for_decoding = merged(model, torch.float32)
    torch.testing.assert_close(logits(for_decoding, ids), expected, atol=1e-3, rtol=0)
    again = tmp_path / "again"
    again.mkdir()
    AdapterTuning().save(model, again)
    reloaded = merged(AdapterTuning().load(plain, again), torch.float32)
    assert torch.equal(logits(reloaded, ids), logits(for_decoding, ids))
    assert_unchanged(plain, before)


@pytest.mark.parametrize("kind", ["head", "embeddings"])
def test_half_of_the_enlarged_embeddings(kind: str, tmp_path: Path) -> None:
    """PEFT does not store the other half either."""
    plain = base(tied=False)
    plain.save_pretrained(tmp_path / "base")
    large = LlamaForCausalLM.from_pretrained(tmp_path / "base")
    large.resize_token_embeddings(ROWS + 3)
    trained_outside(large, KINDS[kind](), tmp_path)
    with pytest.raises(
        ValueError,
        match=r"the adapter has (lm_head|model\.embed_tokens) with 203 rows instead of the base's "
        "200, but not the other embeddings: train it with those of the input and of the output",
    ):
        AdapterTuning().load(plain, tmp_path)


def test_an_encoder_decoder(tmp_path: Path) -> None:
    config = T5Config(
        vocab_size=ROWS, d_model=32, d_ff=48, d_kv=8, num_heads=4, num_layers=2,
        decoder_start_token_id=0,
    )  # fmt: skip
    torch.manual_seed(0)
    plain = T5ForConditionalGeneration(config).requires_grad_(False).eval()
    config = lora(target_modules=["q", "wo"], task_type="SEQ_2_SEQ_LM")
    model = shaken(peft.get_peft_model(copy.deepcopy(plain), config))
    model.save_pretrained(tmp_path)
    loaded = merged(AdapterTuning().load(plain, tmp_path), torch.float32)
    ids = {"input_ids": IDS, "decoder_input_ids": IDS[:, :5]}
    with torch.inference_mode():
        expected = model.eval()(**ids).logits
        torch.testing.assert_close(loaded(**ids).logits, expected, atol=1e-3, rtol=0)


def test_weights_of_another_base(tmp_path: Path) -> None:
    trained_outside(base(), lora(), tmp_path)
    file = tmp_path / "adapter_model.safetensors"
    weights = load_file(file)
    name = "base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight"
    save_file({key: weight for key, weight in weights.items() if key != name}, file)
    with pytest.raises(ValueError, match=rf"such as {name} with no instead of \(4, 32\) numbers"):
        AdapterTuning().load(base(), tmp_path)
    save_file({**weights, "strange": torch.ones(3)}, file)
    with pytest.raises(ValueError, match=r"such as strange with \(3,\) instead of no numbers"):
        AdapterTuning().load(base(), tmp_path)
