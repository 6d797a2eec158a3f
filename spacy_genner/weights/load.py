"""Base weights: a name → a model and a tokenizer."""

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
    """Base weights in memory; pipes that ask for the same ones share them.

    Attributes:
        model: A causal language model in evaluation mode, its weights frozen.
        fingerprint: Of weights and settings, the same for every type that they are loaded in; see
            `identity`.
        tokenizer_hash: Of the vocabulary and of how text is split; see `identity`.
        origin: The folder or GGUF file that they come from; for a model on the hub, its place in
            the cache.
    """

    model: Any
    tokenizer: Any
    fingerprint: str
    tokenizer_hash: str
    origin: Path


_loaded: WeakValueDictionary[tuple[object, ...], Base] = WeakValueDictionary()
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
    """Load base weights, or find those already loaded, if their files have not changed. Threads
    take turns.

    Args:
        name: A local folder (safetensors) or GGUF file, else a name that `spacy genner download`
            has installed, else a model on the Hugging Face hub.
        encoder_decoder: Whether it is to be an encoder–decoder model; else a causal one.
        check: Called with the model when it has been loaded. Raises: ValueError if the model cannot
            be used.

    Raises:
        ValueError: If there is no such model, it cannot be used, or what could run code is not
            allowed.
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


def device_of(name: str) -> torch.device:
    """A device by its name; "auto": the GPU if there is one.

    Raises:
        ValueError: For one that torch does not have.
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
    """A type by its name; "auto": bfloat16 if the device computes in it.

    Raises:
        ValueError: For an unknown name.
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
    except (
        OSError,
        RuntimeError,
        HFValidationError,
    ) as error:  # RuntimeError: the ~ of an unknown user
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
    except (
        Exception
    ) as error:  # each library below has errors of its own for a missing, truncated or foreign file
        raise ValueError(_advice(name, error)) from error


def _load(
    place: Place,
    encoder_decoder: bool,
    dtype: torch.dtype,
    attention: str,
    trust_remote_code: bool,
    allow_pickle: bool,
) -> tuple[Any, Any]:
    """A model and its tokenizer, as transformers gives them."""
    from transformers import (
        AutoConfig,
        AutoModelForCausalLM,
        AutoModelForSeq2SeqLM,
        AutoTokenizer,
        __version__,
    )

    auto: Any = AutoModelForSeq2SeqLM if encoder_decoder else AutoModelForCausalLM
    source: dict[str, Any] = {"revision": place.revision, "trust_remote_code": trust_remote_code}
    if place.gguf:
        source["gguf_file"] = place.gguf
    dtype_argument = "torch_dtype" if __version__.startswith("4.") else "dtype"
    loading: dict[str, Any] = {
        dtype_argument: dtype,
        "attn_implementation": attention,
        "output_loading_info": True,
    }
    if encoder_decoder and attention == "sdpa":
        del loading[
            "attn_implementation"
        ]  # T5 has none in transformers 4: by default a model takes the best it has
    if allow_pickle:
        loading["weights_only"] = True
    elif not place.gguf:
        loading["use_safetensors"] = True
    refuse_adapters(place)
    if not (allow_pickle or place.gguf):
        refuse_other_files(place)
    if not place.gguf:
        source["config"] = usable(AutoConfig.from_pretrained(place.name, **source), encoder_decoder)
    elif encoder_decoder:
        raise ValueError("encoder–decoder models load from safetensors only, not from GGUF")
    tokenizer = AutoTokenizer.from_pretrained(place.name, **source)
    model, report = auto.from_pretrained(place.name, **source, **loading)
    if missing := sorted(
        report["missing_keys"]
    ):  # transformers makes up what a file lacks, and only warns
        raise ValueError(
            f"its files lack the weights {', '.join(missing[:5])} ({len(missing)} in all)"
        )
    if (
        place.gguf
    ):  # transformers 5 treats such a model as quantised: move its weights into a plain one
        plain = auto.from_config(model.config, **{dtype_argument: dtype})
        plain.load_state_dict(model.state_dict())
        model = plain
    return model, tokenizer


def _advice(name: str, error: Exception) -> str:
    if (folder := installed(name)) and (folder / MANIFEST).is_file():
        verify(folder)
    return (
        f"the language model {name!r} cannot be loaded: {error}\n"
        "Give a folder with config.json and *.safetensors, a .gguf file, one of "
        f"{', '.join(PACKAGES)} after "
        "`python -m spacy genner download NAME`, or a model on the Hugging Face hub (which must "
        "be reachable, and the "
        "name and revision right). Weights in a .bin file load with allow_pickle = true only."
    )
