"""What a network needs of a language model in order to decode."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..decoding.interfaces import Engine


class DecodingLM(ABC):
    """A language model that decodes. A `LanguageModel` can be trained as well.

    Attributes:
        name: The name of the model, as the config has it.
        device: Where its tensors are, if it has any in this process.
        pieces: The tokenizer, in the form of `Pieces`.
    """

    if TYPE_CHECKING:  # confection would take these for the types of settings
        name: str
        device: torch.device
        pieces: Any  # in subclasses a property, made when it is first needed

    @property
    @abstractmethod
    def tokenizer(self) -> Any:
        """The tokenizer, as transformers knows it."""

    @property
    @abstractmethod
    def engine(self) -> Engine:
        """What answers the questions of decoders."""

    @property
    @abstractmethod
    def positions(self) -> float:
        """How many token ids of a prompt and its answer the model can read. It may be infinite."""

    @property
    def weights(self) -> dict[str, torch.nn.Parameter]:
        """The weights that are trained, by name; none by default."""
        return {}

    @abstractmethod
    def reset(self) -> None:
        """Begin again as the config says. If that fails, nothing changes.

        Raises:
            ValueError: If the model cannot be used.
        """

    def changed(self) -> None:  # noqa: B027
        """Forget what was computed from the trained weights. This must be called whenever they have
        changed."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write to an empty folder what `restore` needs.

        Raises:
            OSError: If the files cannot be written.
            ValueError: If trained weights hold NaN or infinity.
        """

    @abstractmethod
    def restore(self, folder: Path) -> None:
        """Read what `save` has written. If that fails, nothing changes.

        Raises:
            ValueError: If a file is missing or corrupt, or the model is not the one that was saved
                or trained on.
        """
