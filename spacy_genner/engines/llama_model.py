"""A model that llama.cpp has loaded, with a cache of sequences of token ids."""

from __future__ import annotations

import ctypes
import weakref
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import llama_cpp
import numpy as np
import numpy.typing as npt
import torch

SEQUENCES = 32
"""How many sequences a cache can hold."""

BATCH = 128
"""At most how many token ids are read at once. The memory for their logits grows with it."""

_ERROR = 4
"""The level of errors among messages: GGML_LOG_LEVEL_ERROR, which has no name in Python."""

_errors = deque[str](maxlen=3)
"""The last errors that llama.cpp has reported. It returns no reason when it fails."""


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _log(level: int, text: bytes, _: Any) -> None:
    """Keep errors; llama.cpp also reports a line for each weight."""
    if level == _ERROR:
        _errors.append(text.decode("utf-8", "replace").strip())


class Token(NamedTuple):
    """A token id to read.

    Attributes:
        id: The token id.
        position: Its position in its sequence.
        sequence: The number of that sequence, less than `SEQUENCES`.
        choices: The token ids whose logits after it are asked for; empty if none are.
    """

    id: int
    position: int
    sequence: int
    choices: Sequence[int] = ()


class LlamaModel:
    """A model in memory, and the sequences of token ids that it has read.

    Args:
        path: The GGUF file of the model.
        adapter: The GGUF file of a LoRA adapter.
        context: How many token ids all sequences together have room for. Those that several
            sequences share count once.
        gpu_layers: How many layers a GPU computes; -1 for all.

    Raises:
        ValueError: If the model or the adapter cannot be used, or the memory does not suffice.
    """

    def __init__(self, path: Path, adapter: Path | None, context: int, gpu_layers: int) -> None:
        llama_cpp.llama_log_set(_log, None)
        llama_cpp.llama_backend_init()
        _errors.clear()
        stack = ExitStack()
        weakref.finalize(self, stack.close)
        self._model = _load(path, gpu_layers)
        stack.callback(llama_cpp.llama_model_free, self._model)
        _check(self._model, path, context)
        self._context = _new_context(self._model, path, context)
        stack.callback(llama_cpp.llama_free, self._context)
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._batch = llama_cpp.llama_batch_init(BATCH, 0, 1)
        stack.callback(llama_cpp.llama_batch_free, self._batch)
        if adapter:
            self._adapt(adapter)

    def _adapt(self, path: Path) -> None:
        """Add an adapter to the weights.

        Raises:
            ValueError: If it does not fit the model.
        """
        adapter = llama_cpp.llama_adapter_lora_init(self._model, str(path).encode())
        if not adapter:
            raise ValueError(f"the adapter {path} does not fit the model: {_reason()}")
        adapters, scales = (type(adapter) * 1)(adapter), (ctypes.c_float * 1)(1.0)
        if llama_cpp.llama_set_adapters_lora(self._context, adapters, 1, scales):
            raise ValueError(f"the adapter {path} cannot be used: {_reason()}")

    @property
    def tokens(self) -> list[str]:
        """The tokens of the model, as its file spells them."""
        vocabulary = llama_cpp.llama_model_get_vocab(self._model)
        texts = [llama_cpp.llama_vocab_get_text(vocabulary, id) for id in range(self.size)]
        return [text.decode("utf-8", "replace") for text in texts]

    @property
    def size(self) -> int:
        """The number of token ids that the model knows."""
        return int(llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self._model)))

    def read(self, tokens: Sequence[Token]) -> list[npt.NDArray[np.float32]]:
        """Read token ids, each after those with smaller positions in its sequence.

        Returns:
            The logits of the choices, for each token id that has any.

        Raises:
            RuntimeError: If llama.cpp cannot read them, or computes NaN or infinity.
        """
        found = list[npt.NDArray[np.float32]]()
        for start in range(0, len(tokens), BATCH):
            part = tokens[start : start + BATCH]
            self._decode(part)
            found += self._logits([token.choices for token in part if token.choices])
        return found

    def _decode(self, tokens: Sequence[Token]) -> None:
        """Read at most `BATCH` token ids."""
        # In a forked process, torch has one thread, as any library that was using several must.
        threads = torch.get_num_threads()
        llama_cpp.llama_set_n_threads(self._context, threads, threads)
        batch = self._batch
        batch.n_tokens = len(tokens)
        for n, token in enumerate(tokens):
            batch.token[n] = token.id
            batch.pos[n] = token.position
            batch.n_seq_id[n] = 1
            batch.seq_id[n][0] = token.sequence
            batch.logits[n] = bool(token.choices)
        if llama_cpp.llama_decode(self._context, batch):
            raise RuntimeError(f"llama.cpp cannot read {len(tokens)} token ids: {_reason()}")

    def _logits(self, choices: Sequence[Sequence[int]]) -> list[npt.NDArray[np.float32]]:
        """Return the logits of the choices at each place that was just asked about."""
        if not choices:
            return []
        pointer = llama_cpp.llama_get_logits(self._context)
        logits = np.ctypeslib.as_array(pointer, (len(choices), self.size))
        found = [row[ids] for row, ids in zip(logits, choices, strict=True)]
        if not all(np.isfinite(row).all() for row in found):
            raise RuntimeError("the model computes NaN or infinity: its weights are damaged")
        return found

    def share(self, source: int, target: int) -> None:
        """Make an empty sequence begin with all token ids of another one."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, -1, -1)

    def cut(self, sequence: int, length: int) -> None:
        """Forget the token ids of a sequence after the first ones, this many of them."""
        llama_cpp.llama_memory_seq_rm(self._memory, sequence, length, -1)

    def clear(self) -> None:
        """Forget all sequences."""
        llama_cpp.llama_memory_clear(self._memory, False)


def _load(path: Path, gpu_layers: int) -> Any:
    """Load a model.

    Raises:
        ValueError: If it cannot be loaded, or there is no GPU for its layers.
    """
    if gpu_layers and not llama_cpp.llama_supports_gpu_offload():
        raise ValueError(
            f"gpu_layers = {gpu_layers}: llama.cpp is built for the CPU only: install a build of "
            "llama-cpp-python for the GPU, or set gpu_layers = 0"
        )
    settings = llama_cpp.llama_model_default_params()
    settings.n_gpu_layers = gpu_layers
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), settings)
    if not model:
        raise ValueError(f"llama.cpp cannot load {path}: {_reason()}")
    return model


def _check(model: Any, path: Path, context: int) -> None:
    """Check whether a model can be used.

    Raises:
        ValueError: If it is not a causal model, cannot forget single token ids, or has fewer
            positions than the context.
    """
    if llama_cpp.llama_model_has_encoder(model):
        raise ValueError(
            f"{path} is an encoder–decoder model: use spacy_genner.Seq2SeqLM.v1, which reads a "
            "folder of Hugging Face"
        )
    if llama_cpp.llama_model_is_recurrent(model) or llama_cpp.llama_model_is_hybrid(model):
        raise ValueError(
            f"{path} has recurrent layers, which cannot forget what they have read: choose another "
            "model"
        )
    positions = llama_cpp.llama_model_n_ctx_train(model)
    if context > positions:
        raise ValueError(
            f"context = {context}: {path} was made for {positions} positions: set context to this "
            "or less"
        )


def _new_context(model: Any, path: Path, context: int) -> Any:
    """Return a cache for a model, and the memory to compute in.

    Raises:
        ValueError: If there is not enough memory.
    """
    settings = llama_cpp.llama_context_default_params()
    settings.n_ctx = context
    settings.n_batch = settings.n_ubatch = BATCH
    settings.n_seq_max = SEQUENCES
    settings.kv_unified = True  # sequences share the room and their common beginnings
    settings.swa_full = True  # what was read can be cut at any length
    if _metadata(model, "general.file_type") == str(llama_cpp.LLAMA_FTYPE_ALL_F32):
        # By default, keys and values are rounded to float16, and flash attention does so anyway.
        settings.type_k = settings.type_v = llama_cpp.GGML_TYPE_F32
        settings.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
    made = llama_cpp.llama_init_from_model(model, settings)
    if not made:
        raise ValueError(
            f"llama.cpp cannot make a cache of context = {context} for {path}: {_reason()}: set "
            "context to less if memory does not suffice"
        )
    return made


def _metadata(model: Any, key: str) -> str:
    """Return a value of the metadata of a GGUF file; an empty text if it has none."""
    value = ctypes.create_string_buffer(256)
    llama_cpp.llama_model_meta_val_str(model, key.encode(), value, len(value))
    return value.value.decode("utf-8", "replace")


def _reason() -> str:
    """Return what llama.cpp has reported last."""
    reason = "; ".join(_errors) or "it gives no reason"
    _errors.clear()
    return reason
