"""What language models that another engine runs have in common."""

from __future__ import annotations

import json
from abc import abstractmethod
from pathlib import Path
from typing import Any

import torch

from ..decoding.interfaces import Engine
from ..files.saved import read_object
from ..lm.decoding_lm import DecodingLM
from ..lm.pieces import Pieces
from ..locks import Lock, shared_property
from ..weights.identity import tokenizer_hash
from ..weights.load import load_tokenizer
from .probe import Probe, differing, probe_of

FILE = "engine.json"
"""The file in which a pipeline stores what identifies a model that another engine runs."""


class ServedLM(DecodingLM):
    """A causal language model that another engine runs. It can decode, but not be trained.

    The engine knows no hash of its weights, so a pipeline stores what the model answers to a fixed
    question, and refuses a model that answers otherwise.

    Args:
        name: The model: a folder, a GGUF file, a name that `spacy genner download` has installed,
            or a model on the hub. Its tokenizer is read from there.
        revision: A branch, tag or commit on the hub.
        trust_remote_code: Whether code that comes with the model may run; see `consent`.
    """

    device = torch.device("cpu")

    def __init__(
        self, name: str, *, revision: str | None = None, trust_remote_code: bool = False
    ) -> None:
        self.name = name
        self.revision = revision
        self._trust = trust_remote_code
        self.lock = Lock()

    @shared_property
    def tokenizer(self) -> Any:
        """The tokenizer, as transformers knows it."""
        return load_tokenizer(self.name, self.revision, self._trust)

    @shared_property
    def pieces(self) -> Pieces:
        """The tokenizer, in the form of `Pieces`."""
        return Pieces(self.tokenizer)

    @shared_property
    def engine(self) -> Engine:
        """What answers the questions of decoders.

        Raises:
            ValueError: If the engine is not installed, cannot be reached, or has another tokenizer.
        """
        return self._start()

    @abstractmethod
    def _start(self) -> Engine:
        """Return the engine, ready to answer."""

    def reset(self) -> None:
        """Ask the engine whether it is there. There is nothing to begin again with."""
        _ = self.engine

    def save(self, folder: Path) -> None:
        """Write what identifies the model: a hash of its tokenizer, and what it answers to a fixed
        question.

        Raises:
            OSError: If the file cannot be written.
        """
        identity = {
            "name": self.name,
            "revision": self.revision,
            "tokenizer_hash": tokenizer_hash(self.tokenizer),
            "probe": self.probe(),
        }
        (folder / FILE).write_text(json.dumps(identity, indent=2), encoding="utf8")

    def restore(self, folder: Path) -> None:
        """Compare the model with the one that was saved, as far as what was saved tells.

        Raises:
            ValueError: If it has another tokenizer, or answers in another way.
        """
        path = next(
            (folder / name for name in (FILE, "base.json") if (folder / name).exists()),
            folder / FILE,
        )
        saved = read_object(path)
        if saved.get("tokenizer_hash") != tokenizer_hash(self.tokenizer):
            raise ValueError(
                f"{path}: the pipeline was made with {saved.get('name')!r}, and {self.name!r} has "
                "another tokenizer: give the same model"
            )
        if "probe" in saved and differing(saved["probe"], self.probe()):
            raise ValueError(
                f"{path}: the pipeline was made with {saved.get('name')!r}, and the engine answers "
                "in another way: it runs another model, or another adapter"
            )

    def probe(self) -> Probe:
        """Return what the model answers to a fixed question."""
        return probe_of(self.engine, self.pieces)

    def __getstate__(self) -> dict[str, Any]:
        # A copy starts an engine of its own. The state is copied first, because other threads may
        # add to it.
        state = dict(self.__dict__)
        state.pop("engine", None)
        return state
