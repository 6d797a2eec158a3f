from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from thinc.api import SGD, Adam, Linear, Model, Optimizer, PyTorchWrapper, RAdam, chain
from thinc.shims import Shim

from spacy_genner.lm.causal import CausalLM
from spacy_genner.models.losses import LOSSES, LossShim, Target
from spacy_genner.training import checkpoint
from spacy_genner.training.trained import Trained
from spacy_genner.weights.tuning import FullTuning, LoRA

TARGET = Target((1, 2), [5, 6, 7], [8, 9, 10], [])
X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
Models = dict[str, Model[Any, Any]]


def models() -> Models:
    """Of two pipes that share a layer; one has a torch model as well."""
    torch.manual_seed(0)
    shared = Linear(3, 3)
    module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3))
    made = {"a": chain(shared, PyTorchWrapper(module)), "b.c": chain(shared, Linear(2, 3))}
    for number, model in enumerate(made.values()):
        np.random.seed(number)
        model.initialize(X)
    return made


def step(made: Models, optimizer: Optimizer, pipes: str = "a b.c") -> None:
    """Update the models of some pipes, and finish the step with all."""
    for pipe in pipes.split():
        y, backprop = made[pipe].begin_update(X)
        backprop(y)
    for model in made.values():
        model.finish_update(optimizer)
    optimizer.step_schedules()


def same(one: Any, other: Any) -> bool:
    """Whether they are equal to the last bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


def test_names_are_those_of_another_process_and_layers_of_two_models_count_once() -> None:
    names = list(Trained(models()).weights())
    assert names == list(Trained(models()).weights())  # the ids of thinc differ
    assert [name.rsplit(".", 1)[1] for name in names if "b.c" in name] == ["W", "b", "W", "b"]
    assert len([name for name in names if name.endswith((".W", ".b"))]) == 4
    assert any(name.endswith("running_mean") for name in names)


def test_a_state_is_a_copy_that_can_be_put_back() -> None:
    trained, optimizer = Trained(made := models()), Adam(0.1)
    before, again = trained.state(), trained.state()
    step(made, optimizer)
    after = trained.state()
    assert same(before, again) and not any(
        torch.equal(before["weights"][n], after["weights"][n]) for n in moved(after)
    )
    trained.set_state(before)
    assert same(trained.state(), again)
    assert np.array_equal(
        made["b.c"].layers[1].get_param("W"), models()["b.c"].layers[1].get_param("W")
    )


def moved(state: dict[str, Any]) -> list[str]:
    return [name for name in state["weights"] if name.endswith((".W", ".weight", "running_mean"))]


def test_a_state_has_the_rates_of_dropout() -> None:
    model: Model[Any, Any] = Model("layer", lambda *_: None, attrs={"dropout_rate": 0.1})
    trained = Trained({"pipe": model})
    state = trained.state()
    model.attrs["dropout_rate"] = 0.2
    trained.set_state(state)
    assert model.attrs["dropout_rate"] == 0.1


def test_and_the_scale_of_mixed_precision() -> None:
    wrapped = PyTorchWrapper(torch.nn.Linear(2, 2))
    scaler = wrapped.shims[0]._grad_scaler
    trained = Trained({"pipe": wrapped})
    state = trained.state()
    scaler._scale *= 2
    scaler._growth_tracker += 1
    assert not same(trained.state(), state)
    trained.set_state(state)
    assert scaler._scale == 2.0**16 and scaler._growth_tracker == 0


OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {
    "Adam": lambda: Adam(0.1, use_averages=False),
    "averages": lambda: Adam(0.1, use_averages=True),
    "RAdam": lambda: RAdam(0.1),
    "SGD": lambda: SGD(0.1),
}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_with_weights_and_moments_training_goes_on_to_the_last_bit(
    make: Callable[[], Optimizer], tmp_path: Path
) -> None:
    trained, optimizer = Trained(made := models()), make()
    for pipes in ("a b.c", "a"):  # so that steps differ
        step(made, optimizer, pipes)
    path = tmp_path / "checkpoint.pt"
    checkpoint.write(path, {"state": trained.state(), "moments": trained.moments(optimizer)})
    step(made, optimizer, "a")  # b.c moves on without a gradient
    step(made, optimizer)

    saved = checkpoint.read(path)
    again, other = Trained(fresh := models()), make()
    again.set_state(saved["state"])
    again.set_moments(other, saved["moments"])
    assert same(again.moments(other), saved["moments"])
    step(fresh, other, "a")
    step(fresh, other)
    assert same(again.state(), trained.state())
    assert same(again.moments(other), trained.moments(optimizer))


def test_the_moments_matter() -> None:
    trained, optimizer = Trained(made := models()), Adam(0.1)
    step(made, optimizer)
    again = Trained(fresh := models())
    again.set_state(trained.state())
    step(made, optimizer)
    step(fresh, Adam(0.1))
    assert not same(again.state(), trained.state())


class OtherShim(Shim):
    """Of another framework."""


def test_another_framework_is_refused() -> None:
    with pytest.raises(
        ValueError, match="OtherShim: the training of a model with layers of this kind"
    ):
        Trained({"pipe": Model("layer", lambda *_: None, shims=[OtherShim(None)])})


@pytest.fixture
def lm(tiny_lm: Callable[..., CausalLM]) -> CausalLM:
    return tiny_lm(tuning=LoRA(r=4, lora_dropout=0.3))


def of(lm: CausalLM) -> tuple[Trained, LossShim]:
    shim = LossShim(lm, LOSSES["tokens"])
    return Trained({"pipe": Model("lm", lambda *_: None, shims=[shim])}), shim


def test_of_a_language_model_the_adapter_is_what_is_trained(lm: CausalLM) -> None:
    weights = of(lm)[0].weights()
    assert weights and all("lora_" in name for name in weights)
    assert {weight.dtype for weight in weights.values()} == {torch.float32}


def test_or_everything(tiny_lm: Callable[..., CausalLM]) -> None:
    lm = tiny_lm(tuning=FullTuning())
    assert len(of(lm)[0].weights()) == len(dict(lm.model.named_parameters()))


def test_decoding_has_the_weights_that_were_put_back(lm: CausalLM) -> None:
    trained, shim = of(lm)
    before, steps = trained.state(), lm.steps
    train(shim, 1)
    assert not same(trained.state(), before)
    trained.set_state(before)
    assert same(trained.state(), before)
    assert lm.steps is not steps


def train(shim: LossShim, steps: int) -> None:
    for _ in range(steps):
        losses, backprop = shim.begin_update([TARGET])
        backprop(np.ones_like(losses))
        shim.finish_update(Adam(0.01, use_averages=False))


def test_a_language_model_goes_on_to_the_last_bit(lm: CausalLM, tmp_path: Path) -> None:
    trained, shim = of(lm)
    optimizer = Adam(0.01, use_averages=False)
    train(shim, 3)
    state = {"state": trained.state(), "moments": trained.moments(optimizer)}
    checkpoint.write(
        tmp_path / "c.pt", {**state, "random": checkpoint.random_states(trained.devices)}
    )
    train(shim, 2)
    expected = trained.weights()

    for moments in (True, False):
        shim.reset()
        saved = checkpoint.read(tmp_path / "c.pt")
        trained.set_state(saved["state"])
        if moments:
            trained.set_moments(optimizer, saved["moments"])
        checkpoint.set_random_states(saved["random"])
        train(shim, 2)
        assert same(trained.weights(), expected) == moments
