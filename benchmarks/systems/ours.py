"""The package's own decoders, and others that run on its loop."""

from collections.abc import Sequence
from dataclasses import replace

from spacy_genner.decoding.greedy import GreedyDecoder
from spacy_genner.decoding.scores import scored_entities
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.lm.causal_steps import CausalSteps
from spacy_genner.lm.session_engine import SessionEngine
from spacy_genner.lm.steps import Steps

from .aggressive import AggressiveDecoder
from .base import CountingSteps, Output, Subject, Task

_IDS = 64  # of a sentence at first, about


class Ours:
    """A decoder that makes batches of its own: of about so many sentences, here, if it is to take
    more than one."""

    def __init__(self, steps: Steps, decoder: GreedyDecoder | SpeculativeDecoder) -> None:
        self._steps, self._decoder = steps, decoder

    def __call__(self, tasks: Sequence[Task], batch: int) -> Output:
        """Decode sentences."""
        steps = CountingSteps(self._steps)
        decoder = replace(self._decoder, batch_tokens=_IDS * batch if batch > 1 else 1)
        traces = decoder(SessionEngine(steps), [task.job for task in tasks])
        found = [
            scored_entities(task.job.grammar, trace)
            for task, trace in zip(tasks, traces, strict=True)
        ]
        return Output(found, steps.reading)


def speculative(subject: Subject) -> Ours:
    """The default decoder."""
    return Ours(subject.lm.steps, SpeculativeDecoder())


def replaying(subject: Subject) -> Ours:
    """The default decoder, with the decisions of a trained model."""
    return Ours(subject.lm.replaying, SpeculativeDecoder())


def greedy(subject: Subject) -> Ours:
    """The reference decoder."""
    return Ours(subject.lm.steps, GreedyDecoder())


def aggressive(subject: Subject) -> Ours:
    """Aggressive decoding, without a draft head."""
    return Ours(CausalSteps(subject.lm.steps.model), AggressiveDecoder())
