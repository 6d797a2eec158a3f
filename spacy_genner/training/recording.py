"""Training that goes on after a kill.

spaCy's training loop cannot begin in the middle. So the results of updates and evaluations are
recorded, and a later
run that finds a checkpoint plays them back: the loop sees the same losses and scores, shuffles and
logs as before, and comes within seconds to where the checkpoint was taken. There the weights, the
moments of the optimizers and the random generators are put back, and training goes on as if nothing
had happened.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from time import monotonic
from typing import Any

from spacy.language import Language
from spacy.training import Example
from spacy.training.loop import DIR_MODEL_BEST, DIR_MODEL_LAST
from thinc.api import Optimizer

from ..printing import msg
from . import checkpoint
from .run_identity import identity
from .tape import Results, Tape
from .trained import Trained
from .trained_models import trained_models


class Recording:
    """The results of all updates and evaluations of a training: those on the tape are played back,
    others made.

    As a context, it lets a training of the pipeline go on where `output/checkpoint.pt` was taken,
    and take such checkpoints. When training ends, the file is removed; after an error or a kill it
    stays.

    Until the end of the tape the pipeline has the weights of the best evaluation, if there was one,
    so that every `model-best` that spaCy writes meanwhile holds them. The last of these is the one
    of before, scores and all.

    Args:
        nlp: An initialized pipeline.
        output: An existing folder, the one that spaCy writes model-best to.
        seconds: How long to train from one checkpoint to the next.

    Raises:
        ValueError: If the configuration rules it out, and from `update` and `evaluate` if the data
            come in another order than before.
    """

    def __init__(self, nlp: Language, output: Path, seconds: float) -> None:
        config = nlp.config.interpolate()
        models = trained_models(nlp, config)
        self._path = output / "checkpoint.pt"
        self._nlp: Any = nlp
        self._output, self._seconds, self._saved = output, seconds, monotonic()
        self._update, self._evaluate = nlp.update, nlp.evaluate
        self._step: Any = Optimizer.step_schedules
        self._trained, self._identity = Trained(models), identity(nlp, config, models)
        self._optimizer: Optimizer | None = None  # only between two steps, when no gradient waits
        self._tape = Tape(self._path, nlp.vocab.strings, self._trained.devices)
        self._best: dict[str, Any] = {}
        self._evaluated = False
        self._resume = _open(self._path, self._identity)
        if self._resume:
            self._tape.from_bytes(self._resume["tape"])
            self._best = self._resume["best"]
            if self._best:
                self._trained.set_state(self._best)
            place = f"after update {self._tape.updates} from {self._path}"
            msg.info(f"Going on {place}; without that file, training begins anew")

    @property
    def seconds(self) -> float:
        """How long all updates and evaluations took, those of earlier runs as well."""
        return self._tape.seconds

    @property
    def evaluations(self) -> list[Results]:
        """What all evaluations gave, those of earlier runs as well."""
        return self._tape.evaluations

    def __enter__(self) -> None:
        def step_schedules(optimizer: Optimizer) -> None:
            self._step(optimizer)
            self._optimizer = optimizer

        self._nlp.update, self._nlp.evaluate = self.update, self.evaluate
        # The loop makes its optimizer itself, and shows it to pipes, which may be Cython without
        # attributes to replace, and to this method, once a step, when all gradients are used up.
        Optimizer.step_schedules = step_schedules  # type: ignore[method-assign]

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        Optimizer.step_schedules = self._step  # type: ignore[method-assign]
        del self._nlp.update, self._nlp.evaluate  # those of the class remain
        if error is None:
            checkpoint.remove(self._path)

    def update(self, examples: list[Example], *, losses: Results, **settings: Any) -> Results:
        """As `Language.update`, with what goes between two updates."""
        if self._tape.ended:
            self._between_updates()
        self._optimizer = None
        losses |= self._tape.result(
            "update", examples, lambda: dict(self._update(examples, losses=losses, **settings))
        )
        return losses

    def evaluate(self, examples: Iterable[Example], **settings: Any) -> Results:
        """As `Language.evaluate`. Played back, it reads the examples nevertheless: that adds words
        to the vocabulary, and an augmenter may draw random numbers."""
        examples = list(examples)
        self._evaluated = self._tape.ended
        return self._tape.result(
            "evaluation", examples, lambda: self._evaluate(examples, **settings)
        )

    def _between_updates(self) -> None:
        if self._optimizer is None:
            return  # before the first step, or within one
        if self._resume:
            self._trained.set_state(self._resume["state"])
            self._trained.set_moments(self._optimizer, self._resume["moments"])
            checkpoint.set_random_states(self._resume["random"])
            self._resume = None
        if self._evaluated and self._is_best():
            with self._nlp.use_params(self._optimizer.averages):  # as when `model-best` was saved
                self._best = self._trained.state()
        self._evaluated = False
        if monotonic() - self._saved >= self._seconds:
            self._save(self._optimizer)

    def _is_best(self) -> bool:
        """Whether `model-best` is the pipeline that was evaluated last."""
        last, best = (
            self._output / name / "meta.json" for name in (DIR_MODEL_LAST, DIR_MODEL_BEST)
        )
        return best.exists() and best.read_bytes() == last.read_bytes()

    def _save(self, optimizer: Optimizer) -> None:
        state = {
            "identity": self._identity,
            "tape": self._tape.to_bytes(),
            "best": self._best,
            "state": self._trained.state(),
            "moments": self._trained.moments(optimizer),
            "random": checkpoint.random_states(self._trained.devices),
        }
        checkpoint.write(self._path, state)
        self._saved = monotonic()


def _open(path: Path, expected: dict[str, str]) -> dict[str, Any] | None:
    """The checkpoint of this training, if there is one."""
    if not path.exists():
        return None
    try:
        state = checkpoint.read(path)
    except ValueError as error:
        msg.warn("Training begins anew", str(error))
        return None
    found = state.get("identity", {})
    if other := sorted(name for name in found | expected if found.get(name) != expected.get(name)):
        msg.warn(
            "Training begins anew",
            f"{path} belongs to another training: other {', other '.join(other)}",
        )
        return None
    return state
