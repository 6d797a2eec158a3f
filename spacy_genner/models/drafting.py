"""Training of the draft head: after the adapter, on the hidden states that it has come to, so that
it cannot cost accuracy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from ..decoding.batches import batches
from ..decoding.interfaces import Job
from ..decoding.marks import Pattern, marks_of
from ..lm.draft_head import DraftHead
from ..lm.steps import Steps
from .generative import Gold, Network, speller_of

_LAYERS = 2 / 3  # behind which share of them: measured better than the last one, and than half
_BATCH_TOKENS, _BATCH, _LEARN_RATE = 1024, 32, 1e-3
_COPIES_FIRST = (
    1 / 3
)  # from this share of sources without entities on, a copy tried at once saves more than it costs


def train_drafts(model: Network, golds: Sequence[Gold], epochs: int = 6, seed: int = 0) -> None:
    """Give a network a draft head that knows what is marked in these sources.

    Raises:
        ValueError: If there are none, or the format of the answers is no copy of the source.
    """
    if not golds:
        raise ValueError("a draft head needs at least one source to learn from")
    lm: Any = model.shims[0].lm  # type: ignore[attr-defined]
    jobs = [speller_of(model, *labels).job(source) for source, _, *labels in golds]
    derived = [job.grammar.derive(gold[1]) for job, gold in zip(jobs, golds, strict=True)]
    if not any(move.kind == "copy" for moves in derived for move in moves):
        raise ValueError(
            f"{model.attrs['format']}: a draft head proposes marks in a copy of the text, this is "
            "a list"
        )
    layer = round(lm.steps.model.config.get_text_config().num_hidden_layers * _LAYERS)
    lm.draft_head = _fit(
        _states(lm.steps, jobs, layer), list(map(marks_of, derived)), layer, epochs, seed
    )


def _states(steps: Steps, jobs: Sequence[Job], layer: int) -> list[torch.Tensor]:
    """The hidden states of the words of each job's prompt, words × width."""
    states: dict[int, torch.Tensor] = {}
    sizes = [len(job.body) for job in jobs]
    for batch in tqdm(list(batches(steps, jobs, sizes, _BATCH_TOKENS)), "reading", leave=False):
        session = steps.session(jobs[batch[0]].prefix, len(batch))
        session.layer = layer
        session.extend([jobs[i].body for i in batch])
        states |= {
            i: row[jobs[i].words].clone() for i, row in zip(batch, session.states, strict=True)
        }
    return [states[i] for i in range(len(jobs))]


def _fit(
    states: Sequence[torch.Tensor],
    marks: Sequence[list[Pattern]],
    layer: int,
    epochs: int,
    seed: int,
) -> DraftHead:
    counts = Counter(gap for row in marks for gap in row)
    counts[()] = counts.total()  # the first pattern, whatever else there is
    patterns = [pattern for pattern, _ in counts.most_common()]
    wanted = [
        torch.tensor([patterns.index(gap) for gap in row], device=states[0].device) for row in marks
    ]
    empty = sum(not any(row) for row in marks) / len(marks)
    random = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = DraftHead(
            states[0].shape[1], layer, patterns, copies_first=empty >= _COPIES_FIRST
        ).to(states[0].device)
    optimizer = torch.optim.AdamW(head.parameters(), lr=_LEARN_RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(
        optimizer, 1.0, 0.0, epochs * -(-len(states) // _BATCH)
    )
    for _ in tqdm(range(epochs), "fitting", leave=False):
        for batch in torch.randperm(len(states), generator=random).split(_BATCH):
            rows = batch.tolist()
            logits = torch.cat(head([states[i] for i in rows]))
            cross_entropy(logits, torch.cat([wanted[i] for i in rows])).backward()
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
    return head.eval()
