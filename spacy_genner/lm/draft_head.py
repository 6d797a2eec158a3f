"""A small tagger on the hidden states of the prompt. It proposes the first draft of an answer and
decides nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import nn
from torch.nn.functional import pad, relu
from torch.nn.utils.rnn import pad_sequence

from ..decoding.marks import Pattern, Plan
from ..files.saved import reading
from ..weights.tensors import check_numbers, load_tensors, save_tensors

_WIDTH, _REACH, _DEPTH = (
    128,
    5,
    3,
)  # a convolution sees what stands to the right, which a causal model does not


class DraftHead(nn.Module):
    """Classifies the gap before each token of a source, and after the last one, by what is marked
    there.

    Args:
        width: That of the hidden states.
        layer: The number of layers of the language model behind which they are taken.
        patterns: The classes: sequences of marks, the empty one first.
        copies_first: Whether a plain copy is so often right that it is to be tried along with the
            prompt, before this head can be asked.
    """

    def __init__(
        self, width: int, layer: int, patterns: Sequence[Pattern], copies_first: bool
    ) -> None:
        super().__init__()
        self.layer, self.copies_first = layer, copies_first
        self.patterns: list[Pattern] = [
            tuple((kind, label) for kind, label in pattern) for pattern in patterns
        ]
        self._settings = {
            "width": width,
            "layer": layer,
            "patterns": self.patterns,
            "copies_first": copies_first,
        }
        self.norm = nn.LayerNorm(width)
        self.input = nn.Linear(width, _WIDTH)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(_WIDTH, _WIDTH, _REACH, padding=_REACH // 2) for _ in range(_DEPTH)
        )
        self.output = nn.Linear(2 * _WIDTH, len(self.patterns))

    def forward(self, states: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Hidden states of the last id of each token, and of the prompt's last id → logits of the
        patterns, for each source gaps × patterns."""
        lengths = torch.tensor([len(row) for row in states], device=states[0].device)
        x = self.input(self.norm(pad_sequence(list(states), batch_first=True).float())).transpose(
            1, 2
        )
        there = (torch.arange(x.shape[2], device=x.device) < lengths[:, None])[:, None]
        for convolution in self.convolutions:
            x = x * there
            x = x + relu(convolution(x))
        x = x.transpose(1, 2)
        logits = self.output(
            torch.cat([pad(x, (0, 0, 1, 0))[:, :-1], x], dim=2)
        )  # the tokens before and after the gap
        return [row[:length] for row, length in zip(logits, lengths.tolist(), strict=True)]

    @torch.inference_mode()
    def plans(self, states: Sequence[torch.Tensor]) -> list[Plan]:
        """What to expect of each source."""
        return [Plan(self.patterns, row.log_softmax(dim=1).cpu().numpy()) for row in self(states)]

    def save(self, path: Path) -> None:
        """Write weights and settings into one file."""
        save_tensors(self.state_dict(), path, settings=json.dumps(self._settings))

    @classmethod
    def load(cls, path: Path, config: Any) -> DraftHead:
        """Read it back.

        Args:
            config: The configuration of the language model.

        Raises:
            ValueError: If the file is corrupt, or belongs to another language model.
        """
        weights = load_tensors(path)
        check_numbers(weights, path)
        with reading(path):
            with safetensors.safe_open(path, "pt") as file:
                settings = json.loads((file.metadata() or {})["settings"])
            head = cls(**_checked(settings, config.hidden_size, config.num_hidden_layers))
            head.load_state_dict(weights)
        return head.eval()


def _checked(settings: Any, width: int, layers: int) -> dict[str, Any]:
    """The settings in a file.

    Raises:
        ValueError: If they are not those of a head, or not for this width and depth.
    """
    match settings:
        case {
            "width": int(own),
            "layer": int(layer),
            "patterns": [[], *patterns],
            "copies_first": bool(),
            **rest,
        } if not rest and all(map(_is_pattern, patterns)):
            if own == width and 0 <= layer <= layers:
                return dict(settings)
            raise ValueError(
                f"it reads layer {layer} of the width {own}, the model has {layers} of the width "
                f"{width}"
            )
    raise ValueError("its settings are not those of a draft head")


def _is_pattern(value: Any) -> bool:
    """Whether a value from JSON is a list of marks."""
    return isinstance(value, list) and all(_is_mark(item) for item in value)


def _is_mark(value: Any) -> bool:
    match value:
        case [str(), str() | None]:
            return True
    return False
