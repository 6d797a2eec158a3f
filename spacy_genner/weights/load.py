"""Loading base weights: from a name to a model and a tokenizer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import torch

from ..locks import Lock
from .consent import check_consent
from .foreign import refuse_adapters, refuse_other_files, usable
from .identity import fingerprint, tokenizer_hash
from .manifest import MANIFEST, verify
from .packages import PACKAGES, installed
from .place import Place, place_of
from .tensors import check_numbers


@dataclass(frozen=True, eq=False)
class Base:
    """Base weights in memory, shared by all pipes that ask for the same ones.

    Attributes:
        model: A language model in evaluation mode with frozen weights.
        tokenizer: The tokenizer of the model.
        fingerprint: A hash of weights and settings, the same for every type that the weights are
            loaded in; see `identity`.
        tokenizer_hash: A hash of the vocabulary and of how the tokenizer splits text; see
            `identity`.
        origin: The folder or GGUF file that the weights come from; for a model on the hub, its
            folder in the cache.
    """

    model: Any
    tokenizer: Any
    fingerprint: str
    tokenizer_hash: str
    origin: Path


_loaded: WeakValueDictionary[tuple[object, ...], Base] = WeakValueDictionary()
"""The base weights in memory, by their files and all settings. They are freed with their last
user."""

_lock = Lock()


def load_base(
    name: str,
    encoder_decoder: bool = False,
    *,
    check: Callable[[Any], None],
    revision: str | None,
    dtype: torch.dtype,
    device: torch.device,
    attention: str,
    trust_remote_code: bool,
    allow_pickle: bool,
) -> Base:
    """Load base weights, or return those already in memory if their files have not changed.

    Threads that call this function at the same time take turns.

    Args:
        name: A local folder (safetensors) or GGUF file; else a name that `spacy genner download`
            has installed; else a model on the Hugging Face hub.
        encoder_decoder: Whether an encoder–decoder model is expected; otherwise a causal one.
        check: A function that raises a ValueError if a loaded model cannot be used. It is called
            once, when the weights are loaded, not when they are found in memory.
        attention: The implementation of attention, under the name that transformers gives it.

    Raises:
        ValueError: If there is no such model, it cannot be used, or the environment does not allow
            a setting that can run code.
        WeightsError: If downloaded weights are corrupt.
    """
    check_consent(trust_remote_code, allow_pickle)
    with _lock:
        place = _found(name, revision)
        settings = (encoder_decoder, dtype, attention, trust_remote_code, allow_pickle)
        key = (place.origin, place.version, device, *settings)
        base = _loaded.get(key)
        if base is None:
            base = _loaded[key] = _read(name, place, device, check, *settings)
        return base


def load_tokenizer(name: str, revision: str | None, trust_remote_code: bool) -> Any:
    """Load the tokenizer of a model, without its weights.

    Args:
        name: See `load_base`.

    Raises:
        ValueError: If there is no such model, or its tokenizer cannot be read.
    """
    from transformers import AutoTokenizer

    check_consent(trust_remote_code, allow_pickle=False)
    place = _found(name, revision)
    source: dict[str, Any] = {"revision": place.revision, "trust_remote_code": trust_remote_code}
    if place.gguf:
        source["gguf_file"] = place.gguf
    try:
        return AutoTokenizer.from_pretrained(place.name, **source)
    except Exception as error:  # Each kind of tokenizer has errors of its own.
        raise ValueError(_advice(name, error)) from error


def device_of(name: str) -> torch.device:
    """Return the device with a name. "auto" is the GPU if there is one, else the CPU.

    Raises:
        ValueError: If torch does not know the device, or cannot use it.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f'device = "{name}" cannot be used ({error}): choose "auto", "cpu", or "cuda:0"'
        ) from error


def dtype_of(name: str, device: torch.device) -> torch.dtype:
    """Return the type with a name. "auto" is bfloat16 if the device computes in it, else float32.

    Raises:
        ValueError: If the name is unknown.
    """
    if name == "auto":
        fast = (
            device.type != "cpu"
            or torch.cpu._is_avx512_bf16_supported()
            or torch.cpu._is_amx_tile_supported()
        )
        return torch.bfloat16 if fast else torch.float32
    try:
        return {"bfloat16": torch.bfloat16, "float32": torch.float32}[name]
    except KeyError:
        raise ValueError(f'dtype = "{name}": choose "auto", "bfloat16" or "float32"') from None


