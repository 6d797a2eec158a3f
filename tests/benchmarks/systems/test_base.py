"""What is written is read by the jobs themselves; work is counted with and without padding."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from benchmarks.systems.base import InBatches, Output, Reading
from spacy_genner.answers import Repairs
from spacy_genner.types import Entity


def test_what_is_written_is_read_by_the_jobs() -> None:
    def task(label: str) -> Any:
        return SimpleNamespace(
            job=SimpleNamespace(
                read=lambda ids: ([Entity(0, len(ids), label)], Repairs(missing=len(ids)))
            )
        )

    output = Output.written([task("A"), task("B")], [[1, 2], [3]], Reading(1))
    assert output == Output(
        [[Entity(0, 2, "A")], [Entity(0, 1, "B")]],
        Reading(1),
        [Repairs(missing=2), Repairs(missing=1)],
    )


def test_a_pass_is_counted_with_its_padding() -> None:
    reading = Reading()
    reading.add([3, 5])
    reading.add([1])
    assert reading == Reading(passes=2, rows=3, ids=9, padded=11)


def test_a_system_is_given_batches_and_its_work_is_summed() -> None:
    sizes = []

    def system(tasks: Sequence[Any]) -> Output:
        sizes.append(len(tasks))
        return Output([[entity] for entity in tasks], Reading(1, len(tasks), 10, 20))

    entities: Any = [Entity(n, n + 1, "ORG") for n in range(5)]
    assert InBatches(system)(entities, 2) == Output(
        [[entity] for entity in entities], Reading(3, 5, 30, 60)
    )
    assert sizes == [2, 2, 1]


def test_a_system_that_looks_for_nothing_finds_nothing() -> None:
    assert InBatches(lambda _: Output(None))([None], 2).entities is None
