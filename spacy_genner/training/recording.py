"""Training that resumes after a kill.

spaCy's training loop cannot start in the middle. So the results of updates and evaluations are
recorded, and a later run that finds a checkpoint plays them back: the loop sees the same losses and
scores, shuffles and logs as before, and within seconds comes to where the checkpoint was taken.
There the weights, the moments of the optimizers and the random generators are restored, and
training goes on as if nothing had happened.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from time import monotonic
from typing import Any

import srsly
from spacy.language import Language
from spacy.training import Example
from spacy.training.loop import DIR_MODEL_BEST, DIR_MODEL_LAST, train
from thinc.api import Optimizer

from ..files.writing import replacing
from . import checkpoint
from .run_identity import identity
from .tape import Results, Tape
from .trained import Trained
from .trained_models import trained_models

_logger = logging.getLogger("spacy_genner")


class Recording:
    """The results of all updates and evaluations of a training: first those played back, then new
    ones.

    As a context manager, it lets a training of the pipeline go on from `output/checkpoint.pt`, and
    writes such checkpoints. When training ends, the file is removed; after an error or a kill it
    stays.

    Until the end of the tape the pipeline has the weights of the best evaluation, if there was one,
    so that every `model-best` that spaCy writes meanwhile holds them. The last of these is the same
    as before the kill, including its scores.

    Args:
        nlp: An initialized pipeline.
        output: An existing folder, the one that spaCy writes model-best to.
        seconds: How long to train between two checkpoints.

    Raises:
        ValueError: If the config does not allow it (see `trained_models` and `Trained`).
        ValueError: If the data come in another order than before (from `update` and `evaluate`).
    """

    def __init__(self, nlp: Language, output: Path, seconds: float) -> None:
        config = nlp.config.interpolate()
        models = trained_models(nlp, config)
        self._nlp: Any = nlp
        self._output = output
        self._path = output / "checkpoint.pt"
        self._seconds = seconds
        self._saved = monotonic()
        self._update = nlp.update
        self._evaluate = nlp.evaluate
        self._step: Any = Optimizer.step_schedules
        self._trained = Trained(models)
        self._identity = identity(nlp, config, models)
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
            _logger.info("Going on %s; to start from the beginning, delete that file", place)

    @property
    def seconds(self) -> float:
        """The time that all updates and evaluations took, including those of earlier runs."""
        return self._tape.seconds

    @property
    def evaluations(self) -> list[Results]:
        """The results of all evaluations, including those of earlier runs."""
        return self._tape.evaluations

    def __enter__(self) -> None:
        def step_schedules(optimizer: Optimizer) -> None:
            self._step(optimizer)
            self._optimizer = optimizer

        self._nlp.update = self.update
        self._nlp.evaluate = self.evaluate
        # The loop makes its optimizer itself. It shows it to pipes, which may be Cython classes
        # without attributes to replace, and to this method, once in each step, when all gradients
        # are used up.
        Optimizer.step_schedules = step_schedules  # type: ignore[method-assign]

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        Optimizer.step_schedules = self._step  # type: ignore[method-assign]
        del self._nlp.update, self._nlp.evaluate  # the methods of the class remain
        if error is None:
            checkpoint.remove(self._path)

    def update(self, examples: list[Example], *, losses: Results, **settings: Any) -> Results:
        """Do what `Language.update` does, after what is due between two updates."""
        if self._tape.ended:
            self._between_updates()
        self._optimizer = None
        losses |= self._tape.result(
            "update", examples, lambda: dict(self._update(examples, losses=losses, **settings))
        )
        return losses

    def evaluate(self, examples: Iterable[Example], **settings: Any) -> Results:
        """Do what `Language.evaluate` does.

        The examples are read even when the result is played back: reading adds words to the
        vocabulary, and an augmenter may draw random numbers.
        """
        examples = list(examples)
        self._evaluated = self._tape.ended
        return self._tape.result(
            "evaluation", examples, lambda: self._evaluate(examples, **settings)
        )

    def _between_updates(self) -> None:
        if self._optimizer is None:
            return  # before the first step, or within a step of several updates
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
        """Return whether `model-best` is the pipeline that was evaluated last."""
        last = self._output / DIR_MODEL_LAST / "meta.json"
        best = self._output / DIR_MODEL_BEST / "meta.json"
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


def train_recorded(nlp: Language, output: Path, recording: Recording, gpu_id: int = -1) -> None:
    """Run spaCy's training loop in a recording, and note in each saved pipeline how long it took.

    Args:
        nlp: The pipeline of the recording.
        output: The folder of the recording.
        recording: The recording to go on with.
        gpu_id: The GPU of thinc's own layers; -1 for the CPU.

    Raises:
        OSError: If a file cannot be written.
    """
    with recording:
        train(nlp, output, use_gpu=gpu_id, stdout=sys.stdout, stderr=sys.stderr)
    for name in (DIR_MODEL_BEST, DIR_MODEL_LAST):
        path = output / name / "meta.json"
        if path.exists():
            add_training_seconds(path, recording.seconds)


def add_training_seconds(path: Path, seconds: float) -> None:
    """Add the duration of a training to a pipeline's meta.json.

    Raises:
        OSError: If the file cannot be written.
    """
    meta = srsly.read_json(path)
    meta["performance"]["training_seconds"] = seconds
    with replacing(path) as new:
        srsly.write_json(new, meta)


def _open(path: Path, expected: dict[str, str]) -> dict[str, Any] | None:
    """Return the state in the checkpoint, or None if there is none of this training."""
    if not path.exists():
        return None
    try:
        state = checkpoint.read(path)
    except ValueError as error:
        _logger.warning("Training starts from the beginning: %s", error)
        return None
    found = state.get("identity", {})
    different = sorted(name for name in found | expected if found.get(name) != expected.get(name))
    if different:
        _logger.warning(
            "Training starts from the beginning: %s belongs to another training. These differ: %s",
            path,
            ", ".join(different),
        )
        return None
    return state
