"""The package's own decoders."""

from collections.abc import Sequence
from dataclasses import replace

from spacy_genner.decoding.greedy import GreedyDecoder
from spacy_genner.decoding.scores import scored_entities
from spacy_genner.decoding.speculative import SpeculativeDecoder

from .base import CountingSteps, Output, Subject, Task

_WHOLE = 2**30  # a batch is decoded as it is given


class Ours:
    """A decoder of the package."""

    def __init__(self, subject: Subject, decoder: GreedyDecoder | SpeculativeDecoder) -> None:
        self._lm, self._decoder = subject.lm, decoder

    def __call__(self, tasks: Sequence[Task]) -> Output:
        """Decode a batch."""
        steps = CountingSteps(self._lm.steps)
        traces = self._decoder(steps, [task.job for task in tasks])
        found = [scored_entities(task.job.grammar, trace) for task, trace in zip(tasks, traces, strict=True)]
        return Output(found, steps.reading)


def speculative(subject: Subject) -> Ours:
    """The default decoder, with the settings of the pipeline."""
    decoder = subject.decoder if isinstance(subject.decoder, SpeculativeDecoder) else SpeculativeDecoder()
    return Ours(subject, replace(decoder, batch_tokens=_WHOLE))


def greedy(subject: Subject) -> Ours:
    """The reference decoder."""
    return Ours(subject, GreedyDecoder(batch_tokens=_WHOLE))
