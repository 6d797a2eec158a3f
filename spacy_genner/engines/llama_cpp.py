"""Language models as GGUF files, which llama.cpp runs (https://github.com/ggml-org/llama.cpp)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..decoding.interfaces import Engine
from ..locks import shared_property
from ..weights.load import load_tokenizer
from .served import ServedLM

_WRONG = 0.01
"""Which share of the tokens may be spelled in another way than in transformers: converters do that
to some special ones."""


class LlamaCpp(ServedLM):
    """A causal language model in a GGUF file, which llama.cpp runs in this process. Its weights may
    be quantised. It can decode, but not be trained.

    Args:
        name: The GGUF file.
        adapter: A GGUF file with a LoRA adapter for this model.
        tokenizer: What transformers reads the tokenizer from: a folder or a model on the hub. By
            default, it is read from the GGUF file.
        context: How many token ids the cache holds. It bounds the length of a prompt with its
            answer, and all texts that are read at the same time share it.
        gpu_layers: How many layers a GPU computes, if llama-cpp-python was built for one; -1 for
            all.

    Raises:
        ValueError: If a number is out of its range.
    """

    def __init__(
        self,
        name: str,
        *,
        adapter: str | None = None,
        tokenizer: str | None = None,
        context: int = 2048,
        gpu_layers: int = 0,
    ) -> None:
        if context < 1 or gpu_layers < -1:
            raise ValueError(
                f"context = {context}, gpu_layers = {gpu_layers}: context must be at least 1, and "
                "gpu_layers at least -1"
            )
        super().__init__(name)
        self.adapter = adapter
        self.context = context
        self.gpu_layers = gpu_layers
        self._tokenizer_name = tokenizer

    @property
    def positions(self) -> float:
        """The setting `context`."""
        return float(self.context)

    @shared_property
    def tokenizer(self) -> Any:
        """The tokenizer, as transformers knows it."""
        return load_tokenizer(self._tokenizer_name or self.name, None, trust_remote_code=False)

    def _start(self) -> Engine:
        """Load the model.

        Raises:
            ImportError: If llama-cpp-python is not installed.
            ValueError: If a file is missing or cannot be used, the tokenizer is not that of the
                model, or the memory does not suffice.
        """
        path = _gguf(self.name, "the model")
        adapter = None if self.adapter is None else _gguf(self.adapter, "the adapter")
        try:
            from .llama_engine import LlamaEngine
            from .llama_model import LlamaModel
        except ImportError as error:
            raise ImportError(
                "spacy_genner.LlamaCpp.v1 needs llama-cpp-python: run `pip install "
                "'spacy-genner[llama-cpp]'`"
            ) from error
        model = LlamaModel(path, adapter, self.context, self.gpu_layers)
        self._check_tokenizer(model.tokens)
        return LlamaEngine(model, self.context)

    def _check_tokenizer(self, tokens: Sequence[str]) -> None:
        """Compare the tokenizer with the tokens that a model knows.

        Raises:
            ValueError: If they differ.
        """
        size = len(self.tokenizer)
        own = self.tokenizer.convert_ids_to_tokens(range(size))
        wrong = [pair for pair in zip(own, tokens, strict=False) if not _same(*pair)]
        if size > len(tokens) or len(wrong) > size * _WRONG:
            raise ValueError(
                f"the tokenizer of {self._tokenizer_name or self.name!r} is not that of "
                f"{self.name!r}: {size} tokens, not {len(tokens)}, {len(wrong)} of them others: "
                "give the model that the GGUF file was made from as tokenizer"
            )

    def changed(self) -> None:
        """Forget the loaded model. This is called in a forked process if the fork interrupted a
        computation, whose memory may be half written."""
        self.__dict__.pop("engine", None)


def _gguf(name: str, what: str) -> Path:
    """Return the path of a GGUF file.

    Raises:
        ValueError: If it is not one.
    """
    path = Path(name).expanduser()
    try:
        with path.open("rb") as file:
            found = file.read(4) == b"GGUF"
    except OSError as error:
        raise ValueError(f"{what} {name!r} cannot be read: {error}") from error
    if not found:
        raise ValueError(
            f"{what} {name!r} is not a GGUF file: llama.cpp's convert_hf_to_gguf.py writes one "
            "from a folder of Hugging Face, such as that of `python -m spacy genner merge`"
        )
    return path


def _same(own: str, token: str) -> bool:
    """Return whether two spellings mean the same token. Converters may write a space as such."""
    return own.replace("▁", " ") == token.replace("▁", " ")
