"""What a language model can do before and after tuning."""

from __future__ import annotations

import copy
import json
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from spacy_genner.evaluation.ability import Change, Harness, task_changes, text_changes
from tests.evaluation.harness_tasks import EXAMPLES, write_tasks

NOISE = "ignore::DeprecationWarning"


def test_the_bits_of_a_text_are_shared_among_its_bytes() -> None:
    """“é” has two bytes. The tokenizers of the two models may differ, and so may the lengths."""
    perplexity, bits = text_changes("a.txt", "né!", (8 * math.log(2), 2), (6 * math.log(2), 3))
    assert (perplexity.name, perplexity.size, perplexity.measure) == ("a.txt", 4, "perplexity")
    assert (perplexity.before, perplexity.after) == pytest.approx((16, 4))
    assert bits.measure == "bits per byte" and (bits.before, bits.after) == pytest.approx((2, 1.5))
    assert bits.difference == pytest.approx(-0.5) and bits.difference_error is None
    assert json.loads(json.dumps(bits.record())) == bits.record()
    assert bits.record()["difference"] == bits.difference


def results(acc: Sequence[float], f1: float) -> dict[str, Any]:
    """As the harness returns them, for a task of a group: `acc` is a mean, `f1` is not."""
    mean = sum(acc) / len(acc)
    row = {"alias": " - a", "name": "a", "sample_len": len(acc)}
    measures = {
        "acc,none": mean,
        "acc_stderr,none": 0.2,
        "f1,strict": f1,
        "f1_stderr,strict": "N/A",
    }
    samples = [
        {"filter": name, measure: value}
        for value in acc
        for name, measure in (("none", "acc"), ("strict", "f1"))
    ]
    group = {"alias": "all", "sample_len": 40, "acc,none": mean, "acc_stderr,none": 0.1}
    return {"results": {"all": group, "a": row | measures}, "samples": {"a": samples}}


def test_the_measures_of_tasks_are_paired() -> None:
    before, after = results([1, 0, 1, 0], 0.5), results([1, 1, 1, 0], 0.8)
    group, acc, f1 = task_changes(before, after)
    assert group == Change("all", 40, "acc", 0.5, 0.75, 0.1, 0.1)
    # The differences are 0, 1, 0 and 0: their deviation is 0.5, and √4 is 2.
    assert acc == Change("a", 4, "acc", 0.5, 0.75, 0.2, 0.2, 0.25)
    assert f1 == Change("a", 4, "f1 (strict)", 0.5, 0.8)


def test_one_example_has_no_standard_error() -> None:
    _, acc, _ = task_changes(results([0], 0.5), results([1], 0.5))
    assert acc.difference == 1 and acc.difference_error is None


def test_values_that_are_no_numbers_have_no_standard_error() -> None:
    """As those of measures of a whole corpus, which are pairs."""
    before, after = results([1, 0], 0.5), results([1, 1], 0.5)
    for sample in after["samples"]["a"]:
        sample.update(acc=(1, 2))
    assert task_changes(before, after)[1].difference_error is None


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lm_eval.models", None)
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    with pytest.raises(ImportError, match=r"pip install 'spacy-genner\[ability\]'"):
        Harness(["towns"])


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("lm_eval")
    return write_tasks(tmp_path_factory.mktemp("tasks"))


@pytest.fixture(scope="module")
def harness(tasks: Path) -> Harness:
    return Harness(["town*"], tasks, batch_size=3)


def untied(model: Any) -> Any:
    """A copy of a model whose output matrix merging has changed and untied."""
    model = copy.deepcopy(model)
    output = model.get_output_embeddings()
    output.weight = torch.nn.Parameter(torch.randn_like(output.weight))
    return model


def answers(model: Any, pieces: Any) -> list[int]:
    """The choice of a model in each example."""
    found = []
    for example in EXAMPLES:
        question = list(pieces.encode(example["question"]))
        scores = []
        for choice in example["choices"]:
            ids = [*question, *pieces.encode(f" {choice}")]
            with torch.inference_mode():
                log_probs = model(torch.tensor([ids])).logits[0, :-1].float().log_softmax(-1)
            places = range(len(question) - 1, len(ids) - 1)
            scores.append(float(log_probs[places, ids[len(question) :]].sum()))
        found.append(scores.index(max(scores)))
    return found


@pytest.mark.filterwarnings(NOISE)
@pytest.mark.parametrize("change", [lambda model: model, untied])
def test_the_harness_asks_the_model_that_it_is_given(
    harness: Harness, tiny_lm: Callable[..., Any], change: Callable[[Any], Any]
) -> None:
    lm = tiny_lm()
    model, tokenizer = change(lm.base.model), copy.deepcopy(lm.tokenizer)
    tokenizer.pad_token = None
    output = model.get_output_embeddings().weight
    found = harness(model, tokenizer)
    assert model.get_output_embeddings().weight is output and tokenizer.pad_token is None
    right = [
        float(answer == example["answer"])
        for answer, example in zip(answers(model, lm.pieces), EXAMPLES, strict=True)
    ]
    assert [sample["acc"] for sample in found["samples"]["towns"]] == right
    (change_,) = task_changes(found, found)
    assert (change_.name, change_.size, change_.measure) == ("towns", len(EXAMPLES), "acc")
    assert change_.before == change_.after == sum(right) / len(right)
    assert change_.before_error is not None and change_.difference_error == 0


@pytest.mark.filterwarnings(NOISE)
def test_a_limit_and_shots(tasks: Path, tiny_lm: Callable[..., Any]) -> None:
    lm = tiny_lm()
    found = Harness(["towns"], tasks, limit=2, shots=1)(lm.base.model, lm.tokenizer)
    prompts = [sample["arguments"][0][0] for sample in found["samples"]["towns"]]
    assert len(prompts) == 2 and all(prompt.count("\n\n") == 1 for prompt in prompts)


def test_an_unknown_task_is_refused(tasks: Path) -> None:
    with pytest.raises(ValueError, match="has no task 'villages': choose one that"):
        Harness(["towns", "villages"], tasks)
