"""Saving and loading: the same spans and scores, or an error that says what is wrong."""

import copy
import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from spacy.cli.package import package
from spacy.language import Language
from spacy.training import Example
from thinc.api import Config

from tests.pipeline.scripted import TEXT, marked
from tests.weights.test_consent import with_code

TEXTS = [TEXT, "Mrs O'Neil sold [it] for $1,234.50.", ""]
PRINT = """
import json, sys, spacy
docs = list(spacy.load(sys.argv[1]).pipe(json.loads(sys.argv[2])))
groups = [doc.spans["sc"] for doc in docs]
spans = [[(s.start, s.end, s.label_, float(x)) for s, x in zip(g, g.attrs["scores"])] for g in groups]
print(json.dumps(spans))
"""
"""Prints what a pipeline finds, in a process of its own."""


@pytest.fixture
def nlp(add_tiny: Callable[..., Any]) -> Language:
    """A pipeline whose adapter is not the one it began with."""
    nlp = spacy.blank("en")
    component = add_tiny(nlp, labels={"ORG": "a company", "GPE": ""})
    example = Example.from_dict(nlp.make_doc("Acme is in Leeds"), {"entities": [(0, 4, "ORG")]})
    optimizer = nlp.initialize(lambda: [example])
    optimizer.learn_rate = 0.05
    component.update([example], sgd=optimizer)
    return nlp


def found(nlp: Language) -> list[Any]:
    return [marked(doc) for doc in nlp.pipe(TEXTS)]


def found_elsewhere(model: str, before: str = "") -> list[Any]:
    command = [sys.executable, "-c", before + PRINT, model, json.dumps(TEXTS)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr
    return [[tuple(span) for span in spans] for spans in json.loads(result.stdout)]


def test_the_author_of_a_pipeline_cannot_consent_to_its_code(
    add_tiny: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp = spacy.blank("en")
    add_tiny(nlp, lm={"bundle_base": True, "trust_remote_code": False})
    nlp.to_disk(tmp_path)
    harm = with_code(tmp_path / "generative_ner" / "model" / "base", "model")
    config = Config().from_disk(tmp_path / "config.cfg")
    config["components"]["generative_ner"]["model"]["lm"]["trust_remote_code"] = True
    config.to_disk(tmp_path / "config.cfg")
    monkeypatch.delenv("SPACY_GENNER_ALLOW", raising=False)
    with pytest.raises(ValueError, match="set SPACY_GENNER_ALLOW=remote_code in the environment"):
        spacy.load(tmp_path)
    assert not harm.exists()


def test_training_has_changed_the_pipeline(nlp: Language, add_tiny: Callable[..., Any]) -> None:
    fresh = spacy.blank("en")
    add_tiny(fresh, labels={"ORG": "a company", "GPE": ""})
    assert found(fresh) != found(nlp)


def test_a_new_process_finds_the_same(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path)
    assert found_elsewhere(str(tmp_path)) == found(nlp)


def test_a_saved_pipeline_is_an_adapter_and_no_base(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path)
    folder = tmp_path / "generative_ner"
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        "cfg",
        "model/adapter_config.json",
        "model/adapter_model.safetensors",
        "model/base.json",
    }
    lm = nlp.get_pipe("generative_ner").model.shims[0].lm
    trained = sum(weight.numel() for weight in lm.model.parameters() if weight.requires_grad)
    assert (
        2 * trained
        <= (folder / "model" / "adapter_model.safetensors").stat().st_size
        < 2 * trained + 10_000
    )
    assert json.loads((folder / "cfg").read_text()) == {
        "labels": {"ORG": "a company", "GPE": ""},
        "spans_key": "sc",
        "template": None,
        "threshold": 0.0,
        "calibration": None,
        "scoring": "own",
        "sentence_starts": True,
        "line_breaks": True,
    }


def test_a_pipeline_can_take_its_base_along(add_tiny: Callable[..., Any], tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    moved = tmp_path / "base"
    shutil.copytree(add_tiny(spacy.blank("en")).model.shims[0].lm.name, moved)
    add_tiny(nlp, lm={"name": str(moved), "bundle_base": True})
    before = found(nlp)
    nlp.to_disk(tmp_path / "saved")
    shutil.rmtree(moved)
    assert found(spacy.load(tmp_path / "saved")) == before


@pytest.mark.parametrize(
    "copied",
    [
        lambda nlp: spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes()),
        lambda nlp: pickle.loads(pickle.dumps(nlp)),
        copy.deepcopy,
    ],
    ids=["bytes", "pickle", "deepcopy"],
)
def test_a_copy_finds_the_same(nlp: Language, copied: Callable[[Language], Language]) -> None:
    other = copied(nlp)
    assert found(other) == found(nlp) != [[], [], []]
    assert other.get_pipe("generative_ner").label_data == {"ORG": "a company", "GPE": ""}


def test_a_deep_copy_learns_alone_and_shares_the_base(nlp: Language) -> None:
    other, before = copy.deepcopy(nlp), found(nlp)
    example = Example.from_dict(nlp.make_doc("Leeds"), {"entities": [(0, 5, "GPE")]})
    optimizer = other.create_optimizer()
    optimizer.learn_rate = 0.05
    other.update([example], sgd=optimizer)
    assert found(other) != before == found(nlp)


def test_what_is_loaded_can_be_saved_again(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "one")
    spacy.load(tmp_path / "one").to_disk(tmp_path / "two")
    name = "generative_ner/model/adapter_model.safetensors"
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert spacy.load(tmp_path / "two").to_bytes() == spacy.load(tmp_path / "one").to_bytes()


def test_settings_can_be_changed_while_loading(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path, config={"components.generative_ner.threshold": 0.5})
    assert found(loaded) == [[span for span in spans if span[3] >= 0.5] for spans in found(nlp)]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda model: (model / "adapter_model.safetensors").unlink(),
            "adapter_model.safetensors cannot be read",
        ),
        (
            lambda model: (model / "adapter_model.safetensors").write_bytes(b"no weights"),
            "cannot be read",
        ),
        (lambda model: (model / "base.json").unlink(), "base.json cannot be read"),
        (lambda model: (model / "base.json").write_text("{"), "base.json cannot be read"),
        (lambda model: shutil.rmtree(model), "cannot be read"),
        (lambda model: (model.parent / "cfg").write_text("{"), "cfg cannot be read"),
        (lambda model: (model.parent / "cfg").write_text("{}"), "cfg cannot be read"),
        (lambda model: (model.parent / "cfg").write_text("[]"), "cfg cannot be read"),
        (lambda model: (model.parent / "cfg").unlink(), "cfg cannot be read"),
    ],
)
def test_a_damaged_folder_is_named(
    nlp: Language, tmp_path: Path, damage: Callable[[Path], Any], message: str
) -> None:
    nlp.to_disk(tmp_path)
    damage(tmp_path / "generative_ner" / "model")
    with pytest.raises(ValueError, match=message):
        spacy.load(tmp_path)


