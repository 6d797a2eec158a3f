"""A language model of any kind: base weights and what training adds to them."""

import copy
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch.utils.checkpoint import checkpoint

from ..locks import Lock, shared_property
from ..weights.adapters import LoRA, Tuning, sharing_copy
from ..weights.bundle import bundled, save_base
from ..weights.identity import HASHES, read_identity
from ..weights.load import Base, device_of, dtype_of, load_base
from .attention import implementation_of
from .check import check_model
from .draft_head import DraftHead
from .head import Head
from .pieces import Pieces
from .steps import Steps


class LanguageModel(ABC):
    """A network from Hugging Face. Its weights are loaded when they are first needed, once, however
    many threads ask.

    Args:
        name: A local folder or GGUF file, a name installed by `spacy genner download`, or a model
            on the hub.
        revision: Branch, tag or commit on the hub.
        tuning: Which weights are trained.
        dtype: "auto", "bfloat16" or "float32": the type of the computation; trained weights are
            float32.
        device: "auto", "cpu", "cuda:0", …
        attention: "sdpa", or "eager"; the latter also where an encoder–decoder model has no other.
        gradient_checkpointing: Compute the inside of each layer twice in training instead of
            keeping it: less memory, more time, the same gradients.
        trust_remote_code, allow_pickle: Off, because a model's own code and `.bin` files can run
            anything. To be on, they need the consent of the environment as well; see `consent`.
        bundle_base: Save the base weights with the pipeline.
    """

    encoder_decoder: ClassVar[bool]

    def __init__(
        self,
        name: str,
        *,
        revision: str | None = None,
        tuning: Tuning | None = None,
        dtype: str = "auto",
        device: str = "auto",
        attention: str = "sdpa",
        gradient_checkpointing: bool = False,
        trust_remote_code: bool = False,
        allow_pickle: bool = False,
        bundle_base: bool = False,
    ) -> None:
        self.name, self.revision = name, revision
        self.tuning: Tuning = tuning or LoRA()
        self.device = device_of(device)
        self.dtype = dtype_of(dtype, self.device)
        self._loading: Any = {
            "attention": implementation_of(attention),
            "trust_remote_code": trust_remote_code,
            "allow_pickle": allow_pickle,
        }
        self._gradient_checkpointing = gradient_checkpointing
        self._bundle_base = bundle_base
        self.lock = Lock()
        self._draft_head: DraftHead | None = None

    @shared_property
    def base(self) -> Base:
        """The base weights, frozen.

        Raises:
            ValueError: If they cannot be found, read, or used.
        """
        return self._load(self.name, self.revision)

    @shared_property
    def model(self) -> Any:
        """What is trained: the base with an adapter, say."""
        model = self.tuning.attach(self.base.model)
        if self._gradient_checkpointing:
            # the public method has another name in transformers 4 than in 5, and sets a hook on the
            # embeddings that cannot be pickled, and that only `use_reentrant` needs
            model._set_gradient_checkpointing(True, partial(checkpoint, use_reentrant=False))
        return model

    @shared_property
    def pieces(self) -> Pieces:
        """The tokenizer."""
        return Pieces(self.base.tokenizer)

    @property
    def head(self) -> Head:
        """The output matrix in training."""
        return Head(self._plain)

    @shared_property
    def steps(self) -> Steps:
        """The present weights, merged for decoding."""
        return self._steps_of(self.tuning.merged(self.model, self.dtype))

    @property
    @abstractmethod
    def positions(self) -> float:
        """How many ids of a prompt and its answer can be read; it may be infinite."""

    @property
    def draft_head(self) -> DraftHead | None:
        """What proposes drafts, if anything was trained to."""
        return self._draft_head

    @draft_head.setter
    def draft_head(self, head: DraftHead | None) -> None:
        self._draft_head = head
        self.changed()

    @property
    def _plain(self) -> Any:
        return self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model

    def reset(self) -> None:
        """Begin again with the base weights and a fresh adapter. After an error everything is as it
        was."""
        fresh = self._fresh()
        _ = fresh.model
        self.__dict__ = fresh.__dict__

    def changed(self) -> None:
        """To be called when the trained weights have changed."""
        with self.lock:
            self.__dict__.pop("steps", None)

    @abstractmethod
    def hidden(
        self, prefixes: Sequence[Sequence[int]], bodies: Sequence[Sequence[int]]
    ) -> list[torch.Tensor]:
        """Hidden states of sequences of ids, each as if alone behind its prefix: ids × width."""

    def save(self, folder: Path) -> None:
        """Write what training changed, what identifies the base, and the base itself if it is to be
        bundled.

        Args:
            folder: An empty one.

        Raises:
            OSError: If they cannot be written.
        """
        self.tuning.save(self.model, folder)
        (folder / "base.json").write_text(json.dumps(self._identity(), indent=2), encoding="utf8")
        if self.draft_head:
            self.draft_head.save(folder / "draft_head.safetensors")
        if self._bundle_base:
            save_base(self.base, folder / "base")

    def restore(self, folder: Path) -> None:
        """Read it back. After an error everything is as it was.

        Raises:
            ValueError: If a file is missing or corrupt, or the base is not the one that was trained
                on.
        """
        saved, place = read_identity(path := folder / "base.json"), bundled(folder / "base")
        fresh = self._fresh(self._load(place, None) if place else None)
        identity = fresh._identity()
        if differing := [key for key in HASHES if saved[key] != identity[key]]:
            raise ValueError(
                f"{path}: the pipeline was trained on {saved.get('name')!r} (revision "
                f"{saved.get('revision')}), and "
                f"{place or self.name!r} has another {' and another '.join(differing)}: get the "
                "same base weights, or "
                "train again"
            )
        fresh.tuning.restore(fresh.model, folder)
        if (head := folder / "draft_head.safetensors").exists():
            config = fresh.base.model.config.get_text_config()
            fresh.draft_head = DraftHead.load(head, config).to(self.device)
        self.__dict__ = fresh.__dict__

    def _fresh(self, base: Base | None = None) -> "LanguageModel":
        """The same with a fresh adapter and no draft head, and on another base if that is given."""
        result = copy.copy(self)
        result.__dict__.pop("model", None)
        result._draft_head = None  # its copy has no steps
        if base:
            result.__dict__.pop("pieces", None)
            result.base = base
        return result

    def __deepcopy__(self, memo: dict[int, Any]) -> "LanguageModel":
        """A copy with trained weights of its own, on the same base."""
        memo[id(self)] = result = copy.copy(self)
        if "model" in self.__dict__:
            trained = {id(weight) for weight in self.model.parameters() if weight.requires_grad}
            result.__dict__["model"] = sharing_copy(self.model, without=trained)
        return result

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)  # at once: other threads may add to it
        return {name: value for name, value in state.items() if name not in ("steps", "lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, lock=Lock())

    def _load(self, name: str, revision: str | None) -> Base:
        placing: Any = {"dtype": self.dtype, "device": self.device}
        return load_base(
            name,
            self.encoder_decoder,
            check=check_model,
            revision=revision,
            **placing,
            **self._loading,
        )

    @abstractmethod
    def _steps_of(self, merged: Any) -> Steps:
        """The step model of merged weights."""

    def _identity(self) -> dict[str, str | None]:
        return {
            "name": self.name,
            "revision": self.revision,
            "fingerprint": self.base.fingerprint,
            "tokenizer_hash": self.base.tokenizer_hash,
        }
