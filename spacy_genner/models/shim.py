"""torch behind thinc: placement, precision, and the optimizer are the language model's own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import Any

import srsly
import torch
from thinc.api import Optimizer, xp2torch
from thinc.shims import Shim
from thinc.types import FloatsXd

from ..decoding.model import StepModel
from ..lm.language_model import LanguageModel


class LMShim(Shim):
    """A language model as thinc sees it: gradients in, a step of a torch optimizer out. Subclasses know what goes
    forward.

    lock: To be held while the weights for decoding are used. They remember what they have read, so one thread at a time
        reads with them; torch uses all cores for each anyway.
    """

    def __init__(self, lm: LanguageModel) -> None:
        super().__init__(lm)
        self.lm = lm
        self._targets = 0.0
        self._stepper: torch.optim.AdamW | None = None
        self._waiting = False  # for the gradient of what went forward
        self._early: Optimizer | None = None  # that came while it waited
        self._process = os.getpid()
        self.lock = RLock()

    @property
    def steps(self) -> StepModel:
        """The model for decoding, from whichever process. Raises: as `enter_process`."""
        self.enter_process()
        steps: StepModel = self.lm.steps
        return steps

    def enter_process(self) -> None:
        """To be called before anything is computed that a forked process may ask for.

        Raises: RuntimeError on a GPU in a process that was forked.
        """
        if os.getpid() != self._process:
            if self.lm.device.type != "cpu":
                advice = "use n_process=1 and a larger batch_size"
                raise RuntimeError(f"a GPU cannot be shared with worker processes: {advice}")
            torch.set_num_threads(1)  # after a fork, torch hangs if it asks for the threads of its parent
            self._process = os.getpid()

    def way_back(self, outputs: torch.Tensor, targets: float = 0.0) -> Callable[[Any], None]:
        """From the gradient of what was computed to those of the weights.

        targets: The sum of the weights of the targets, if the step is to be with the mean.
        """
        self._waiting, self._early = True, None

        def backprop(d_outputs: FloatsXd) -> None:
            outputs.backward(xp2torch(d_outputs, device=outputs.device).to(outputs.dtype))
            self._targets += targets
            self._waiting = False
            if self._early:
                self.finish_update(self._early)

        return backprop

    def finish_update(self, optimizer: Optimizer) -> None:
        """One step with the gradient of all that was asked since the last one, or, of targets, with its mean.

        `nlp.update` asks for it before listeners have sent the gradient: then it is made when that has come.
        """
        if self._waiting:
            self._early = optimizer
            return
        weights = [weight for weight in self.lm.model.parameters() if weight.grad is not None]
        if not weights:
            return
        stepper = self._adam(optimizer)
        for weight in weights:
            weight.grad.div_(self._targets or 1)
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
        # gradients are not copied either
        return self.__dict__ | {"_stepper": None, "_early": None, "_targets": 0.0, "lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _process=os.getpid(), lock=RLock())
