"""A small tagger on the hidden states of the prompt. It proposes the first draft of an answer and decides nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.functional import pad, relu
from torch.nn.utils.rnn import pad_sequence

from ..decoding.marks import Pattern, Plan

_WIDTH, _REACH, _DEPTH = 128, 5, 3  # a convolution sees what stands to the right, which a causal model does not


class DraftHead(nn.Module):
    """Classifies the gap before each token of a source, and after the last one, by what is marked there.

    width: That of the hidden states.
    layer: The number of layers of the language model behind which they are taken.
    patterns: The classes: sequences of marks, the empty one first.
    copies_first: Whether a plain copy is so often right that it is to be tried along with the prompt, before this head
        can be asked.
    """

    def __init__(self, width: int, layer: int, patterns: Sequence[Pattern], copies_first: bool) -> None:
        super().__init__()
        self.layer, self.copies_first = layer, copies_first
        self.patterns: list[Pattern] = [tuple((kind, label) for kind, label in pattern) for pattern in patterns]
        self._settings = {"width": width, "layer": layer, "patterns": self.patterns, "copies_first": copies_first}
        self.norm = nn.LayerNorm(width)
        self.input = nn.Linear(width, _WIDTH)
        self.convolutions = nn.ModuleList(nn.Conv1d(_WIDTH, _WIDTH, _REACH, padding=_REACH // 2) for _ in range(_DEPTH))
        self.output = nn.Linear(2 * _WIDTH, len(self.patterns))

    def forward(self, states: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Hidden states of the last id of each token, and of the prompt's last id → logits of the patterns, for each
        source gaps × patterns."""
        lengths = torch.tensor([len(row) for row in states], device=states[0].device)
        x = self.input(self.norm(pad_sequence(list(states), batch_first=True).float())).transpose(1, 2)
        there = (torch.arange(x.shape[2], device=x.device) < lengths[:, None])[:, None]
        for convolution in self.convolutions:
            x = x * there
            x = x + relu(convolution(x))
        x = x.transpose(1, 2)
        logits = self.output(torch.cat([pad(x, (0, 0, 1, 0))[:, :-1], x], dim=2))  # the tokens before and after the gap
        return [row[:length] for row, length in zip(logits, lengths.tolist(), strict=True)]

    @torch.inference_mode()
    def plans(self, states: Sequence[torch.Tensor]) -> list[Plan]:
        """What to expect of each source."""
        return [Plan(self.patterns, row.log_softmax(dim=1).cpu().numpy()) for row in self(states)]

    def save(self, path: Path) -> None:
        """Write weights and settings into one file."""
        weights = {name: weight.detach().cpu().contiguous() for name, weight in self.state_dict().items()}
        save_file(weights, path, metadata={"settings": json.dumps(self._settings)})

    @classmethod
    def load(cls, path: Path, device: torch.device) -> DraftHead:
        """Read it back. Raises: ValueError if the file is corrupt."""
        try:
            with safetensors.safe_open(path, "pt") as file:
                head = cls(**json.loads(file.metadata()["settings"]))
            head.load_state_dict(load_file(path))
        except (OSError, KeyError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
            raise ValueError(f"{path} cannot be read ({error}): copy or train the pipeline again") from error
        return head.to(device).eval()