def _found(name: str, revision: str | None) -> Place:
    from huggingface_hub.errors import HFValidationError

    try:
        return place_of(name, revision)
    except (OSError, RuntimeError, HFValidationError) as error:
        # RuntimeError is raised for the ~ of an unknown user.
        raise ValueError(_advice(name, error)) from error


def _read(
    name: str, place: Place, device: torch.device, check: Callable[[Any], None], *settings: Any
) -> Base:
    try:
        model, tokenizer = _load(place, *settings)
        model = model.to(device).requires_grad_(False).eval()
        check_numbers(dict(model.named_parameters()), "its weights")
        check(model)
        return Base(model, tokenizer, fingerprint(model), tokenizer_hash(tokenizer), place.origin)
    except (ImportError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        # Each library has errors of its own for a missing, truncated or foreign file.
        raise ValueError(_advice(name, error)) from error


def _load(
    place: Place,
    encoder_decoder: bool,
    dtype: torch.dtype,
    attention: str,
    trust_remote_code: bool,
    allow_pickle: bool,
) -> tuple[Any, Any]:
    """Load a model and its tokenizer with transformers."""
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

    _refuse(place, encoder_decoder, allow_pickle)
    source: dict[str, Any] = {"revision": place.revision, "trust_remote_code": trust_remote_code}
    if place.gguf:
        source["gguf_file"] = place.gguf
    else:
        source["config"] = usable(AutoConfig.from_pretrained(place.name, **source), encoder_decoder)
    tokenizer = AutoTokenizer.from_pretrained(place.name, **source)
    auto: Any = AutoModelForSeq2SeqLM if encoder_decoder else AutoModelForCausalLM
    model, report = auto.from_pretrained(
        place.name,
        **source,
        **_dtype_option(dtype),
        **_attention_option(encoder_decoder, attention),
        **_file_option(place, allow_pickle),
        output_loading_info=True,
    )
    # transformers fills in missing weights at random, and only warns.
    if missing := sorted(report["missing_keys"]):
        raise ValueError(
            f"the weights {', '.join(missing[:5])} ({len(missing)} in all) are missing from its "
            "files"
        )
    if place.gguf:
        # transformers 5 treats such a model as quantised: move its weights into a plain one.
        plain = auto.from_config(model.config, **_dtype_option(dtype))
        plain.load_state_dict(model.state_dict())
        model = plain
    return model, tokenizer


def _refuse(place: Place, encoder_decoder: bool, allow_pickle: bool) -> None:
    """Refuse files that transformers must not be given.

    Raises:
        ValueError: If the files are an adapter, or a GGUF file of an encoder–decoder model, or name
            other files that may be pickles.
    """
    refuse_adapters(place)
    if place.gguf and encoder_decoder:
        raise ValueError("encoder–decoder models load from safetensors only, not from GGUF")
    if not (place.gguf or allow_pickle):
        refuse_other_files(place)


def _dtype_option(dtype: torch.dtype) -> dict[str, Any]:
    from transformers import __version__

    return {"torch_dtype" if __version__.startswith("4.") else "dtype": dtype}


def _attention_option(encoder_decoder: bool, attention: str) -> dict[str, Any]:
    # In transformers 4, T5 has no "sdpa"; without the option, a model uses the best that it has.
    if encoder_decoder and attention == "sdpa":
        return {}
    return {"attn_implementation": attention}


def _file_option(place: Place, allow_pickle: bool) -> dict[str, Any]:
    """Return the option that keeps transformers from running the code in a pickle."""
    if allow_pickle:
        return {"weights_only": True}
    return {} if place.gguf else {"use_safetensors": True}


def _advice(name: str, error: Exception) -> str:
    """Return the message for an error of loading weights.

    Raises:
        WeightsError: If downloaded weights are corrupt, which explains the error better.
    """
    if (folder := installed(name)) and (folder / MANIFEST).is_file():
        verify(folder)
    return (
        f"the language model {name!r} cannot be loaded: {error}\n"
        "Give a folder with config.json and *.safetensors, a .gguf file, one of the names "
        f"{', '.join(PACKAGES)} after `python -m spacy genner download NAME`, or a model on the "
        "Hugging Face hub. For the last, the hub must be reachable, and the name and the revision "
        "must be right. Weights in a .bin file load with allow_pickle = true only."
    )
