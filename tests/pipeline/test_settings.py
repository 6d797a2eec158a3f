"""What is set after a component was made: all of it is saved, and a configuration that is given
later wins."""

import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import load_model_from_config
from thinc.api import Config

from spacy_genner.decoding.calibration import Platt
from spacy_genner.decoding.free import FreeDecoder
from spacy_genner.models.generative import speller_of
from spacy_genner.pipeline.scorer import make_scorer
from spacy_genner.types import Source

NAME = "generative_ner"
LABELS = {"SHIP": "it swims", "ORG": ""}
SCALING = Platt(1.2345678901234567, 0.1 + 0.2)
Way = Callable[[Language, Path], Language]


def on_disk(nlp: Language, folder: Path) -> Language:
    nlp.to_disk(folder)
    return spacy.load(folder)


def in_bytes(nlp: Language, folder: Path) -> Language:
    return spacy.blank("xx").from_config(nlp.config).from_bytes(nlp.to_bytes())


def sourced(nlp: Language, folder: Path) -> Language:
    other = spacy.blank("xx")
    other.add_pipe(NAME, source=nlp)
    return other


def sourced_by_config(nlp: Language, folder: Path) -> Language:
    nlp.to_disk(folder)
    components = {NAME: {"source": str(folder)}}
    return load_model_from_config(
        {"nlp": {"lang": "xx", "pipeline": [NAME]}, "components": components}, auto_fill=True
    )


WAYS: dict[str, Way] = {
    "disk": on_disk,
    "bytes": in_bytes,
    "pickle": lambda nlp, _: pickle.loads(pickle.dumps(nlp)),
    "deepcopy": lambda nlp, _: copy.deepcopy(nlp),
    "sourced": sourced,
    "sourced by a config": sourced_by_config,
    "twice": lambda nlp, folder: on_disk(on_disk(nlp, folder / "one"), folder / "two"),
    "sourced, and on disk": lambda nlp, folder: on_disk(sourced(nlp, folder), folder),
    "copied, and on disk": lambda nlp, folder: on_disk(copy.deepcopy(nlp), folder),
}


def annotated(nlp: Language) -> Doc:
    doc = nlp.make_doc("Acme left Leeds")
    doc.ents = [Span(doc, 0, 1, "ORG")]
    return doc


def change(nlp: Language) -> None:
    pipe: Any = nlp.get_pipe(NAME)
    pipe.threshold, pipe.spans_key = 0.3, "mine"
    pipe.set_labels(LABELS)
    pipe.calibrate(SCALING)
    pipe.set_shots([annotated(nlp)])


def state(nlp: Language) -> dict[str, Any]:
    """All that can be changed."""
    pipe: Any = nlp.get_pipe(NAME)
    attrs = pipe.model.attrs
    shots = [source.words for source, _ in attrs["shots"].pool]
    assert attrs["labels"] == pipe.label_data
    calibration = pipe.cfg["calibration"]
    labels = list(pipe.label_data.items())
    return {
        "threshold": pipe.threshold,
        "key": pipe.spans_key,
        "labels": labels,
        "is": calibration,
        "shots": shots,
    }


CHANGED = {
    "threshold": 0.3,
    "key": "mine",
    "labels": list(LABELS.items()),
    "is": asdict(SCALING),
    "shots": [("Acme", "left", "Leeds")],
}


@pytest.fixture
def nlp(add_tiny: Callable[..., Any]) -> Language:
    nlp = spacy.blank("xx")
    add_tiny(nlp, model={"prompt": {"shots": {"@misc": "spacy_genner.FewShot.v1", "count": 1}}})
    return nlp


@pytest.mark.parametrize("way", WAYS)
def test_changes_are_kept(nlp: Language, way: str, tmp_path: Path) -> None:
    change(nlp)
    assert state(WAYS[way](nlp, tmp_path)) == CHANGED


