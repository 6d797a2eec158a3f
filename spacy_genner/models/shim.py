"""torch behind thinc: placement, precision, and the optimizer are the language model's own."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import srsly
import torch
from thinc.api import Optimizer, xp2torch
from thinc.shims import Shim
from thinc.types import Floats1d

from ..decoding.model import StepModel
from ..lm.causal import CausalLM
from .losses import Loss, Target


class LMShim(Shim):
    """A language model as thinc sees it: targets in, losses out; gradients in, a step of a torch optimizer out."""

    def __init__(self, lm: CausalLM, loss: Loss) -> None:
        super().__init__(lm)
        self.lm = lm
        self._loss = loss
        self._targets = 0.0
        self._stepper: torch.optim.AdamW | None = None
        self._process = os.getpid()

    @property
    def steps(self) -> StepModel:
        """The model for decoding, from whichever process.

        Raises: RuntimeError on a GPU in a process that was forked.
        """
        if os.getpid() != self._process:
            if self.lm.device.type != "cpu":
                advice = "use n_process=1 and a larger batch_size"
                raise RuntimeError(f"a GPU cannot be shared with worker processes: {advice}")
            torch.set_num_threads(1)  # after a fork, torch hangs if it asks for the threads of its parent
            self._process = os.getpid()
        return self.lm.steps

    def begin_update(self, targets: Sequence[Target]) -> tuple[Floats1d, Callable[[Floats1d], None]]:
        """The loss of each target, summed over its parts, and the way back from their gradients."""
        if not targets:
            return cast(Floats1d, torch.zeros(0).numpy()), lambda _: None
        self.lm.model.train()
        states, head = self._hidden(targets), self.lm.head
        parts = [self._loss(head, hidden, target) for hidden, target in zip(states, targets, strict=True)]
        losses = torch.stack([loss for loss, _ in parts])

        def backprop(d_losses: Floats1d) -> None:
            losses.backward(xp2torch(d_losses, device=losses.device).to(losses.dtype))
            self._targets += sum(weight for _, weight in parts)

        return cast(Floats1d, losses.detach().cpu().numpy()), backprop

    def _hidden(self, targets: Sequence[Target]) -> list[torch.Tensor]:
        """The hidden states of prompts and answers: a forward pass for each prefix."""
        groups = defaultdict[tuple[int, ...], list[int]](list)
        for i, target in enumerate(targets):
            groups[target.prefix].append(i)
        states: dict[int, torch.Tensor] = {}
        for prefix, members in groups.items():
            bodies = [targets[i].prompt + targets[i].answer for i in members]
            states |= zip(members, self.lm.hidden(prefix, bodies), strict=True)
        return [states[i] for i in range(len(targets))]

    def finish_update(self, optimizer: Optimizer) -> None:
        """One step with the mean gradient of all that was asked since the last one."""
        weights = [weight for weight in self.lm.model.parameters() if weight.grad is not None]
        if not weights or not self._targets:
            return
        stepper = self._adam(optimizer)
        for weight in weights:
            weight.grad.div_(self._targets)
            if optimizer.L2 and not optimizer.L2_is_weight_decay:
                weight.grad.add_(weight.detach(), alpha=optimizer.L2)
        if optimizer.grad_clip:
            torch.nn.utils.clip_grad_norm_(weights, optimizer.grad_clip)
        stepper.step()
        stepper.zero_grad()
        self._targets = 0.0
        self.lm.changed()

    def reset(self) -> None:
        """Load the base weights, and begin with a fresh adapter. Raises: ValueError if they cannot be loaded."""
        self.lm.reset()
        self._stepper, self._targets = None, 0.0

    @property
    def moments(self) -> dict[str, Any] | None:
        """The state of the torch optimizer, None before its first step. Together with the trained weights it is all
        that a step depends on."""
        return self._stepper.state_dict() if self._stepper else None

    @moments.setter
    def moments(self, saved: dict[str, Any] | None) -> None:
        self._stepper = None
        if saved:
            self._stepper = self._new_stepper()
            self._stepper.load_state_dict(saved)

    def _new_stepper(self) -> torch.optim.AdamW:
        return torch.optim.AdamW(weight for weight in self.lm.model.parameters() if weight.requires_grad)

    def _adam(self, optimizer: Optimizer) -> torch.optim.AdamW:
        """The torch twin of thinc's optimizer, at the present place of its schedules. Its moments live as long as the
        weights. Raises: ValueError for what it cannot honour."""
        refused = {
            "use_averages = true": optimizer.averages is not None,
            "RAdam": optimizer.use_radam,
            "SGD": not (optimizer.b1 and optimizer.b2),
        }
        if any(refused.values()):
            names = ", ".join(name for name, present in refused.items() if present)
            advice = 'take "Adam.v1" with use_averages = false'
            raise ValueError(f"[training.optimizer] {names}: not possible here, {advice}")
        if self._stepper is None:
            self._stepper = self._new_stepper()
        self._stepper.param_groups[0].update(
            lr=optimizer.learn_rate,
            betas=(optimizer.b1, optimizer.b2),
            eps=optimizer.eps,
            weight_decay=optimizer.L2 if optimizer.L2_is_weight_decay else 0.0,
        )
        return self._stepper

    def to_disk(self, path: str | Path) -> None:
        """Write a folder: what training changed and what identifies the base."""
        Path(path).mkdir(parents=True, exist_ok=True)
        self.lm.save(Path(path))

    def from_disk(self, path: str | Path) -> LMShim:
        """Read such a folder. Raises: ValueError if something is missing, corrupt, or belongs to another base."""
        self.lm.restore(Path(path))
        self._stepper, self._targets = None, 0.0
        return self

    def to_bytes(self) -> bytes:
        """The files of the folder."""
        with tempfile.TemporaryDirectory() as folder:
            self.to_disk(folder)
            files = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file()}
        return bytes(srsly.msgpack_dumps(files))

    def from_bytes(self, data: bytes) -> LMShim:
        """Read them back."""
        files: dict[str, bytes] = srsly.msgpack_loads(data)
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            return self.from_disk(folder)

    def to_device(self, device_type: str, device_id: int) -> None:
        """Does nothing: the language model's own `device` setting places it."""

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_stepper": None, "_targets": 0.0}  # gradients are not copied either

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _process=os.getpid())
