"""Sequences packed after one prefix must be what they are alone, and so must their gradients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.lm.packing import _ROW, pack
from spacy_genner.weights.tuning import FullTuning, LoRA
from tests.conftest import FAMILIES

CPU = torch.device("cpu")
BODIES = [
    [10 + i, 20 + i, *range(30, 30 + length)]
    for i, length in enumerate([3, 150, 40, 0, 200, 90, 20])
]
"""More than one row of them, some with padding; longer than the window of Gemma 3."""
PREFIXES = [[5, 6, 7]] * 5 + [[8, 9]] * 2


Batch = list[tuple[list[int], list[int]]]
batches = st.lists(  # few prefixes, which bodies share
    st.tuples(st.sampled_from([[], [1], [1, 2, 3]]), st.lists(st.integers(1, 9), max_size=300)),
    min_size=1,
    max_size=8,
)


@given(batch=batches)
def test_every_body_has_a_place_of_its_own(batch: Batch) -> None:
    prefixes, bodies = zip(*batch, strict=True)
    packed = pack(prefixes, bodies, CPU)
    taken = torch.zeros_like(packed.ids, dtype=torch.bool)
    assert len(packed.places) == len(bodies)
    for (row, start), prefix, body in zip(packed.places, prefixes, bodies, strict=True):
        taken[row, : len(prefix)] = True
        assert packed.ids[row, : len(prefix)].tolist() == prefix
        assert packed.positions[row, : len(prefix)].tolist() == list(range(len(prefix)))
        part = (row, slice(start, start + len(body)))
        assert packed.ids[part].tolist() == body
        assert packed.positions[part].tolist() == list(range(len(prefix), len(prefix) + len(body)))
        assert not taken[part].any()
        taken[part] = True
    assert taken[:, -1:].any() or not taken.numel(), "a column of padding only"
    assert not packed.ids[~taken].any()


@given(batch=batches)
def test_a_body_sees_its_prefix_and_itself(batch: Batch) -> None:
    prefixes, bodies = zip(*batch, strict=True)
    packed = pack(prefixes, bodies, CPU)
    for (row, start), prefix, body in zip(packed.places, prefixes, bodies, strict=True):
        own = torch.zeros(packed.ids.shape[1], dtype=torch.bool)
        own[: len(prefix)] = True
        own[start : start + len(body)] = True
        assert packed.visible[row, start : start + len(body)].eq(own).all()
        assert not packed.visible[row, : len(prefix), len(prefix) :].any()
    assert packed.visible.any(-1).all(), "softmax over nothing"


@given(batch=batches)
def test_rows_are_few_and_equally_long(batch: Batch) -> None:
    prefixes, bodies = zip(*batch, strict=True)
    packed = pack(prefixes, bodies, CPU)
    capacity = max(_ROW, *map(len, bodies))
    filled, kinds = Counter[int](), dict[int, list[int]]()
    for (row, _), prefix, body in zip(packed.places, prefixes, bodies, strict=True):
        filled[row] += len(body)
        assert kinds.setdefault(row, prefix) == prefix
    assert sorted(filled) == list(range(len(packed.ids)))
    for kind in prefixes:
        lengths = [filled[row] for row in filled if kinds[row] == kind]
        assert len(lengths) <= max(1, -(-sum(lengths) // capacity))
        assert max(lengths) - min(lengths) <= max(map(len, bodies))


def test_short_bodies_share_a_row() -> None:
    packed = pack([[1]] * 3, [[2, 3], [4], [5, 6, 7]], CPU)
    assert packed.ids.tolist() == [[1, 5, 6, 7, 2, 3, 4]]
    assert packed.positions.tolist() == [[0, 1, 2, 3, 1, 2, 1]]
    assert packed.places == [(0, 4), (0, 6), (0, 1)]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("family", FAMILIES)
def test_hidden_states_are_those_of_each_sequence_alone(
    tiny_lm: Callable[..., Any], family: str, attention: str
) -> None:
    lm = tiny_lm(family, attention=attention)
    with torch.inference_mode():
        packed = lm.hidden(PREFIXES, BODIES)
        assert len(packed) == len(BODIES)
        for found, prefix, body in zip(packed, PREFIXES, BODIES, strict=True):
            expected = lm.base.model.get_decoder()(
                torch.tensor([prefix + body]), use_cache=False
            ).last_hidden_state[0]
            torch.testing.assert_close(found, expected[len(prefix) :], atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("family", FAMILIES)
def test_reading_ahead_is_a_mask_of_the_model_itself(
    tiny_lm: Callable[..., Any], family: str, attention: str
) -> None:
    """A body reads the prefix and all of itself, as far as a sliding window reaches; the prefix,
    which bodies share, only itself."""
    lm = tiny_lm(family, attention=attention)
    sliding = FAMILIES[family].get("sliding_window")
    with torch.inference_mode():
        for found, prefix, body in zip(
            lm.hidden(PREFIXES, BODIES, ahead=True), PREFIXES, BODIES, strict=True
        ):
            first = len(prefix)
            places = range(first + len(body))

            def mask(reach: float, places: range = places, first: int = first) -> torch.Tensor:
                seen = [
                    [abs(q - k) < reach and (q >= first or k < first) for k in places]
                    for q in places
                ]
                return torch.zeros(1, 1, len(places), len(places)).masked_fill(
                    ~torch.tensor(seen), -1e9
                )

            masks = (
                {"full_attention": mask(1e9), "sliding_attention": mask(sliding)}
                if sliding
                else mask(1e9)
            )
            ids = torch.tensor([prefix + body])
            output = lm.base.model.get_decoder()(ids, attention_mask=masks, use_cache=False)
            torch.testing.assert_close(
                found, output.last_hidden_state[0, first:], atol=2e-4, rtol=1e-4
            )


@pytest.mark.parametrize("tuning", [LoRA(r=4), FullTuning()], ids=["lora", "full"])
def test_merged_weights_read_as_those_in_training(tiny_lm: Callable[..., Any], tuning: Any) -> None:
    lm = tiny_lm(tuning=tuning)
    with torch.no_grad():
        for weight in lm.model.parameters():
            if weight.requires_grad:
                weight.copy_((weight + torch.randn_like(weight) * 0.1).bfloat16())
    trained, merged = (lm.hidden(PREFIXES, BODIES, merged=merged) for merged in (False, True))
    for one, other in zip(trained, merged, strict=True):
        assert one.requires_grad and not other.requires_grad
        torch.testing.assert_close(one, other, atol=2e-4, rtol=1e-4, check_stride=False)


def test_without_a_prefix(tiny_lm: Callable[..., Any]) -> None:
    lm = tiny_lm()
    with torch.inference_mode():
        for found, body in zip(lm.hidden([[]] * len(BODIES), BODIES), BODIES, strict=True):
            expected = lm.base.model.get_decoder()(
                torch.tensor([body]), use_cache=False
            ).last_hidden_state[0]
            torch.testing.assert_close(found, expected, atol=2e-4, rtol=1e-4)


def gradients(lm: Any, batches: list[Batch]) -> dict[str, torch.Tensor]:
    """Of a sum over all hidden states, batch by batch."""
    lm.model.zero_grad()
    for batch in batches:
        states = lm.hidden(*zip(*batch, strict=True))
        torch.stack([(row * row.cos()).sum() for row in states]).sum().backward()
    weights = lm.model.named_parameters()
    return {name: weight.grad.clone() for name, weight in weights if weight.grad is not None}


@pytest.mark.parametrize("tuning", [LoRA(r=4), FullTuning()], ids=["lora", "full"])
@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_are_the_sum_of_those_alone(
    tiny_lm: Callable[..., Any], family: str, tuning: Any
) -> None:
    lm = tiny_lm(family, tuning=tuning)
    torch.manual_seed(0)
    for name, weight in lm.model.named_parameters():  # the gradient of lora_A is 0 while lora_B is
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    batch = list(zip(PREFIXES, BODIES, strict=True))
    packed, single = gradients(lm, [batch]), gradients(lm, [[pair] for pair in batch])
    assert packed.keys() == single.keys()
    assert packed
    for name, found in packed.items():
        scale = single[name].abs().max().item()
        assert scale > 0, name
        torch.testing.assert_close(
            found,
            single[name],
            atol=1e-3 * scale,
            rtol=1e-3,
            msg=lambda text, n=name: f"{n}: {text}",
        )


@pytest.mark.parametrize("tuning", [LoRA(r=4), FullTuning()], ids=["lora", "full"])
@pytest.mark.parametrize("family", FAMILIES)
def test_bfloat16(tiny_lm: Callable[..., Any], family: str, tuning: Any) -> None:
    """Sums of bfloat16 differ a little with the place in a row; a stranger in the attention would
    differ a lot."""
    lm = tiny_lm(family, tuning=tuning, dtype="bfloat16")
    packed = lm.hidden(PREFIXES, BODIES)
    for found, prefix, body in zip(packed, PREFIXES, BODIES, strict=True):
        alone = lm.hidden([prefix], [body])[0].float()
        error = (found.float() - alone).norm() / alone.norm()
        assert error < 0.05
    logits = lm.head.logits(packed[0])
    logits.sum().backward()
    assert logits.dtype == torch.float32
    assert all(w.grad.isfinite().all() for w in lm.model.parameters() if w.grad is not None)
