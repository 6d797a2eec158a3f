"""The draft head: a small tagger on the hidden states of the prompt. It proposes the first draft of
an answer, of which every decision is verified by the language model."""

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

_WIDTH = 128
"""The number of channels of the convolutions."""

_REACH = 5
"""The kernel size of the convolutions. They see the tokens on the right, which a causal model does
not."""

_DEPTH = 3
"""The number of convolutions."""


class DraftHead(nn.Module):
    """A classifier of the gaps of a source, those before each token and the one after the last
    token, by the marks that an answer has there.

    Args:
        width: The width of the hidden states.
        layer: The number of layers of the language model after which the hidden states are taken.
        patterns: The classes: sequences of marks, of which the first is empty.
        copies_first: Whether a plain copy of the source is right so often that it should be tried
            in the pass that reads the prompt, before this head can be asked.
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
        """Compute the logits of the patterns in each gap.

        Args:
            states: For each source the hidden states of the last token id of each token, and of the
                last token id of the prompt, which stands for the end of the source: gaps × width.

        Returns:
            For each source, gaps × patterns.
        """
        lengths = torch.tensor([len(row) for row in states], device=states[0].device)
        padded = pad_sequence(list(states), batch_first=True).float()
        x = self.input(self.norm(padded)).transpose(1, 2)  # sources × channels × gaps
        there = (torch.arange(x.shape[2], device=x.device) < lengths[:, None])[:, None]
        for convolution in self.convolutions:
            x = x * there  # The last tokens of a source must not see the padding after them
            x = x + relu(convolution(x))
        after = x.transpose(1, 2)  # for each gap, the token after it
        before = pad(after, (0, 0, 1, 0))[:, :-1]  # the token before it, zeros at the start
        logits = self.output(torch.cat([before, after], dim=2))
        return [row[:length] for row, length in zip(logits, lengths.tolist(), strict=True)]

    @torch.inference_mode()
    def plans(self, states: Sequence[torch.Tensor]) -> list[Plan]:
        """Return the marks to expect of each source.

        Args:
            states: Hidden states as `forward` takes them.
        """
        return [Plan(self.patterns, row.log_softmax(dim=1).cpu().numpy()) for row in self(states)]

    def save(self, path: Path) -> None:
        """Write weights and settings to a safetensors file.

        Raises:
            OSError: If the file cannot be written.
        """
        save_tensors(self.state_dict(), path, settings=json.dumps(self._settings))

    @classmethod
    def load(cls, path: Path, config: Any) -> DraftHead:
        """Read a draft head from a file that `save` has written.

        Args:
            config: The configuration of the language model.

        Raises:
            ValueError: If the file is missing or corrupt, or belongs to another language model.
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
    """Check the settings in a file, and return them.

    Args:
        width: The width of the language model's hidden states.
        layers: The number of its layers.

    Raises:
        ValueError: If they are not the settings of a draft head, or do not fit the language model.
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
                f"it reads layer {layer} of the width {own}, but the language model has {layers} "
                f"layers of the width {width}"
            )
    raise ValueError("its settings are not those of a draft head")


def _is_pattern(value: Any) -> bool:
    """Return whether a value from JSON is a list of marks."""
    return isinstance(value, list) and all(_is_mark(item) for item in value)


def _is_mark(value: Any) -> bool:
    """Return whether a value from JSON is the kind of a mark and its label, if it has one."""
    match value:
        case [str(), str() | None]:
            return True
    return False
