"""What all kinds of language models have in common: base weights and what training adds to them."""

import copy
import json
from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch.utils.checkpoint import checkpoint

from ..locks import Lock, shared_property
from ..weights.adapters import sharing_copy
from ..weights.bundle import bundled, save_base
from ..weights.identity import HASHES, read_identity
from ..weights.load import Base, device_of, dtype_of, load_base
from ..weights.own_tokenizer import OwnTokenizer, own_tokenizer
from ..weights.plugged import Named, adapter_folder, named
from ..weights.tuning import AdapterTuning, Tuning
from .attention import implementation_of
from .check import check_model
from .decoding_lm import DecodingLM
from .draft_head import DraftHead
from .head import Head
from .pieces import Pieces
from .session_engine import SessionEngine
from .steps import Steps


class LanguageModel(DecodingLM):
    """A language model from Hugging Face, which can be trained as well. Its weights are loaded
    once, when any thread first needs them.

    Args:
        name: A local folder or GGUF file, a name that `spacy genner download` has installed, or a
            model on the hub. An adapter in its place brings the base that it names.
        revision: A branch, tag or commit on the hub.
        adapter: An adapter that was trained elsewhere: a folder that PEFT has written, or a name on
            the hub. Training goes on from it. A tokenizer in its folder takes the place of the
            base's own.
        adapter_revision: The revision of the adapter on the hub.
        tuning: How the model is trained; by default, with an adapter: the one given, or else a new
            one of LoRA.
        dtype: "auto", "bfloat16" or "float32": the type of the computation. Trained weights are
            float32.
        device: "auto", "cpu", or a GPU such as "cuda:0".
        attention: "sdpa" or "eager". An encoder–decoder model without an "sdpa" implementation uses
            "eager" instead.
        gradient_checkpointing: Whether to compute the inside of each layer twice in training
            instead of keeping it: this takes less memory and more time, and gives the same
            gradients.
        trust_remote_code: Whether code that comes with the model may run.
        allow_pickle: Whether weights may be read from a `.bin` file. This and `trust_remote_code`
            also need consent in the environment, because they can run any code; see `consent`.
        bundle_base: Whether to save the base weights with the pipeline.
    """

    encoder_decoder: ClassVar[bool]

    def __init__(
        self,
        name: str,
        *,
        revision: str | None = None,
        adapter: str | None = None,
        adapter_revision: str | None = None,
        tuning: Tuning | None = None,
        dtype: str = "auto",
        device: str = "auto",
        attention: str = "sdpa",
        gradient_checkpointing: bool = False,
        trust_remote_code: bool = False,
        allow_pickle: bool = False,
        bundle_base: bool = False,
    ) -> None:
        self.name = name
        self.revision = revision
        self.adapter = adapter
        self.adapter_revision = adapter_revision
        self.tuning: Tuning = tuning or AdapterTuning()
        self.device = device_of(device)
        self.dtype = dtype_of(dtype, self.device)
        self._trust = trust_remote_code
        self._load = partial(
            load_base,
            encoder_decoder=self.encoder_decoder,
            check=check_model,
            dtype=self.dtype,
            device=self.device,
            attention=implementation_of(attention),
            trust_remote_code=trust_remote_code,
            allow_pickle=allow_pickle,
        )
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
        return self._load(self.named.base, revision=self.named.revision)

    @shared_property
    def model(self) -> Any:
        """The model for training, such as the base with an adapter."""
        if self._adapter is None:
            return self._for_training(self.tuning.attach(self.base.model))
        return self._for_training(self.tuning.load(self.base.model, self._adapter))

    @property
    def tokenizer(self) -> Any:
        """The tokenizer: that of the adapter if it has one of its own, or else that of the base."""
        return self._own_tokenizer.tokenizer if self._own_tokenizer else self.base.tokenizer

    @shared_property
    def named(self) -> Named:
        """What the name stands for: a base, or an adapter and its base."""
        if self.adapter is None:
            return named(self.name, self.revision)
        return Named(self.name, self.revision)

    @shared_property
    def _adapter(self) -> Path | None:
        """The folder of the adapter from which training begins, if there is one."""
        if self.adapter is not None:
            return adapter_folder(self.adapter, self.adapter_revision)
        adapter: Path | None = self.named.adapter
        return adapter

    @shared_property
    def _own_tokenizer(self) -> OwnTokenizer | None:
        return own_tokenizer(self._adapter, self.base, self._trust)

    def _for_training(self, model: Any) -> Any:
        """Prepare a model for training."""
        trainable = any(weight.requires_grad for weight in model.parameters())
        if self._gradient_checkpointing and trainable:
            # The public method has different names in transformers 4 and 5. It also sets a hook on
            # the embeddings, which cannot be pickled, and which only `use_reentrant=True` needs.
            model._set_gradient_checkpointing(True, partial(checkpoint, use_reentrant=False))
        return model

    @shared_property
    def pieces(self) -> Pieces:
        """The tokenizer, in the form of `Pieces`."""
        return Pieces(self.tokenizer)

    @property
    def head(self) -> Head:
        """The output matrix of the trainable model."""
        return Head(self._plain)

    @shared_property
    def steps(self) -> Steps:
        """The step model for decoding, with the present weights merged."""
        return self._steps_of(self.tuning.merged(self.model, self.dtype))

    @property
    def engine(self) -> SessionEngine:
        """What answers the questions of decoders."""
        return SessionEngine(self.steps)

    @property
    def base_steps(self) -> Steps:
        """A step model of the base alone, without what was trained."""
        return self._steps_of(self.base.model)

    @property
    def weights(self) -> dict[str, torch.nn.Parameter]:
        """The weights that are trained, by name."""
        named = self.model.named_parameters()
        return {name: weight for name, weight in named if weight.requires_grad}

    @property
    def draft_head(self) -> DraftHead | None:
        """The draft head, or None if none has been trained."""
        return self._draft_head

    @draft_head.setter
    def draft_head(self, head: DraftHead | None) -> None:
        self._draft_head = head
        self.changed()

    @property
    def _plain(self) -> Any:
        """The trainable model as transformers knows it, without PEFT's wrapper."""
        return self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model

    def reset(self) -> None:
        """Begin again with the base weights and a new adapter. If that fails, nothing changes."""
        fresh = self._fresh()
        _ = fresh.model  # makes the adapter now, so that an error comes before anything changes
        self.__dict__ = fresh.__dict__

    def changed(self) -> None:
        """Forget what was computed from the trained weights. This must be called whenever they have
        changed."""
        with self.lock:
            self.__dict__.pop("steps", None)

    @abstractmethod
    def hidden(
        self, prefixes: Sequence[Sequence[int]], bodies: Sequence[Sequence[int]]
    ) -> list[torch.Tensor]:
        """Return the hidden states of sequences of token ids, each read after its prefix as if it
        were the only one.

        Args:
            prefixes: The token ids before each body.
            bodies: The sequences.

        Returns:
            For each body, length × width.
        """

    def save(self, folder: Path) -> None:
        """Write the trained weights, what identifies the base, and, with `bundle_base`, the base
        itself."""
        self.tuning.save(self.model, folder)
        (folder / "base.json").write_text(json.dumps(self._identity(), indent=2), encoding="utf8")
        if self.draft_head:
            self.draft_head.save(folder / "draft_head.safetensors")
        if self._own_tokenizer:
            self._own_tokenizer.save(folder / "tokenizer")
        if self._bundle_base:
            save_base(self.base, folder / "base")

    def restore(self, folder: Path) -> None:
        """Read what `save` has written. If that fails, nothing changes."""
        path = folder / "base.json"
        saved = read_identity(path)
        fresh = self._fresh()
        if place := bundled(folder / "base"):
            fresh.named = Named(self.name, self.revision)
            fresh.base = self._load(place, revision=None)
        elif saved.get("plugged") == self.name:
            # The name was that of an adapter. It is saved here, and its own folder may be gone.
            fresh.named = Named(str(saved["name"]), saved.get("revision"))
        identity = fresh._identity()
        if differing := [key for key in HASHES if saved[key] != identity[key]]:
            raise ValueError(
                f"{path}: the pipeline was trained on {saved.get('name')!r} (revision "
                f"{saved.get('revision')}), but {place or self.name!r} has another "
                f"{' and another '.join(differing)}: get the same base weights, or train again"
            )
        fresh.model = fresh._for_training(fresh.tuning.load(fresh.base.model, folder))
        fresh._own_tokenizer = own_tokenizer(folder / "tokenizer", fresh.base, self._trust)
        if (head := folder / "draft_head.safetensors").exists():
            config = fresh.base.model.config.get_text_config()
            fresh.draft_head = DraftHead.load(head, config).to(self.device)
        self.__dict__ = fresh.__dict__

    def _fresh(self) -> "LanguageModel":
        """Return a copy that begins again with its adapter or a new one, and has no draft head."""
        result = copy.copy(self)
        for name in ("model", "pieces", "_own_tokenizer"):
            result.__dict__.pop(name, None)
        result._draft_head = None  # no call of `changed`, because a copy has no `steps`
        return result

    def __deepcopy__(self, memo: dict[int, Any]) -> "LanguageModel":
        """A copy with trained weights of its own, on the same base."""
        memo[id(self)] = result = copy.copy(self)
        if "model" in self.__dict__:
            trained = {id(weight) for weight in self.model.parameters() if weight.requires_grad}
            result.__dict__["model"] = sharing_copy(self.model, without=trained)
        return result

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)  # copied first, because other threads may add to it
        return {name: value for name, value in state.items() if name not in ("steps", "lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, lock=Lock())

    @abstractmethod
    def _steps_of(self, merged: Any) -> Steps:
        """Return a step model of merged weights."""

    def _identity(self) -> dict[str, str | None]:
        """Return what a saved pipeline stores about its base weights."""
        return {
            "name": self.named.base,
            "revision": self.named.revision,
            **({"plugged": self.name} if self.name != self.named.base else {}),
            "fingerprint": self.base.fingerprint,
            "tokenizer_hash": self.base.tokenizer_hash,
        }
