from __future__ import annotations

import random
from typing import Any

import pytest

from spacy_genner.labels.label_sampling import LabelSampling, once_each
from spacy_genner.labels.label_set import Labels

LABELS = {"ORG": "a company", "GPE": "a place", "PER": ""}
COMPONENT = {**LABELS, "DNA": "a gene", "DRUG": "", "LAW": ""}


@pytest.fixture(autouse=True)
def seed() -> None:
    random.seed(0)


def draws(sampling: LabelSampling, labels: Labels = LABELS, count: int = 300) -> list[Labels]:
    return [sampling(labels, COMPONENT) for _ in range(count)]


def test_without_settings_a_label_set_stays_as_it_is() -> None:
    assert all(list(drawn.items()) == list(LABELS.items()) for drawn in draws(LabelSampling()))


def test_absent_labels_are_added_with_their_definitions() -> None:
    found = draws(LabelSampling(absent=2))
    assert {len(drawn) for drawn in found} == {3, 4, 5}
    assert all(drawn | LABELS == drawn and drawn.items() <= COMPONENT.items() for drawn in found)
    assert set().union(*found) == set(COMPONENT)
    assert all(list(drawn)[:3] == list(LABELS) for drawn in found)


@pytest.mark.parametrize(
    "others", [["LAW", "ORG", "DNA"], {"LAW": "a law", "ORG": "others", "DNA": ""}]
)
def test_absent_labels_of_another_set(others: Any) -> None:
    found = draws(LabelSampling(absent=9, others=others))
    assert {len(drawn) for drawn in found} == {3, 4, 5}
    assert set().union(*found) == {*LABELS, "LAW", "DNA"}
    assert {drawn["ORG"] for drawn in found} == {"a company"}
    assert {drawn.get("LAW") for drawn in found} == {
        None,
        "a law" if isinstance(others, dict) else "",
    }


def test_labels_are_left_out_but_never_all() -> None:
    found = draws(LabelSampling(drop=0.5))
    assert {len(drawn) for drawn in found} == {1, 2, 3}
    assert sum(map(len, found)) / len(found) == pytest.approx(1.5, abs=0.2)
    assert {len(drawn) for drawn in draws(LabelSampling(drop=1.0))} == {1}
    assert set().union(*draws(LabelSampling(drop=1.0))) == set(LABELS)


def test_the_order_is_shuffled_absent_labels_and_all() -> None:
    orders = {tuple(drawn) for drawn in draws(LabelSampling(shuffle=True))}
    assert len(orders) == 6
    assert {next(iter(drawn)) for drawn in draws(LabelSampling(absent=3, shuffle=True))} == set(
        COMPONENT
    )


def test_definitions_are_dropped_one_by_one() -> None:
    found = draws(LabelSampling(drop_definition=0.5))
    assert {(drawn["ORG"], drawn["GPE"]) for drawn in found} == {
        (org, gpe) for org in ("", "a company") for gpe in ("", "a place")
    }
    assert all(not any(drawn.values()) for drawn in draws(LabelSampling(drop_definition=1.0)))


def test_definitions_are_paraphrased() -> None:
    sampling = LabelSampling(
        paraphrases={"ORG": ["a firm", "a body"], "PER": ["somebody"], "LAW": ["an act"]}
    )
    found = draws(sampling)
    assert {drawn["ORG"] for drawn in found} == {"a company", "a firm", "a body"}
    assert {drawn["PER"] for drawn in found} == {"somebody"}
    assert {drawn["GPE"] for drawn in found} == {"a place"}


def test_the_label_sets_that_it_draws_from_stay_as_they_are() -> None:
    labels, component = dict(LABELS), dict(COMPONENT)
    LabelSampling(absent=3, drop=0.5, shuffle=True, drop_definition=0.5)(labels, component)
    assert (labels, component) == (LABELS, COMPONENT)


def test_the_same_state_of_the_generator_gives_the_same() -> None:
    sampling = LabelSampling(
        absent=3, drop=0.3, shuffle=True, drop_definition=0.3, paraphrases={"ORG": ["a firm"]}
    )
    random.seed(5)
    one = [list(drawn.items()) for drawn in draws(sampling)]
    random.seed(5)
    assert [list(drawn.items()) for drawn in draws(sampling)] == one
    assert [list(drawn.items()) for drawn in draws(sampling)] != one


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"absent": -1}, "absent = -1"),
        ({"drop": 1.5}, "drop = 1.5: a probability"),
        ({"drop_definition": -0.1}, "drop_definition = -0.1: a probability"),
    ],
)
def test_numbers_out_of_their_range(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LabelSampling(**settings)


def test_others_that_are_no_labels() -> None:
    with pytest.raises(ValueError, match="is empty"):
        LabelSampling(absent=1, others=[" "])


def test_one_draw_for_each_label_set() -> None:
    sample = once_each(LabelSampling(absent=3, shuffle=True), COMPONENT)
    drawn = [list(sample(dict(LABELS)).items()) for _ in range(20)]
    assert all(one == drawn[0] for one in drawn)
    assert sample({"LAW": ""}).keys() >= {"LAW"}
    assert list(sample(LABELS).items()) == drawn[0]
    again = {
        tuple(once_each(LabelSampling(absent=3, shuffle=True), COMPONENT)(LABELS))
        for _ in range(20)
    }
    assert len(again) > 10
