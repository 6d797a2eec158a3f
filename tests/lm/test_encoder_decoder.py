"""What encoder and decoder read of a sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from spacy_genner.lm.encoder_decoder import Read, begun, decoded, start_of

CLOSING = [1]
PREFIXES = [[3, 4], [3, 4], [2]]
BODIES = [[5, 6, 0, 7, 8, 0], [9, 0], [0, 10, 11]]


@pytest.fixture
def model(tiny_seq2seq: Callable[..., Any]) -> Any:
    return tiny_seq2seq().base.model


def test_the_encoder_reads_up_to_the_start_and_the_decoder_from_there(model: Any) -> None:
    seen: list[Any] = []

    def decode(read: Read, answers: Sequence[Sequence[int]]) -> torch.Tensor:
        seen.extend([read, *map(list, answers)])
        return torch.full((3, 4, 32), 7.0)

    states = begun(model, CLOSING, PREFIXES, BODIES, decode)
    read, *answers = seen
    assert answers == [[0, 7, 8, 0], [0], [0, 10, 11]]
    assert read.there.sum(dim=1).tolist() == [5, 4, 2]
    assert [len(row) for row in states] == [6, 2, 3]
    with torch.no_grad():
        expected = model.get_encoder()(torch.tensor([[3, 4, 5, 6, 1]])).last_hidden_state[0]
    torch.testing.assert_close(states[0][:2], expected[2:4], atol=1e-4, rtol=1e-4)
    assert [int((row == 7).all(dim=1).sum()) for row in states] == [4, 1, 3]


def test_gradients_flow_through_both(model: Any) -> None:
    model.requires_grad_(True)
    try:
        ids = torch.tensor([[0, 7, 8, 0], [0, 0, 0, 0], [0, 10, 11, 0]])
        begun(model, CLOSING, PREFIXES, BODIES, lambda read, _: decoded(model, read, ids))[0][
            3:
        ].sum().backward()
        for part in (model.get_encoder(), model.get_decoder()):
            assert part.block[0].layer[0].SelfAttention.q.weight.grad.abs().sum() > 0
    finally:
        model.requires_grad_(False)
        model.zero_grad()


def test_a_body_without_a_start_is_an_error(model: Any) -> None:
    with pytest.raises(ValueError, match="0 is not in list"):
        begun(model, CLOSING, [[3, 4]], [[5, 6]], lambda read, _: read.states)


def test_a_model_that_does_not_say_what_its_decoder_starts_with(model: Any) -> None:
    config = model.config
    assert start_of(model) == 0
    config.decoder_start_token_id = None
    try:
        with pytest.raises(ValueError, match="has no decoder_start_token_id: add it to its config"):
            start_of(model)
    finally:
        config.decoder_start_token_id = 0