@pytest.mark.parametrize("after", ["sourced", "deepcopy", "pickle", "disk"])
@pytest.mark.parametrize("way", ["disk", "bytes"])
def test_changes_of_a_copy_are_kept(nlp: Language, way: str, after: str, tmp_path: Path) -> None:
    """Also where the pipeline that it comes from is still there, and has changed meanwhile."""
    other = WAYS[after](nlp, tmp_path / "first")
    if after != "sourced":  # else they have one component
        nlp.get_pipe(NAME).threshold = 0.1  # type: ignore[attr-defined]
    change(other)
    assert state(WAYS[way](other, tmp_path / "second")) == CHANGED


def test_a_change_stands_in_the_configuration(nlp: Language) -> None:
    nlp.rename_pipe(NAME, "renamed")
    pipe: Any = nlp.get_pipe("renamed")
    pipe.threshold = 0.9
    assert nlp.config["components"]["renamed"]["threshold"] == 0.9
    for given, written in [
        ({"A": "a ship"}, {"A": "a ship"}),
        ({"B": "", "C": ""}, ["B", "C"]),
        ({"per:son": "what a configuration cannot hold"}, ["B", "C"]),
    ]:
        pipe.set_labels(given)
        assert nlp.config["components"]["renamed"]["labels"] == written


def test_labels_that_come_from_the_data_do_not(add_tiny: Callable[..., Any]) -> None:
    """Else a later training with this configuration would not take them from other data."""
    nlp = spacy.blank("xx")
    add_tiny(nlp, labels=None).set_labels(["A"])
    nlp.initialize(lambda: [Example(nlp.make_doc("Acme left Leeds"), annotated(nlp))])
    assert nlp.config["components"][NAME]["labels"] is None


@pytest.mark.parametrize(
    ("name", "given", "found"),
    [
        ("threshold", 0.0, {"threshold": 0.0}),  # as it was configured at first
        ("threshold", 0.5, {"threshold": 0.5}),
        ("spans_key", "sc", {"key": "sc"}),
        (
            "labels",
            ["ORG", "GPE"],
            {"labels": [("ORG", ""), ("GPE", "")]},
        ),  # as it was configured at first
        ("labels", ["PER"], {"labels": [("PER", "")]}),
        (
            "labels",
            ["GPE", "ORG"],
            {"labels": [("GPE", ""), ("ORG", "")]},
        ),  # in another order than configured
    ],
)
def test_a_configuration_that_is_given_wins(
    nlp: Language, name: str, given: Any, found: dict[str, Any], tmp_path: Path
) -> None:
    change(nlp)
    nlp.to_disk(tmp_path / "one")
    loaded = spacy.load(tmp_path / "one", config={"components": {NAME: {name: given}}})
    assert state(loaded) == CHANGED | found
    loaded.to_disk(tmp_path / "two")
    assert state(spacy.load(tmp_path / "two")) == CHANGED | found


def test_pipelines_of_version_0_1_are_loaded(nlp: Language, tmp_path: Path) -> None:
    change(nlp)
    nlp.to_disk(tmp_path)
    path = tmp_path / NAME / "cfg"
    cfg = json.loads(path.read_text())
    path.write_text(json.dumps({key: cfg[key] for key in ("labels", "calibration", "shots")}))
    assert state(spacy.load(tmp_path)) == CHANGED  # the threshold stands in the configuration
    given = {"threshold": 0.2, "spans_key": "x"}
    assert state(spacy.load(tmp_path, config={"components": {NAME: given}})) == CHANGED | {
        "threshold": 0.2,
        "key": "x",
    }


def test_a_variable_that_is_given_wins(nlp: Language, tmp_path: Path) -> None:
    config = nlp.config.copy()
    config["vars"] = {"least": 0.1}
    config["components"][NAME]["threshold"] = "${vars.least}"
    made = load_model_from_config(Config(config, is_interpolated=False))
    made.get_pipe(NAME).set_shots([annotated(made)])  # type: ignore[attr-defined]
    made.to_disk(tmp_path / "one")
    assert state(spacy.load(tmp_path / "one", config={"vars.least": 0.7}))["threshold"] == 0.7
    made.get_pipe(NAME).threshold = 0.9  # type: ignore[attr-defined]
    made.to_disk(tmp_path / "two")
    assert state(spacy.load(tmp_path / "two"))["threshold"] == 0.9


