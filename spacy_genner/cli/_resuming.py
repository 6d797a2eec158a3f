"""Training that goes on after a kill.

spaCy's training loop cannot begin in the middle. So the results of updates and evaluations are recorded, and a later
run that finds a checkpoint plays them back: the loop sees the same losses and scores, shuffles and logs as before, and
comes within seconds to where the checkpoint was taken. There the weights, the moments of the optimizer and the random
generators are put back, and training goes on as if nothing had happened.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from time import monotonic
from typing import Any

import srsly
from spacy.language import Language
from spacy.training import Example
from spacy.training.loop import DIR_MODEL_BEST, DIR_MODEL_LAST
from thinc.api import Config
from wasabi import msg

from ..models import checkpoint
from ..models.shim import LMShim
from ._identity import identity

Results = dict[str, Any]


class Recording:
    """The results of all updates and evaluations of a training: those on the tape are played back, others made.

    As a context, it lets a training of the pipeline go on where `output/checkpoint.pt` was taken, and take such
    checkpoints. When training ends, the file is removed; after an error or a kill it stays.

    Until the end of the tape the pipeline has the weights of the best evaluation, if there was one, so that every
    `model-best` that spaCy writes meanwhile holds them. The last of these is the one of before, scores and all.

    nlp: An initialized pipeline.
    output: An existing folder, the one that spaCy writes model-best to.
    seconds: How long to train from one checkpoint to the next.
    Raises: ValueError if the configuration rules it out, and from `update` and `evaluate` if the data come in another
        order than before.
    """

    def __init__(self, nlp: Language, output: Path, seconds: float) -> None:
        config = nlp.config.interpolate()
        self._path = output / "checkpoint.pt"
        self._nlp: Any = nlp
        self._output, self._seconds, self._saved = output, seconds, monotonic()
        self._update, self._evaluate = nlp.update, nlp.evaluate
        self._shims = _trained(nlp, config)
        self._identity = identity(nlp, config, self._shims)
        self._tape: list[tuple[str, int, Results]] = []
        self._place = 0
        self._best: dict[str, Any] = {}
        self._evaluated = False
        self._resume = _open(self._path, self._identity)
        if self._resume:
            self._tape, self._best = srsly.msgpack_loads(self._resume["tape"]), self._resume["best"]
            for name, weights in self._best.items():
                checkpoint.set_trained_weights(self._shims[name].lm, weights)
            updates = sum(kind == "update" for kind, *_ in self._tape)
            msg.info(f"Going on after update {updates} from {self._path}; without that file, training begins anew")

    def __enter__(self) -> None:
        self._nlp.update, self._nlp.evaluate = self.update, self.evaluate

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        del self._nlp.update, self._nlp.evaluate  # those of the class remain
        if error is None:
            checkpoint.remove(self._path)

    def update(self, examples: list[Example], *, losses: Results, **settings: Any) -> Results:
        """As `Language.update`, with what goes between two updates."""
        if self._place == len(self._tape):
            self._between_updates()
        losses |= self._taped("update", examples, lambda: dict(self._update(examples, losses=losses, **settings)))
        return losses

    def evaluate(self, examples: Iterable[Example], **settings: Any) -> Results:
        """As `Language.evaluate`. Played back, it reads the examples nevertheless: that adds words to the vocabulary,
        and an augmenter may draw random numbers."""
        examples = list(examples)
        self._evaluated = self._place == len(self._tape)
        return self._taped("evaluation", examples, lambda: self._evaluate(examples, **settings))

    def _taped(self, kind: str, examples: list[Example], make: Callable[[], Results]) -> Results:
        key = zlib.crc32("\0".join(example.text for example in examples).encode())
        if self._place == len(self._tape):
            self._tape.append((kind, key, make()))
        *known, results = self._tape[self._place]
        if known != [kind, key]:
            raise ValueError(
                f"the data come in another order than when {self._path} was written, so that training cannot go on "
                "from there: use a reader that gives the same documents at every run, or delete the file to begin anew"
            )
        self._place += 1
        return results

    def _between_updates(self) -> None:
        if self._resume:
            for name, state in self._resume["pipes"].items():
                checkpoint.set_trained_weights(self._shims[name].lm, state["weights"])
                self._shims[name].moments = state["moments"]
            checkpoint.set_random_states(self._resume["random"])
            self._resume = None
        if self._evaluated and self._is_best():
            self._best = {name: checkpoint.trained_weights(shim.lm) for name, shim in self._shims.items()}
        self._evaluated = False
        if monotonic() - self._saved >= self._seconds and all(shim.at_rest for shim in self._shims.values()):
            self._save()

    def _is_best(self) -> bool:
        """Whether `model-best` is the pipeline that was evaluated last."""
        last, best = (self._output / name / "meta.json" for name in (DIR_MODEL_LAST, DIR_MODEL_BEST))
        return best.exists() and best.read_bytes() == last.read_bytes()

    def _save(self) -> None:
        pipes = {
            name: {"weights": checkpoint.trained_weights(shim.lm), "moments": shim.moments}
            for name, shim in self._shims.items()
        }
        state = {
            "identity": self._identity,
            "tape": srsly.msgpack_dumps(self._tape),
            "best": self._best,
            "pipes": pipes,
            "random": checkpoint.random_states({shim.lm.device for shim in self._shims.values()}),
        }
        checkpoint.write(self._path, state)
        self._saved = monotonic()


def _trained(nlp: Language, config: Config) -> dict[str, LMShim]:
    """The shims of the pipes that are trained. Raises: ValueError if there are none, or others are trained, or without
    a seed."""
    frozen = config["training"]["frozen_components"]
    pipes: dict[str, Any] = {name: pipe for name, pipe in nlp.pipeline if name not in frozen}
    pipes = {name: pipe for name, pipe in pipes.items() if getattr(pipe, "is_trainable", False)}
    shims = {name: shim for name, pipe in pipes.items() for shim in pipe.model.shims if isinstance(shim, LMShim)}
    if others := sorted(pipes.keys() - shims.keys()):
        raise ValueError(
            f"{', '.join(others)}: only the training of generative_ner can go on after a kill: list other trainable "
            "components in [training] frozen_components, or train with `spacy train`"
        )
    if not shims:
        raise ValueError("there is no generative_ner to train in the pipeline: train with `spacy train`")
    if config["training"]["seed"] is None:
        raise ValueError("[training] seed = null: training cannot go on after a kill without one: set it to a number")
    return shims


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
        msg.warn("Training begins anew", f"{path} belongs to another training: other {', other '.join(other)}")
        return None
    return state