def test_a_missing_base_is_named(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path)
    gone = {"components.generative_ner.model.lm.name": str(tmp_path / "gone")}
    with pytest.raises(ValueError, match=r"the language model '.*gone' cannot be loaded"):
        spacy.load(tmp_path, config=gone)


def test_another_base_is_refused(nlp: Language, tiny: Callable[..., str], tmp_path: Path) -> None:
    nlp.to_disk(tmp_path)
    other = {"components.generative_ner.model.lm.name": tiny("qwen3")}
    with pytest.raises(ValueError, match=r"was trained on .* has another fingerprint"):
        spacy.load(tmp_path, config=other)


def test_another_rank_is_refused(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path)
    tuning = {"@misc": "spacy_genner.LoRA.v1", "r": 4}
    with pytest.raises(ValueError, match=r"has r = 16, but \[tuning\] has r = 4: give"):
        spacy.load(tmp_path, config={"components.generative_ner.model.lm.tuning": tuning})


def test_full_tuning_is_saved_too(add_tiny: Callable[..., Any], tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    lm = add_tiny(nlp, lm={"tuning": {"@misc": "spacy_genner.FullTuning.v1"}}).model.shims[0].lm
    with torch.no_grad():
        for weight in lm.model.parameters():
            weight.mul_(1.25)
    nlp.to_disk(tmp_path)
    assert found(spacy.load(tmp_path)) == found(nlp)


@pytest.mark.slow
def test_a_package_finds_the_same(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "saved")
    package(
        tmp_path / "saved",
        tmp_path,
        name="tiny",
        create_sdist=False,
        create_wheel=True,
        silent=True,
    )
    [wheel] = tmp_path.glob("*/dist/*.whl")
    target = tmp_path / "site"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
        str(wheel),
    ]
    subprocess.run(pip, check=True)
    assert "spacy-genner" in next(target.glob("*.dist-info/METADATA")).read_text()
    assert found_elsewhere("en_tiny", f"import sys; sys.path.insert(0, {str(target)!r})") == found(
        nlp
    )
