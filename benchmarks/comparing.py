"""What is compared of the answers: F1, and where they leave our greedy decoder."""

from __future__ import annotations

from collections.abc import Sequence

from systems.base import Sentence, Subject, Task

from spacy_genner.decoding.moves import spell
from spacy_genner.pipeline.docs import write_spans
from spacy_genner.pipeline.scorer import score
from spacy_genner.types import Entity


def f1(tasks: Sequence[Sentence], found: Sequence[Sequence[Entity]], key: str) -> float | None:
    """F1 of all spans, by the package's scorer."""
    for task, entities in zip(tasks, found, strict=True):
        doc = task.example.predicted
        write_spans(
            doc,
            key,
            [(task.read.span(doc, entity), entity.score) for entity in sorted(set(entities))],
        )
    value: float | None = score([task.example for task in tasks], spans_key=key)[f"spans_{key}_f"]
    return value


def margin(
    subject: Subject, task: Task, found: Sequence[Entity], reference: Sequence[Entity]
) -> float:
    """Where two legal answers part, by how much the reference's choice is the more probable one:
    the difference of the log-probabilities, read in one pass over the prompt and all before."""
    grammar, encode = task.job.grammar, task.job.encode
    ids, decisions = spell(grammar, grammar.derive(reference), encode)
    _, others = spell(grammar, grammar.derive(found), encode)
    ours, other = next(pair for pair in zip(decisions, others, strict=False) if pair[0] != pair[1])
    steps = subject.lm.steps
    hidden = steps.session(task.job.prefix, 1).extend([task.job.body + ids[: ours.position]])
    log_probs = steps.log_probs(hidden[:, -1], [ours.choices])[0]
    return float(log_probs[ours.chosen] - log_probs[other.chosen])
