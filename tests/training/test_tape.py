import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.strings import StringStore
from spacy.training import Example

from spacy_genner.training.tape import Tape

PATH = Path("checkpoint.pt")
NLP = spacy.blank("xx")
EXAMPLES = [[Example.from_dict(NLP.make_doc(text), {})] for text in ("one", "two", "three")]


def tape(strings: StringStore | None = None, data: bytes | None = None) -> Tape:
    made = Tape(PATH, StringStore() if strings is None else strings, [])
    if data is not None:
        made.from_bytes(data)
    return made


def never() -> dict[str, Any]:
    raise AssertionError("it should be played back")


def test_results_are_made_once_and_played_back() -> None:
    first = tape()
    results = [{"ner": 1.5}, {"scores": {"ORG": {"p": 0.1}}, "none": None}]
    assert first.ended and first.result("update", EXAMPLES[0], lambda: results[0]) == results[0]
    assert first.ended and first.result("evaluation", EXAMPLES[1], lambda: results[1]) == results[1]

    again = tape(data=first.to_bytes())
    assert again.updates == 1 and not again.ended
    assert again.result("update", EXAMPLES[0], never) == results[0]
    assert again.result("evaluation", EXAMPLES[1], never) == results[1]
    assert again.ended and again.result("update", EXAMPLES[2], lambda: {"new": 1}) == {"new": 1}
    assert again.updates == 2 and again.evaluations == [results[1]]
    again.result("evaluation", EXAMPLES[2], lambda: {"later": 1})
    assert again.evaluations == [results[1], {"later": 1}]


def test_it_knows_how_long_its_results_took(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([10.0, 13.0, 50.0, 51.5])
    monkeypatch.setattr("spacy_genner.training.tape.perf_counter", lambda: next(times))
    first = tape()
    first.result("update", EXAMPLES[0], dict)
    again = tape(data=first.to_bytes())
    again.result("update", EXAMPLES[0], never)
    again.result("evaluation", EXAMPLES[1], dict)
    assert again.seconds == 4.5


@pytest.mark.parametrize(("kind", "number"), [("evaluation", 0), ("update", 1)])
def test_another_order_is_an_error(kind: str, number: int) -> None:
    first = tape()
    first.result("update", EXAMPLES[0], dict)
    with pytest.raises(ValueError, match=r"in another order than when checkpoint\.pt was written"):
        tape(data=first.to_bytes()).result(kind, EXAMPLES[number], never)


def test_words_that_were_added_are_added_again() -> None:
    strings = StringStore(["known"])

    def predict() -> dict[str, Any]:
        strings.add("ü")
        strings.add("new")
        return {}

    first = tape(strings)
    first.result("evaluation", EXAMPLES[0], predict)
    strings.add("later")
    first.result("update", EXAMPLES[1], dict)
    again = StringStore(["known"])
    second = tape(again, first.to_bytes())
    second.result("evaluation", EXAMPLES[0], never)
    second.result("update", EXAMPLES[1], never)
    assert list(again) == ["known", "ü", "new"]


DRAWS: dict[str, Callable[[], Any]] = {
    "nothing": lambda: None,
    "python": random.random,
    "gauss": lambda: random.gauss(0, 1),
    "numpy": lambda: float(np.random.rand()),
}


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(DRAWS)), st.sampled_from(sorted(DRAWS))),
        min_size=1,
        max_size=6,
    )
)
def test_between_results_the_same_random_numbers_are_drawn(draws: list[tuple[str, str]]) -> None:
    """Each pair: what a result draws, and what the training loop draws after it."""

    def loop(played: Tape, make: Callable[[str], Callable[[], dict[str, Any]]]) -> list[Any]:
        random.seed(1)
        np.random.seed(1)
        drawn = []
        for inside, after in draws:
            played.result("update", EXAMPLES[0], make(inside))
            drawn.append(DRAWS[after]())
        return drawn

    first = tape()
    drawn = loop(first, lambda name: lambda: {"drawn": DRAWS[name]()})
    assert loop(tape(data=first.to_bytes()), lambda _: never) == drawn


def test_where_the_loop_draws_nothing_no_states_are_kept() -> None:
    first = tape()
    for _ in range(20):
        first.result("update", EXAMPLES[0], lambda: {"drawn": random.random()})
    assert len(first.to_bytes()) < 20 * 100
