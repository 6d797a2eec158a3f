"""An adapter that is trained outside: by plain transformers and PEFT, on token ids alone."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch.nn.functional import cross_entropy
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    get_linear_schedule_with_warmup,
)

BATCH = 8
_POOL = 8 * BATCH
"""The number of pairs that are drawn at once and sorted by length, so that little is padding."""


class Pair(NamedTuple):
    """The token ids of a prompt, and of the answer with the id that ends it."""

    prompt: list[int]
    answer: list[int]


def train(base: str, pairs: Sequence[Pair], folder: Path, steps: int, seed: int) -> None:
    """Train a LoRA adapter on the answers and save it as PEFT does, with the settings of
    `configs/cpu.cfg`: the base in bfloat16, the adapter in float32.

    Args:
        base: The folder of the base weights.
        folder: Where to save the adapter.
        steps: The number of batches of `BATCH` pairs.
    """
    torch.manual_seed(seed)
    settings = LoraConfig(task_type="CAUSAL_LM", r=16, lora_alpha=32, target_modules="all-linear")
    model: Any = get_peft_model(_base(base), settings)
    fit(model, pairs, steps, seed)
    model.save_pretrained(folder)


def fit(model: Any, pairs: Sequence[Pair], steps: int, seed: int) -> None:
    """Train the adapter of a PEFT model on the answers.

    Args:
        steps: The number of batches of `BATCH` pairs.
    """
    optimizer = torch.optim.AdamW(
        [weight for weight in model.parameters() if weight.requires_grad], lr=1e-3, weight_decay=0.0
    )
    schedule = get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    model.train()
    for batch in islice(batches(pairs, random.Random(seed)), steps):
        with torch.autocast("cpu", torch.bfloat16):
            loss = answer_loss(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()


def merge(base: str, adapter: Path, folder: Path) -> None:
    """Merge a saved adapter into its base, and save the result with the tokenizer."""
    merged = PeftModel.from_pretrained(_base(base), str(adapter)).merge_and_unload()
    merged.save_pretrained(folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)


def batches(pairs: Sequence[Pair], draw: random.Random) -> Iterator[list[Pair]]:
    """Yield random batches of pairs of similar length, without end."""
    while True:
        pool = draw.sample(pairs, min(_POOL, len(pairs)))
        pool.sort(key=lambda pair: len(pair.prompt) + len(pair.answer))
        groups = [pool[start : start + BATCH] for start in range(0, len(pool), BATCH)]
        draw.shuffle(groups)
        yield from groups


def answer_loss(model: Any, batch: Sequence[Pair]) -> torch.Tensor:
    """Return the mean cross-entropy of the token ids of the answers.

    Padding is on the right, where no id before it sees it.
    """
    width = max(len(prompt) + len(answer) for prompt, answer in batch)
    rows = [
        [*prompt, *answer, *[0] * (width - len(prompt) - len(answer))] for prompt, answer in batch
    ]
    hidden = model.get_decoder()(torch.tensor(rows), use_cache=False).last_hidden_state
    before = []  # the hidden states of an id have the logits of the next one
    for states, (prompt, answer) in zip(hidden, batch, strict=True):
        before.append(states[len(prompt) - 1 :][: len(answer)])
    logits = model.get_output_embeddings()(torch.cat(before))
    wanted = torch.tensor([id for _, answer in batch for id in answer])
    return cross_entropy(logits.float(), wanted)


def _base(name: str) -> Any:
    # On a CPU, "eager" attention goes backward faster than "sdpa".
    model: Any = AutoModelForCausalLM.from_pretrained(name, attn_implementation="eager")
    return model.to(torch.bfloat16)
