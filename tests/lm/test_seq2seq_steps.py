"""Reading on in chunks must give what one pass of the model over prompt and answer gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.lm.seq2seq import Seq2SeqLM
from spacy_genner.lm.seq2seq_steps import Seq2SeqSteps
from tests.strategies import examples
from tests.tiny_t5 import KINDS

START, FIRST, LAST, CLOSING = 0, 3, 190, [1]
VARIANTS = [(kind, attention) for kind in KINDS for attention in ("sdpa", "eager")]

ids = st.integers(FIRST, LAST)
chunks = st.lists(ids, min_size=1, max_size=30)


@pytest.fixture(scope="module")
def models(tiny_t5: Callable[..., str]) -> dict[tuple[str, str], Any]:
    def load(kind: str, attention: str) -> Any:
        return Seq2SeqLM(
            tiny_t5(kind), dtype="float32", device="cpu", attention=attention
        ).base.model

    return {variant: load(*variant) for variant in VARIANTS}


def alone(model: Any, prompt: Sequence[int], answer: Sequence[int]) -> torch.Tensor:
    """The hidden states of one answer, without padding, by the model's own masks and cache."""
    with torch.inference_mode():
        encoder = model.get_encoder()(torch.tensor([[*prompt, *CLOSING]])).last_hidden_state
        states = model.get_decoder()(
            torch.tensor([[START, *answer]]), encoder_hidden_states=encoder
        )
    return states.last_hidden_state[0]


def assert_equal(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
@examples(0.4)
@given(data=st.data())
def test_chunks_of_ragged_rows_that_forget_and_leave_equal_one_pass(
    models: dict[tuple[str, str], Any], variant: tuple[str, str], data: st.DataObject
) -> None:
    """Far past the distances that T5's position bias tells apart, here 20."""
    model = models[variant]
    steps = Seq2SeqSteps(model, CLOSING)
    prefix = tuple(data.draw(chunks, label="prefix"))
    size = data.draw(st.integers(1, 4), label="rows")
    prompts = data.draw(st.lists(chunks, min_size=size, max_size=size), label="prompts")
    answers: list[list[int]] = [[] for _ in prompts]
    session = steps.session(prefix, size)
    for step in range(data.draw(st.integers(1, 4), label="steps")):
        new = data.draw(
            st.lists(chunks, min_size=len(prompts), max_size=len(prompts)), label="chunks"
        )
        read = (
            [[*prompt, START, *chunk] for prompt, chunk in zip(prompts, new, strict=True)]
            if step == 0
            else new
        )
        hidden = session.extend(read)
        assert hidden.shape == (len(prompts), max(map(len, read)), model.config.d_model)
        for prompt, answer, chunk, known, states in zip(
            prompts, answers, new, read, hidden, strict=True
        ):
            answer += chunk
            assert_equal(
                states[len(known) - len(chunk) : len(known)],
                alone(model, [*prefix, *prompt], answer)[-len(chunk) :],
            )
        if data.draw(st.booleans(), label="drop"):
            counts = [data.draw(st.integers(0, len(chunk))) for chunk in new]
            session.drop(counts)
            answers = [
                answer[: len(answer) - count] for answer, count in zip(answers, counts, strict=True)
            ]
        kept = data.draw(
            st.lists(
                st.integers(0, len(prompts) - 1), min_size=1, max_size=len(prompts), unique=True
            )
        )
        session = steps.gather([(session, row) for row in kept])
        prompts, answers = [prompts[row] for row in kept], [answers[row] for row in kept]


def test_the_states_of_a_prompt_are_those_of_the_encoder(
    models: dict[tuple[str, str], Any],
) -> None:
    """Without those of the prefix and of what closes the text; at its end, the decoder's first."""
    model = models["t5", "eager"]
    hidden = (
        Seq2SeqSteps(model, CLOSING).session((3, 4), 2).extend([[5, 6, 7, START], [8, START, 9]])
    )
    with torch.inference_mode():
        encoder = model.get_encoder()(torch.tensor([[3, 4, 5, 6, 7, 1]])).last_hidden_state[0]
    assert_equal(hidden[0, :3], encoder[2:5])
    assert_equal(hidden[0, 3:], alone(model, [3, 4, 5, 6, 7], []))
    assert_equal(hidden[1, 1:3], alone(model, [3, 4, 8], [9]))


def test_rows_of_several_batches_read_on_together(models: dict[tuple[str, str], Any]) -> None:
    model = models["flan", "sdpa"]
    steps = Seq2SeqSteps(model, CLOSING)
    one, two = steps.session((3, 4), 2), steps.session((5,), 2)
    one.extend([[6, 7, START, 8], [9, START]])
    two.extend([[10, *range(30, 60), START, 11, 12, 13], [15, START, 16]])
    two.drop([2, 0])
    session = steps.gather([(two, 0), (one, 1), (two, 1), (one, 0)])
    assert session.rows == 4
    hidden = session.extend([[20], [21, 22], [23, 24, 25], [26]])
    rows = [
        ([5, 10, *range(30, 60)], [11, 20]),
        ([3, 4, 9], [21, 22]),
        ([5, 15], [16, 23, 24, 25]),
        ([3, 4, 6, 7], [8, 26]),
    ]
    for (prompt, answer), new, states in zip(rows, (1, 2, 3, 1), hidden, strict=True):
        assert_equal(states[:new], alone(model, prompt, answer)[-new:])


def test_the_encoder_reads_once(
    models: dict[tuple[str, str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = models["t5", "sdpa"]
    encoder, read = model.get_encoder(), list[torch.Size]()
    forward = encoder.forward

    def counting(*args: Any, **kwargs: Any) -> Any:
        read.append(kwargs["input_ids"].shape)
        return forward(*args, **kwargs)

    monkeypatch.setattr(encoder, "forward", counting)
    session = Seq2SeqSteps(model, CLOSING).session((3, 4), 2)
    session.extend([[5, START], [5, 6, START]])
    session.extend([[7], [8]])
    assert read == [(2, 5)]


def test_no_gradients_are_kept(models: dict[tuple[str, str], Any]) -> None:
    assert (
        not Seq2SeqSteps(models["t5", "sdpa"]).session((3,), 1).extend([[4, START]]).requires_grad
    )


def test_holes_take_no_room(models: dict[tuple[str, str], Any]) -> None:
    """And rows end together, whatever they forget."""
    session = Seq2SeqSteps(models["t5", "sdpa"], CLOSING).session((3,), 3)
    session.extend([[4, START, 5, 6, 7], [4, START], [4, START, 5, 6]])
    session.drop([3, 0, 1])
    assert session.valid.sum(dim=1).tolist() == [1, 1, 2]
    session.extend([[8], [8], [8]])
    assert session.valid.tolist() == [[False, True, True], [False, True, True], [True, True, True]]
    assert session.own.get_seq_length() == 3
