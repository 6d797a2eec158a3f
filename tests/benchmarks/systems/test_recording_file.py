"""A recording stands alone: another network decides the same by it, without weights and
tokenizer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.systems.base import Subject
from benchmarks.systems.ours import replaying
from benchmarks.systems.recorded import Recorded
from benchmarks.systems.recording_file import load, save
from benchmarks.systems.shaped import Shaped, random_network
from spacy_genner.decoding.speculative import SpeculativeDecoder
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.models.drafting import train_drafts
from spacy_genner.models.generative import build_generative_ner, set_labels, speller_of
from spacy_genner.prompts.instruction import Instruction
from tests.models.test_generative import GOLDS, LABELS, SOURCES, learn

CONFIG = {"@misc": "spacy_genner.InlineBracketed.v1", "max_depth": 3}
COMMITTED = Path(__file__).parent.parent.parent.parent / "benchmarks" / "recording.json.gz"


@pytest.fixture
def recorded(tiny_lm: Callable[..., Any], tmp_path: Path) -> Callable[[bool], tuple[Recorded, Any]]:
    """What a file says of a tiny trained network, and what that finds."""

    def make(drafts: bool) -> tuple[Recorded, Any]:
        network = build_generative_ner(
            tiny_lm(), InlineBracketed(3), Instruction(), SpeculativeDecoder()
        )
        set_labels(network, LABELS)
        learn(network, 20)
        if drafts:
            train_drafts(network, GOLDS, epochs=20)
        shim: Any = network.shims[0]
        jobs = [speller_of(network).job(source) for source in SOURCES]
        save(tmp_path / "recording", Subject(shim.lm, InlineBracketed(3), LABELS), jobs, CONFIG)
        return load(tmp_path / "recording"), network.predict(SOURCES)

    return make


def replayed(recorded: Recorded, batch: int) -> Any:
    torch.manual_seed(batch)
    shaped = Shaped.of(recorded, random_network("tiny", torch.float32, torch.device("cpu")))
    return replaying(Subject(shaped, recorded.format, recorded.labels))(recorded.tasks, batch)


@pytest.mark.parametrize("drafts", [False, True])
def test_another_network_decides_the_same_in_the_same_passes(
    recorded: Callable[[bool], tuple[Recorded, Any]], drafts: bool
) -> None:
    recording, found = recorded(drafts)
    assert found == recording.entities and any(found)
    assert bool(recording.head) == drafts
    for batch in (1, 8):
        output = replayed(recording, batch)
        assert output.entities == found
        assert output.reading.rows == sum(len(script.answers) for script in recording.scripts)


def test_what_was_not_recorded_cannot_be_spelled(
    recorded: Callable[[bool], tuple[Recorded, Any]],
) -> None:
    pieces = recorded(False)[0].pieces
    assert pieces.encode(" Edinburgh") and pieces.encode("Edinburgh") and pieces.encode(" | PER]")
    with pytest.raises(
        ValueError, match=r"run benchmarks/record\.py again \(it does not spell ' Berlin'\)"
    ):
        pieces.encode(" Berlin")


def test_prefixes_do_not_mix(tmp_path: Path, tiny_lm: Callable[..., Any]) -> None:
    network = build_generative_ner(
        tiny_lm(), InlineBracketed(3), Instruction(), SpeculativeDecoder()
    )
    jobs = [speller_of(network, {label: ""}).job(SOURCES[0]) for label in ("ORG", "GPE")]
    with pytest.raises(ValueError, match="2 prefixes"):
        save(tmp_path / "recording", Subject(tiny_lm(), InlineBracketed(3), LABELS), jobs, CONFIG)


def test_the_recording_of_the_project_fits_its_decoder() -> None:
    """If not, it is time to run benchmarks/record.py again."""
    recording = load(COMMITTED)
    assert COMMITTED.stat().st_size < 200_000
    assert replayed(recording, 64).entities == recording.entities
