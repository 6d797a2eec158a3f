"""Documents come out of a stream before all of a large batch have gone in, and what was done is
counted."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import spacy

from spacy_genner.models.grouping import group_words
from tests.pipeline.scripted import add_scripted, marked

TEXT = "The University of Edinburgh is in Leeds"


def read_before_the_first(nlp: Any, texts: list[str]) -> int:
    """How many texts have been read when the first document comes out."""
    read = list[str]()

    def stream() -> Iterator[str]:
        for text in texts:
            read.append(text)
            yield text

    docs = nlp.pipe(stream())
    next(docs)
    docs.close()
    return len(read)


def test_a_batch_ends_when_it_fills_enough_passes(add_tiny: Callable[..., Any]) -> None:
    nlp = spacy.blank("xx")
    assert nlp.batch_size == 1000
    component = add_tiny(nlp, model={"decoder": {"batch_tokens": 16}})
    assert group_words(component.model) == 8 * 16
    assert read_before_the_first(nlp, [TEXT] * 200) == -(-8 * 16 // 7)


def test_a_smaller_batch_stays_as_it_is(add_tiny: Callable[..., Any]) -> None:
    nlp = spacy.blank("xx")
    add_tiny(nlp)
    nlp.batch_size = 3
    assert read_before_the_first(nlp, [TEXT] * 10) == 3


def test_an_engine_with_batches_of_its_own_gets_all() -> None:
    nlp = spacy.blank("xx")
    component = add_scripted(nlp)  # its network does not say how many words it takes at once
    assert len(list(nlp.pipe([TEXT] * 30))) == 30
    (batch,) = component.model.attrs["batches"]
    assert len(batch) == 30
    component.model.attrs["decoder"] = object()
    assert group_words(component.model) == float("inf")


def test_groups_change_nothing(add_tiny: Callable[..., Any]) -> None:
    texts = [f"{TEXT} {'and Essex ' * (i % 5)}" for i in range(12)]
    found = []
    for batch_tokens in (8, 1024):
        nlp = spacy.blank("xx")
        add_tiny(nlp, model={"decoder": {"batch_tokens": batch_tokens}, "format": {"max_depth": 2}})
        found.append([[span[:3] for span in marked(doc)] for doc in nlp.pipe(texts)])
    assert found[0] == found[1] and any(found[0])


def test_stats_count_the_work(add_tiny: Callable[..., Any]) -> None:
    nlp = spacy.blank("xx")
    stats = add_tiny(nlp).stats
    assert (stats.documents, stats.token_ids, stats.passes, stats.seconds) == (0, 0, 0, 0.0)
    nlp(TEXT)
    first = pickle.loads(pickle.dumps(stats))
    assert first == stats and first.documents == 1
    assert first.passes >= 1 and first.token_ids > 10 and first.seconds > 0
    list(nlp.pipe([TEXT] * 3))
    assert stats.documents == 4 and stats.passes == 2 * first.passes  # in common passes
    assert stats.token_ids == 4 * first.token_ids and stats.seconds > first.seconds


def test_each_pass_is_logged(
    add_tiny: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    nlp = spacy.blank("xx")
    stats = add_tiny(nlp).stats
    with caplog.at_level(logging.DEBUG, logger="spacy_genner"):
        list(nlp.pipe([TEXT] * 3))
    passes = [record for record in caplog.records if record.name == "spacy_genner"]
    assert len(passes) == stats.passes
    rows, _, seconds = passes[0].args  # type: ignore[misc]
    assert rows == 3 and sum(record.args[1] for record in passes) == stats.token_ids  # type: ignore[index]
    assert 0 < seconds < 60
