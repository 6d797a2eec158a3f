"""Training of the draft head.

It is trained after the adapter, on the hidden states that result from it, and changes neither, so
that it cannot cost accuracy.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import chain

import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from ..decoding.interfaces import Job
from ..decoding.marks import Pattern, marks_of
from ..lm.batches import batches
from ..lm.draft_head import DraftHead
from ..lm.language_model import LanguageModel
from ..lm.steps import Steps
from ..types import Move
from .generative import Gold, Network, as_task, spellers_of

_LAYERS = 2 / 3
"""The share of the layers whose output the head reads. Measured: better than all, and than half."""
_COPIES_FIRST = 1 / 3
"""From this share of sources without entities on, trying a plain copy along with the prompt saves
more time than it costs."""
_BATCH_TOKENS = 1024
_BATCH = 32
_LEARN_RATE = 1e-3


def train_drafts(model: Network, golds: Sequence[Gold], epochs: int = 6, seed: int = 0) -> None:
    """Give a network a draft head that has learnt what is marked in these sources.

    Raises:
        ValueError: If there are no sources, or if the answers are not copies of them.
    """
    if not golds:
        raise ValueError("a draft head needs at least one source to learn from")
    lm: LanguageModel = model.shims[0].local  # type: ignore[attr-defined]
    jobs, derived = list[Job](), list[list[Move]]()
    for task in map(as_task, golds):
        for speller in spellers_of(model, task.labels):
            job = speller.job(task.source)
            jobs.append(job)
            derived.append(job.grammar.derive(speller.written(task.entities)))
    if not any(move.kind == "copy" for move in chain.from_iterable(derived)):
        raise ValueError(
            f"{model.attrs['format']}: a draft head proposes marks in a copy of the text, but this "
            "format writes a list: train it for an inline format"
        )
    layer = round(lm.steps.model.config.get_text_config().num_hidden_layers * _LAYERS)
    states = _states(lm.steps, jobs, layer)
    lm.draft_head = _fit(states, [marks_of(moves) for moves in derived], layer, epochs, seed)


def _states(steps: Steps, jobs: Sequence[Job], layer: int) -> list[torch.Tensor]:
    """Return the hidden states of the words of each job's prompt, words × width."""
    states: dict[int, torch.Tensor] = {}
    sizes = [len(job.body) for job in jobs]
    for batch in tqdm(list(batches(steps, jobs, sizes, _BATCH_TOKENS)), "reading", leave=False):
        session = steps.session(jobs[batch[0]].prefix, len(batch))
        session.layer = layer
        session.extend([jobs[i].body for i in batch])
        for i, row in zip(batch, session.states, strict=True):
            states[i] = row[jobs[i].words]  # a copy, so that the states of the batch are freed
    return [states[i] for i in range(len(jobs))]


def _fit(
    states: Sequence[torch.Tensor],
    marks: Sequence[list[Pattern]],
    layer: int,
    epochs: int,
    seed: int,
) -> DraftHead:
    """Return a head that was trained to tell the pattern after each word from its hidden state."""
    counts = Counter(chain.from_iterable(marks))
    del counts[()]  # "nothing is marked" comes first, even if another pattern is as frequent
    patterns: list[Pattern] = [(), *(pattern for pattern, _ in counts.most_common())]
    numbers = {pattern: number for number, pattern in enumerate(patterns)}
    device = states[0].device
    wanted = [torch.tensor([numbers[gap] for gap in row], device=device) for row in marks]
    empty = sum(not any(row) for row in marks)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        copies_first = empty / len(marks) >= _COPIES_FIRST
        head = DraftHead(states[0].shape[1], layer, patterns, copies_first=copies_first)
    head = head.to(device)
    random = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(head.parameters(), lr=_LEARN_RATE)
    steps = epochs * math.ceil(len(states) / _BATCH)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
    for _ in tqdm(range(epochs), "fitting", leave=False):
        for batch in torch.randperm(len(states), generator=random).split(_BATCH):
            rows = batch.tolist()
            logits = torch.cat(head([states[i] for i in rows]))
            cross_entropy(logits, torch.cat([wanted[i] for i in rows])).backward()
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
    return head.eval()
