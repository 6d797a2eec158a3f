"""A component that is saved or read back changes as a whole, or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from spacy.tokens import DocBin

from spacy_genner.files.saved import pack_parts, unpack_parts
from tests.pipeline.with_shots import NLP, component, examples, state


@pytest.fixture(scope="module")
def make(tiny: Callable[..., str]) -> Iterator[Callable[..., Any]]:
    """`make(*labels)`: a component whose prompt shows examples."""
    first = component(tiny(), "ORG")
    _ = first.model.shims[0].lm.base  # stays loaded for the others
    yield lambda *labels, **shots: component(tiny(), *labels, **shots)


@pytest.fixture(scope="module")
def intact(make: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("intact")
    make("LAW", "DNA").to_disk(folder)
    return folder


@pytest.fixture
def saved(intact: Path, tmp_path: Path) -> Path:
    """A component with other settings, in a folder."""
    return Path(shutil.copytree(intact, tmp_path / "saved"))


def test_everything_is_read(make: Callable[..., Any], saved: Path) -> None:
    pipe = make("ORG", "GPE").from_disk(saved)
    assert state(pipe)[:3] == state(make("LAW", "DNA"))[:3]
    other = make("ORG", "GPE").from_bytes(pipe.to_bytes())
    assert state(other)[:3] == state(pipe)[:3] and other.to_bytes() == pipe.to_bytes()


def test_examples_that_were_not_saved_are_gone(make: Callable[..., Any], saved: Path) -> None:
    cfg = json.loads((saved / "cfg").read_text())
    (saved / "cfg").write_text(
        json.dumps({name: value for name, value in cfg.items() if name != "shots"})
    )
    pipe = make("ORG").from_disk(saved)
    assert "shots" not in pipe.cfg and not pipe.model.attrs["shots"].pool


def test_files_of_others_stay_and_earlier_ones_of_ours_go(
    make: Callable[..., Any], saved: Path
) -> None:
    (saved / "model" / "README.md").write_text("a model card")
    (saved / "model" / "draft_head.safetensors").write_text("of before")
    make("ORG").to_disk(saved)
    assert (saved / "model" / "README.md").read_text() == "a model card"
    assert not (saved / "model" / "draft_head.safetensors").exists()
    assert make("GPE").from_disk(saved).labels == ("ORG",)


def test_weights_that_could_not_be_loaded_are_not_saved(
    make: Callable[..., Any], saved: Path
) -> None:
    pipe = make("ORG")
    with torch.no_grad():
        next(
            weight for weight in pipe.model.shims[0].lm.model.parameters() if weight.requires_grad
        ).fill_(torch.nan)
    with pytest.raises(ValueError, match="holds NaN or infinity"):
        pipe.to_disk(saved)
    assert make("GPE").from_disk(saved).labels == ("LAW", "DNA")


PARTS = {"cfg": b"{}", "vocab": b"\xc1", "model": b"\xc1"}


@pytest.mark.parametrize("part", PARTS)
def test_a_broken_part_changes_nothing(make: Callable[..., Any], saved: Path, part: str) -> None:
    pipe, parts = make("ORG", "GPE"), unpack_parts(make("LAW", "DNA").to_bytes(), "")
    before, words = state(pipe), set(pipe.vocab.strings)
    broken = {
        "cfg": saved / "cfg",
        "vocab": saved / "vocab" / "lookups.bin",
        "model": saved / "model" / "base.json",
    }
    broken[part].write_bytes(PARTS[part])
    with pytest.raises(ValueError, match=r"saved.* cannot be read"):
        pipe.from_disk(saved)
    with pytest.raises(ValueError, match=r"in bytes.* cannot be read"):
        pipe.from_bytes(pack_parts({**parts, part: PARTS[part]}))
    assert state(pipe) == before and set(pipe.vocab.strings) <= words | {"LAW", "DNA"}


@pytest.mark.parametrize("part", ["cfg", "model"])
def test_a_part_that_is_missing_is_named(make: Callable[..., Any], part: str) -> None:
    pipe = make("ORG")
    data = pipe.to_bytes(exclude=[part])
    with pytest.raises(
        ValueError,
        match=f"the component 'generative_ner' in bytes lacks {part}: exclude what is not",
    ):
        pipe.from_bytes(data)
    pipe.from_bytes(data, exclude=[part])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ["ORG"]}, r"labels = \['ORG'\]: expected dict"),
        ({"labels": None}, "labels = None: expected dict"),
        ({"threshold": None}, "threshold = None: expected int or float"),
        ({"threshold": 7}, "threshold = 7.0: scores lie between 0 and 1"),
        ({"threshold": {"ORG": 7}}, "threshold of 'ORG' = 7.0: scores lie between 0 and 1"),
        ({"threshold": {"ORG": "x"}}, "threshold of 'ORG' = 'x': expected a number"),
        ({"scoring": "bogus"}, "scoring = 'bogus': expected one of own, moves"),
        ({"spans_key": 3}, "spans_key = 3: expected str"),
        ({"template": 3}, "template = 3: expected str or NoneType"),
        ({"sentence_starts": "no"}, "sentence_starts = 'no': expected bool"),
        ({"labels": {"ORG": None}}, "both must be strings"),
        ({"labels": {"ORG": "", "ORG ": ""}}, "differ only in white space"),
        ({"labels": {"\ud800": ""}}, "is half of a character"),
        (
            {"calibration": {"slope": 1.0, "intercept": 0.0, "more": 1}},
            "expected null, or numbers as slope and intercept",
        ),
        ({"calibration": {"slope": float("nan"), "intercept": 0.0}}, "expected a slope above 0"),
        ({"calibration": [1.0, 0.0]}, "calibration = "),
        ({"shots": 3}, "not iterable"),
        ({"shots": [{"words": ["a"]}]}, "is not an example"),
    ],
    ids=str,
)
def test_settings_of_something_else_are_named(
    make: Callable[..., Any], saved: Path, change: dict[str, Any], message: str
) -> None:
    cfg = json.loads((saved / "cfg").read_text())
    (saved / "cfg").write_text(json.dumps({**cfg, **change}))
    with pytest.raises(ValueError, match=rf"saved.cfg cannot be read \(.*{message}"):
        make("ORG").from_disk(saved)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"labels": []}, "has no labels"),
        ({"labels": ["ORG", "ORG "]}, "differ only"),
        ({"labels": ["\ue000"]}, "private-use"),  # the prompt is made after the labels are taken
    ],
)
@pytest.mark.filterwarnings("ignore:.*gold spans that cannot be learnt")
def test_an_initialisation_that_fails_changes_nothing(
    make: Callable[..., Any], settings: dict[str, Any], error: str
) -> None:
    pipe = make("ORG", "GPE")
    before = state(pipe)
    with pytest.raises(ValueError, match=error):
        pipe.initialize(lambda: examples("ORG"), **settings)
    assert state(pipe) == before


def test_other_labels_that_fail_change_nothing(
    make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = make("ORG", "GPE")
    before = state(pipe)
    with pytest.raises(ValueError, match="has no labels"):
        pipe.take_labels(lambda: examples("ORG"), [])
    with pytest.raises(ZeroDivisionError):
        pipe.take_labels(lambda: 1 / 0, ["LAW"])
    assert state(pipe) == before


def test_examples_that_are_refused_change_nothing(make: Callable[..., Any], tmp_path: Path) -> None:
    pytest.importorskip("bm25s")
    pipe, docs = make("ORG", "GPE", count=1, nearest=True), [NLP("one text")]
    docs[0].ents = []
    before = state(pipe)
    with pytest.raises(ValueError, match="count = 1 needs more than 1 different examples"):
        pipe.set_shots(docs)
    DocBin(docs=docs).to_disk(tmp_path / "few.spacy")
    with pytest.raises(ValueError, match="count = 1 needs more than 1 different examples"):
        pipe.initialize(lambda: examples("ORG"), shots=tmp_path / "few.spacy", labels=["LAW"])
    assert state(pipe) == before


def test_drafts_that_cannot_be_trained_leave_the_older_ones(
    make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = make("ORG", "GPE")
    pipe.train_drafts(examples("ORG"))
    before = state(pipe)
    monkeypatch.setattr("spacy_genner.models.drafting._fit", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pipe.train_drafts(examples("GPE"))
    assert state(pipe) == before and pipe.model.shims[0].lm.draft_head is not None


def test_a_kill_while_it_is_saved_leaves_what_was_there(
    make: Callable[..., Any], saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in saved.rglob("*") if path.is_file()}
    pipe = make("ORG")
    monkeypatch.setattr(type(pipe.model.shims[0].lm), "save", lambda lm, folder: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pipe.to_disk(saved)
    assert {path: path.read_bytes() for path in saved.rglob("*") if path.is_file()} == before


def test_nothing_stale_stays_in_the_folder_of_the_model(
    make: Callable[..., Any], saved: Path
) -> None:
    pipe = make("LAW", "DNA")
    before = {path.relative_to(saved) for path in saved.rglob("*")}
    pipe.train_drafts(examples("LAW"))
    pipe.to_disk(saved)
    assert (saved / "model" / "draft_head.safetensors").exists()
    pipe.model.shims[0].lm.draft_head = None
    pipe.to_disk(saved)
    assert {path.relative_to(saved) for path in saved.rglob("*")} == before
