"""torch behind thinc: placement, precision, and the optimizer are the language model's own."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable
from multiprocessing.context import get_spawning_popen
from pathlib import Path
from typing import Any

import torch
from thinc.api import Optimizer, xp2torch
from thinc.shims import Shim
from thinc.types import FloatsXd

from ..decoding.interfaces import StepModel
from ..files.saved import MODEL_FILES, pack_parts, reading, unpack_parts
from ..files.writing import filling
from ..lm.language_model import LanguageModel
from ..locks import Lock


class LMShim(Shim):
    """A language model as thinc sees it: gradients in, a step of a torch optimizer out. Subclasses
    know what goes forward.

    Attributes:
        lock: To be held while the weights for decoding are used. They remember what they have read,
            so one thread at a time reads with them; torch uses all cores for each anyway.
    """

    def __init__(self, lm: LanguageModel) -> None:
        super().__init__(lm)
        self.lm = lm
        self._targets = 0.0
        self._stepper: torch.optim.AdamW | None = None
        self._way_back: weakref.ref[Callable[[Any], None]] | None = (
            None  # of what went forward and did not come back
        )
        self._early: Optimizer | None = None  # that came while a gradient was waited for
        self._process = os.getpid()
        self.lock = Lock()

    @property
    def steps(self) -> StepModel:
        """The model for decoding, from whichever process.

        Raises the same errors as `enter_process`.
        """
        self.enter_process()
        steps: StepModel = self.lm.steps
        return steps

    def enter_process(self) -> None:
        """To be called before anything is computed that a forked process may ask for.

        Raises:
            RuntimeError: On a GPU in a process that was forked.
        """
        if os.getpid() != self._process:
            self._refuse_gpu()
            torch.set_num_threads(
                1
            )  # after a fork, torch hangs if it asks for the threads of its parent
            if self.lock.interrupted:
                self.lm.changed()  # what has been read is half remembered
            self._process = os.getpid()

    def way_back(self, outputs: torch.Tensor, targets: float = 0.0) -> Callable[[Any], None]:
        """From the gradient of what was computed to those of the weights.

        Args:
            targets: The sum of the weights of the targets, if the step is to be with the mean.
        """

        def backprop(d_outputs: FloatsXd) -> None:
            try:
                outputs.backward(xp2torch(d_outputs, device=outputs.device).to(outputs.dtype))
            except BaseException:  # a part of a gradient is no gradient
                self._forget()
                raise
            self._targets += targets
            self._way_back = None
            if self._early:
                self.finish_update(self._early)

        self._way_back, self._early = weakref.ref(backprop), None
        return backprop

    def finish_update(self, optimizer: Optimizer) -> None:
        """One step with the gradient of all that was asked since the last one, or, of targets, with
        its mean.

        `nlp.update` asks for it before listeners have sent the gradient: then it is made when that
        has come.
        """
        if (
            self._way_back and self._way_back()
        ):  # after an error nobody has it any more, and nothing will come
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
        """Load the base weights, and begin with a fresh adapter.

        Raises:
            ValueError: If they cannot be loaded.
        """
        self.lm.reset()
        self._stepper = None
        self._forget()

    @property
    def moments(self) -> dict[str, Any] | None:
        """The state of the torch optimizer, None before its first step. Together with the trained
        weights it is all that a step depends on."""
        return self._stepper.state_dict() if self._stepper else None

    @moments.setter
    def moments(self, saved: dict[str, Any] | None) -> None:
        stepper = None
        if saved:
            stepper = self._new_stepper()
            stepper.load_state_dict(saved)
        self._stepper = stepper

    def _forget(self) -> None:
        """Drop the gradients, those that are accumulated and those that are awaited."""
        self.lm.model.zero_grad()
        self._targets, self._way_back, self._early = 0.0, None, None

    def _new_stepper(self) -> torch.optim.AdamW:
        return torch.optim.AdamW(
            weight for weight in self.lm.model.parameters() if weight.requires_grad
        )

    def _adam(self, optimizer: Optimizer) -> torch.optim.AdamW:
        """The torch twin of thinc's optimizer, at the present place of its schedules. Its moments
        live as long as the weights.

        Raises:
            ValueError: For what it cannot honour.
        """
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
        """Write to a folder what training changed and what identifies the base, in the place of an
        earlier language model there.

        Raises:
            OSError: If it cannot be written.
        """
        with filling(path, whole=MODEL_FILES) as folder:
            self.lm.save(folder)

    def from_disk(self, path: str | Path) -> LMShim:
        """Read such a folder. After an error everything is as it was.

        Raises:
            ValueError: If something is missing, corrupt, or belongs to another base.
        """
        self.lm.restore(Path(path))
        self._stepper = None
        self._forget()
        return self

    def to_bytes(self) -> bytes:
        """The files of the folder."""
        with tempfile.TemporaryDirectory() as folder:
            self.lm.save(Path(folder))
            paths = [path for path in sorted(Path(folder).rglob("*")) if path.is_file()]
            return pack_parts(
                {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
            )

    def from_bytes(self, data: bytes) -> LMShim:
        """Read them back.

        Raises:
            ValueError: As `from_disk`, and for a name that leads out of the folder.
        """
        files = unpack_parts(data, place := "a language model in bytes")
        with tempfile.TemporaryDirectory(
            ignore_cleanup_errors=True
        ) as folder:  # Windows keeps what is in use
            with reading(place):
                for name, content in files.items():
                    path = Path(folder, _inner(name))
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
            try:
                return self.from_disk(folder)
            except ValueError as error:
                raise ValueError(str(error).replace(folder, place)) from error

    def to_device(self, device_type: str, device_id: int) -> None:
        """Does nothing: the language model's own `device` setting places it."""

    def __getstate__(self) -> dict[str, Any]:
        if get_spawning_popen():  # the copy is for a worker process
            self._refuse_gpu()
        # gradients are not copied either
        return self.__dict__ | {
            "_stepper": None,
            "_way_back": None,
            "_early": None,
            "_targets": 0.0,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _process=os.getpid())

    def _refuse_gpu(self) -> None:
        if self.lm.device.type != "cpu":
            advice = "use n_process=1 and a larger batch_size"
            raise RuntimeError(f"a GPU cannot be shared with worker processes: {advice}")


def _inner(name: str) -> str:
    """A name of a file.

    Raises:
        ValueError: If on some system it leads out of the folder that it is put into.
    """
    if any(
        part in ("", ".", "..") or not {"\\", ":", "\0"}.isdisjoint(part)
        for part in name.split("/")
    ):
        raise ValueError(f"{name!r} is not a valid name of a file inside a folder")
    return name
