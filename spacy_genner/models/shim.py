"""A torch model in a thinc network, with its own placement, precision, and optimizer."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable
from multiprocessing.context import get_spawning_popen
from pathlib import Path
from typing import Any, cast

import torch
from thinc.api import Optimizer, xp2torch
from thinc.shims import Shim
from thinc.types import FloatsXd

from ..decoding.interfaces import Engine
from ..files.saved import MODEL_FILES, pack_parts, reading, unpack_parts
from ..files.writing import filling
from ..lm.decoding_lm import DecodingLM
from ..lm.language_model import LanguageModel
from ..locks import Lock


class LMShim(Shim):
    """A language model as thinc sees it: it takes gradients, and turns them into a step of a torch
    optimizer.

    Subclasses add what it computes. What thinc's own PyTorch shim does about devices, gradient
    clipping and parameter averages does not fit language models.

    Attributes:
        lock: The lock to hold while the weights for decoding are in use. They keep what they have
            read, so that only one thread at a time can use them; torch uses all cores for it.
    """

    def __init__(self, lm: DecodingLM) -> None:
        super().__init__(lm)
        self.lm = lm
        self._targets = 0.0
        self._stepper: torch.optim.AdamW | None = None
        # the backward function of the last forward pass, while its gradient is awaited
        self._way_back: weakref.ref[Callable[[Any], None]] | None = None
        # an optimizer whose step was asked for while a gradient was awaited
        self._early: Optimizer | None = None
        self._process = os.getpid()
        self.lock = Lock()

    @property
    def local(self) -> LanguageModel:
        """The language model, whose weights are in this process.

        Raises:
            ValueError: If another engine has them.
            RuntimeError: On a GPU in a process that was forked.
        """
        self.enter_process()
        if not isinstance(self.lm, LanguageModel):
            raise ValueError(
                f"spacy_genner.{type(self.lm).__name__}.v1 only decodes: for training, and for "
                "whatever else needs the weights, use spacy_genner.CausalLM.v1 in [model.lm]; or "
                "list the component in frozen_components of [training]"
            )
        return self.lm

    @property
    def engine(self) -> Engine:
        """What answers the questions of decoders, in whichever process.

        Raises:
            RuntimeError: On a GPU in a process that was forked.
        """
        self.enter_process()
        return self.lm.engine

    def enter_process(self) -> None:
        """Prepare for computing in this process. Call this before anything is computed that a
        forked process may ask for.

        Raises:
            RuntimeError: On a GPU in a process that was forked.
        """
        if os.getpid() != self._process:
            self._refuse_gpu()
            # after a fork, torch would wait for the threads of its parent, and hang
            torch.set_num_threads(1)
            if self.lock.interrupted:
                # another thread was using the weights, and the fork caught it halfway: what it
                # cached is incomplete
                self.lm.changed()
            self._process = os.getpid()

    def way_back(self, outputs: torch.Tensor, targets: float = 0.0) -> Callable[[Any], None]:
        """Return the function that turns the gradient of `outputs` into gradients of the weights.

        Args:
            targets: The sum of the weights of the targets, if the step is to use their mean; 0 if
                it is to use their sum.
        """

        def backprop(d_outputs: FloatsXd) -> None:
            try:
                if outputs.requires_grad:
                    outputs.backward(xp2torch(d_outputs, device=outputs.device).to(outputs.dtype))
            except BaseException:
                self._forget()  # some weights have their gradients, and others do not
                raise
            self._targets += targets
            self._way_back = None
            if self._early:
                self.finish_update(self._early)

        self._way_back, self._early = weakref.ref(backprop), None
        return backprop

    def finish_update(self, optimizer: Optimizer) -> None:
        """Make one step of the optimizer, with the gradients that came since the last step.

        Gradients of targets are divided by the sum of the weights of the targets.

        `nlp.update` calls this before listeners have sent their gradient; the step is then made
        when it comes.
        """
        # Who awaits the gradient holds the backward function. After an error nobody does any more:
        # the weak reference is dead, and the step need not wait.
        if self._way_back and self._way_back():
            self._early = optimizer
            return
        weights = [weight for weight in self.lm.weights.values() if weight.grad is not None]
        if not weights:
            return
        stepper = self._adam(optimizer)
        for weight in weights:
            gradient = cast(torch.Tensor, weight.grad)
            gradient.div_(self._targets or 1)
            if optimizer.L2 and not optimizer.L2_is_weight_decay:
                gradient.add_(weight.detach(), alpha=optimizer.L2)
        if optimizer.grad_clip:
            torch.nn.utils.clip_grad_norm_(weights, optimizer.grad_clip)
        stepper.step()
        stepper.zero_grad()
        self._targets = 0.0
        self.lm.changed()

    def reset(self) -> None:
        """Load the base weights, and begin with a fresh adapter.

        Raises:
            ValueError: If the weights cannot be loaded.
        """
        self.lm.reset()
        self._stepper = None
        self._forget()

    @property
    def moments(self) -> dict[str, Any] | None:
        """The state of the torch optimizer; None before its first step.

        Together with the trained weights, it is all that a step depends on.
        """
        return self._stepper.state_dict() if self._stepper else None

    @moments.setter
    def moments(self, saved: dict[str, Any] | None) -> None:
        stepper = None
        if saved:
            stepper = self._new_stepper()
            stepper.load_state_dict(saved)
        self._stepper = stepper

    def _forget(self) -> None:
        """Drop the gradients that were accumulated, and do not await others."""
        for weight in self.lm.weights.values():
            weight.grad = None
        self._targets = 0.0
        self._way_back = None
        self._early = None

    def _new_stepper(self) -> torch.optim.AdamW:
        return torch.optim.AdamW(self.lm.weights.values())

    def _adam(self, optimizer: Optimizer) -> torch.optim.AdamW:
        """Return the torch optimizer with the settings of thinc's, at the present step of its
        schedules. It keeps its moments as long as the weights stay the same ones.

        Raises:
            ValueError: If thinc's optimizer has a setting that this one cannot have.
        """
        refused = {
            "use_averages = true": optimizer.averages is not None,
            "RAdam": optimizer.use_radam,
            "SGD": not (optimizer.b1 and optimizer.b2),
        }
        if any(refused.values()):
            names = ", ".join(name for name, present in refused.items() if present)
            raise ValueError(
                f"[training.optimizer] {names}: not possible for a language model: use "
                '@optimizers = "Adam.v1" with use_averages = false'
            )
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
        """Save to a folder what training changed and what identifies the base weights.

        It replaces a language model that was saved there before.

        Raises:
            OSError: If the folder cannot be written.
        """
        with filling(path, whole=MODEL_FILES) as folder:
            self.lm.save(folder)

    def from_disk(self, path: str | Path) -> LMShim:
        """Load what was saved to a folder. After an error, everything is as it was before.

        Raises:
            ValueError: If a file is missing or corrupt, or belongs to other base weights.
        """
        self.lm.restore(Path(path))
        self._stepper = None
        self._forget()
        return self

    def to_bytes(self) -> bytes:
        """Save the files that `to_disk` writes as bytes."""
        with tempfile.TemporaryDirectory() as folder:
            self.lm.save(Path(folder))
            paths = [path for path in sorted(Path(folder).rglob("*")) if path.is_file()]
            return pack_parts(
                {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
            )

    def from_bytes(self, data: bytes) -> LMShim:
        """Load what was saved as bytes. After an error, everything is as it was before.

        Raises:
            ValueError: If a file is missing or corrupt, or belongs to other base weights, or if its
                name leads out of the folder.
        """
        place = "a language model in bytes"
        files = unpack_parts(data, place)
        # Windows does not delete files that are still in use
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
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
        """Do nothing: the language model is placed by its own `device` setting."""

    def __getstate__(self) -> dict[str, Any]:
        if get_spawning_popen():  # the copy is for a worker process
            self._refuse_gpu()
        # the torch optimizer and the gradients belong to the weights of the original
        fresh = {"_stepper": None, "_way_back": None, "_early": None, "_targets": 0.0}
        return self.__dict__ | fresh

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _process=os.getpid())

    def _refuse_gpu(self) -> None:
        if self.lm.device.type != "cpu":
            raise RuntimeError(
                "a GPU cannot be shared with worker processes: use n_process=1 and a larger "
                "batch_size"
            )


def _inner(name: str) -> str:
    """Return the name of a file, after checking it.

    Raises:
        ValueError: If, on any system, it leads out of the folder that the file is put into.
    """
    for part in name.split("/"):
        if part in ("", ".", "..") or any(character in part for character in "\\:\0"):
            raise ValueError(f"{name!r} is not a valid name of a file inside a folder")
    return name