def test_a_component_can_be_saved_alone(nlp: Language, tmp_path: Path) -> None:
    change(nlp)
    nlp.to_disk(tmp_path)  # whose configuration knows nothing of the folder that comes
    pipe: Any = nlp.get_pipe(NAME)
    pipe.threshold = 0.7
    pipe.to_disk(tmp_path / "alone")
    pipe.threshold = 0.1
    pipe.from_disk(tmp_path / "alone")
    assert state(nlp) == CHANGED | {"threshold": 0.7}


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), "high"])
def test_a_threshold_without_sense_is_refused(nlp: Language, threshold: Any) -> None:
    pipe: Any = nlp.get_pipe(NAME)
    with pytest.raises(ValueError):
        pipe.threshold = threshold
    assert pipe.threshold == 0.0


@pytest.mark.parametrize("way", WAYS)
def test_thresholds_of_labels_are_kept(nlp: Language, way: str, tmp_path: Path) -> None:
    pipe: Any = nlp.get_pipe(NAME)
    pipe.threshold = threshold = {"ORG": 1 / 3, "GPE": 0.1 + 0.2}
    assert WAYS[way](nlp, tmp_path).get_pipe(NAME).threshold == threshold  # type: ignore[attr-defined]


@pytest.mark.parametrize("way", ["disk", "bytes", "sourced by a config"])
def test_thresholds_that_a_config_cannot_hold_are_kept(
    nlp: Language, way: str, tmp_path: Path
) -> None:
    pipe: Any = nlp.get_pipe(NAME)
    pipe.threshold = threshold = {"per:son": 1 / 3}
    assert nlp.config["components"][NAME]["threshold"] == 0.0
    assert WAYS[way](nlp, tmp_path).get_pipe(NAME).threshold == threshold  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("place", "threshold"),
    [("threshold", 0.7), ("threshold.ORG", {"ORG": 0.7, "GPE": 0.1})],
)
def test_a_threshold_that_is_given_wins_over_those_of_labels(
    nlp: Language, place: str, threshold: Any, tmp_path: Path
) -> None:
    pipe: Any = nlp.get_pipe(NAME)
    pipe.threshold = {"ORG": 0.5, "GPE": 0.1}
    nlp.to_disk(tmp_path)
    loaded: Any = spacy.load(tmp_path, config={f"components.{NAME}.{place}": 0.7})
    assert loaded.get_pipe(NAME).threshold == threshold


def test_what_is_returned_cannot_change_the_thresholds(nlp: Language) -> None:
    pipe: Any = nlp.get_pipe(NAME)
    given = {"ORG": 0.5}
    pipe.threshold = given
    given["ORG"] = pipe.threshold["ORG"] = 7
    assert pipe.threshold == {"ORG": 0.5}
    assert nlp.config["components"][NAME]["threshold"] == {"ORG": 0.5}


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        ("high", "threshold = 'high': expected a number between 0 and 1"),
        (None, "threshold = None: expected a number"),
        ({"ORG": 2}, "threshold of 'ORG' = 2.0: scores lie between 0 and 1"),
        ({"ORG": None}, "threshold of 'ORG' = None: expected a number"),
        ({3: 0.5}, "threshold of 3: expected the name of a label"),
    ],
)
def test_a_wrong_threshold_is_named_and_changes_nothing(
    nlp: Language, threshold: Any, message: str
) -> None:
    pipe: Any = nlp.get_pipe(NAME)
    pipe.threshold = {"ORG": 0.5}
    with pytest.raises(ValueError, match=message):
        pipe.threshold = threshold
    assert pipe.threshold == {"ORG": 0.5}


