"""Training on other label sets than the data have."""

import random
from collections.abc import Callable
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.training import Example

from spacy_genner.labels.label_sampling import LabelSampling
from spacy_genner.types import Entity
from tests.pipeline.scripted import add_scripted
from tests.pipeline.test_own_labels import example

SAMPLING = {"@misc": "spacy_genner.LabelSampling.v1"}
NESTED = [(0, 3, "ORG"), (1, 3, "GPE"), (2, 3, "ORG")]


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("xx")


def learnt(component: Any, given: list[Example]) -> list[Any]:
    component.model.attrs["batches"].clear()
    component.update(given)
    return [gold for batch in component.model.attrs["batches"] for gold in batch]


def test_it_is_off_unless_it_is_set(nlp: Language) -> None:
    component = add_scripted(nlp)
    assert nlp.get_pipe_config("generative_ner")["sampling"] is None
    assert all(
        list(labels) == ["GPE", "ORG"]
        for _, _, labels in learnt(component, [example(nlp, "a b c", NESTED)])
    )


def test_labels_are_left_out_with_their_spans(nlp: Language) -> None:
    random.seed(0)
    component = add_scripted(nlp, labels=["ORG", "GPE"], sampling={**SAMPLING, "drop": 0.5})
    one = example(nlp, "a b c", NESTED)
    found = {
        (tuple(labels), tuple(gold))
        for _ in range(30)
        for _, gold, labels in learnt(component, [one])
    }
    org, inner, gpe = Entity(0, 3, "ORG"), Entity(2, 3, "ORG"), Entity(1, 3, "GPE")
    assert found == {
        (("ORG", "GPE"), (org, gpe, inner)),
        (("ORG",), (org, inner)),
        (("GPE",), (gpe,)),
    }


def test_what_is_left_out_is_no_loss(nlp: Language, recwarn: pytest.WarningsRecorder) -> None:
    component = add_scripted(nlp, labels=["ORG", "GPE"], sampling={**SAMPLING, "drop": 1.0})
    learnt(component, [example(nlp, "a b c", NESTED)])
    assert not [warning for warning in recwarn if "cannot be learnt" in str(warning.message)]


def test_absent_labels_are_those_of_the_component(nlp: Language) -> None:
    random.seed(0)
    component = add_scripted(
        nlp, labels=["ORG", "GPE", "LAW", "DRUG"], sampling={**SAMPLING, "absent": 1}
    )
    one = example(nlp, "a b c", NESTED, {"GPE": "a place"})
    found = {tuple(labels.items()) for _ in range(40) for _, _, labels in learnt(component, [one])}
    place = ("GPE", "a place")
    assert found == {(place,), *((place, (absent, "")) for absent in ("ORG", "LAW", "DRUG"))}


def test_the_gold_spans_of_absent_labels_are_not_taken(nlp: Language) -> None:
    """An example may have spans with labels that it was not annotated for: those of a rule, say."""
    component = add_scripted(
        nlp, labels=["ORG", "GPE"], sampling={**SAMPLING, "absent": 1, "shuffle": True}
    )
    with pytest.warns(UserWarning, match="2 with an unknown label"):
        found = [learnt(component, [example(nlp, "a b c", NESTED, ["GPE"])])[0] for _ in range(20)]
    assert {len(labels) for _, _, labels in found} == {1, 2}
    assert all(gold == [Entity(1, 3, "GPE")] for _, gold, _ in found)


def test_a_batch_has_one_draw_for_each_label_set(nlp: Language) -> None:
    random.seed(0)
    component = add_scripted(
        nlp, labels=["ORG", "GPE", "LAW"], sampling={**SAMPLING, "shuffle": True}
    )
    batch = [
        example(nlp, "a b", [], labels) for labels in (None, ["GPE", "LAW"], None, ["GPE", "LAW"])
    ]
    batches = [[tuple(gold[2]) for gold in learnt(component, batch)] for _ in range(20)]
    assert all(drawn[0] == drawn[2] and drawn[1] == drawn[3] for drawn in batches)
    assert len({drawn[0] for drawn in batches}) > 2
    assert {drawn[1] for drawn in batches} == {("GPE", "LAW"), ("LAW", "GPE")}


def test_predictions_are_as_without(nlp: Language) -> None:
    component = add_scripted(nlp, sampling={**SAMPLING, "drop": 1.0, "absent": 3, "shuffle": True})
    nlp("Leeds")
    assert component.model.attrs["batches"][0][0][0].words == ("Leeds",)


def test_it_is_saved_with_the_pipeline(
    nlp: Language, add_tiny: Callable[..., Any], tmp_path: Any
) -> None:
    settings = {
        **SAMPLING,
        "absent": 2,
        "others": {"LAW": "an act"},
        "paraphrases": {"ORG": ["a firm", "a body"]},
    }
    add_tiny(nlp, sampling=settings).model.initialize()
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    expected = LabelSampling(
        absent=2, others={"LAW": "an act"}, paraphrases={"ORG": ["a firm", "a body"]}
    )
    assert loaded.get_pipe("generative_ner")._sampling == expected


@pytest.mark.parametrize(
    "sampling", [3, "often", {**SAMPLING, "absent": "x"}, {**SAMPLING, "dropp": 1.0}]
)
def test_what_is_no_sampling_is_refused(nlp: Language, sampling: Any) -> None:
    with pytest.raises(ValueError, match="sampling"):
        add_scripted(nlp, sampling=sampling)


def test_labels_absent_from_all_training_do_not_disturb(
    nlp: Language, add_tiny: Callable[..., Any]
) -> None:
    """A tiny model learns, with labels shuffled and absent ones among them, what it would learn
    without."""
    random.seed(0)
    sampling = {**SAMPLING, "absent": 2, "others": ["LAW", "DRUG"], "shuffle": True}
    component = add_tiny(
        nlp, lm={"tuning": {"@misc": "spacy_genner.FullTuning.v1"}}, sampling=sampling
    )
    data = [
        example(nlp, "Acme left Leeds", [(0, 1, "ORG"), (2, 3, "GPE")]),
        example(nlp, "nothing here", []),
    ]
    optimizer = nlp.initialize(lambda: data)
    optimizer.learn_rate = 0.01
    for _ in range(60):
        component.update(data, sgd=optimizer)
    assert nlp.evaluate(data)["spans_sc_f"] == 1.0
    component.set_labels(["LAW", "GPE", "DRUG", "ORG"])
    assert nlp.evaluate(data)["spans_sc_f"] == 1.0