def test_what_was_loaded_replaces_all_that_was_there(nlp: Language) -> None:
    before, data = state(nlp), nlp.to_bytes()
    pipe: Any = nlp.get_pipe(NAME)
    pipe.set_labels(LABELS)
    pipe.calibrate(SCALING)
    pipe.set_shots([annotated(nlp)])
    nlp.from_bytes(data)
    assert state(nlp) == before


def test_a_new_training_begins_without_calibration(nlp: Language) -> None:
    change(nlp)
    nlp.initialize(lambda: [Example(nlp.make_doc("Acme left Leeds"), annotated(nlp))])
    assert state(nlp) == CHANGED | {"is": None}


def test_what_belongs_to_the_configuration_or_the_call_is_not_saved(
    nlp: Language, tmp_path: Path
) -> None:
    pipe: Any = nlp.get_pipe(NAME)
    pipe.scorer, pipe.model.attrs["decoder"] = make_scorer, FreeDecoder(7)
    pipe.set_shots([annotated(nlp)])
    nlp("Acme left Leeds")
    assert pipe.model.attrs["decoder"].repairs != FreeDecoder().repairs
    for way in (on_disk, in_bytes):
        loaded: Any = way(nlp, tmp_path).get_pipe(NAME)
        assert loaded.scorer is not make_scorer
        assert loaded.model.attrs["decoder"].batch_tokens == 1024


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A template in a file."""
    path = tmp_path / "mine.jinja"
    path.write_text("Größe: {{ labels }} {{ text }}\n", encoding="utf-8")
    return path


def asked(nlp: Language) -> str:
    """The prompt of a text."""
    pipe: Any = nlp.get_pipe(NAME)
    job = speller_of(pipe.model).job(Source(("Acme",), (False,)))
    return str(pipe.model.shims[0].lm.base.tokenizer.decode([*job.prefix, *job.body]))


@pytest.mark.parametrize("way", WAYS)
def test_a_pipeline_with_a_template_in_a_file_needs_the_file_no_more(
    add_tiny: Callable[..., Any], way: str, template: Path, tmp_path: Path
) -> None:
    nlp = spacy.blank("xx")
    add_tiny(nlp, model={"prompt": {"template": str(template)}})
    template.unlink()
    found = WAYS[way](nlp, tmp_path)
    assert asked(found) == asked(nlp)
    assert asked(found).startswith("Größe: {'ORG': '', 'GPE': ''} Acme")


def test_a_template_that_is_given_wins_over_the_saved_one(
    add_tiny: Callable[..., Any], template: Path, tmp_path: Path
) -> None:
    nlp = spacy.blank("xx")
    add_tiny(nlp, model={"prompt": {"template": str(template)}})
    nlp.to_disk(tmp_path / "saved")
    template.write_text("other {{ text }}")
    assert asked(spacy.load(tmp_path / "saved")) == asked(nlp)
    key = f"components.{NAME}.model.prompt.template"
    assert asked(spacy.load(tmp_path / "saved", config={key: "third {{ text }}"})).startswith(
        "third Acme"
    )
    assert asked(spacy.load(tmp_path / "saved", config={key: None})).startswith("Copy the text")
    (tmp_path / "fourth.jinja").write_text("fourth {{ text }}")
    assert asked(
        spacy.load(tmp_path / "saved", config={key: str(tmp_path / "fourth.jinja")})
    ).startswith("fourth Acme")


def test_a_template_that_is_not_there_is_named_when_it_is_needed(
    add_tiny: Callable[..., Any],
) -> None:
    nlp = spacy.blank("xx")
    add_tiny(nlp, model={"prompt": {"template": "prompts/none.jinja"}})
    with pytest.raises(
        ValueError, match=r"template = 'prompts/none\.jinja': there is no such file"
    ):
        nlp("Acme")
    with pytest.raises(
        ValueError, match=r"template = 'prompts/none\.jinja': there is no such file"
    ):
        nlp.initialize(lambda: [Example(nlp.make_doc("Acme left Leeds"), annotated(nlp))])
