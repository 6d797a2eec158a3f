"""The configuration of the component: its defaults, what it refuses, and labels with odd names."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli.init_config import fill_config
from spacy.language import Language
from thinc.api import Config, ConfigValidationError

from spacy_genner.labels.schemes import make_labels
from spacy_genner.pipeline.factory import DEFAULT_MODEL
from tests.pipeline.scripted import add_scripted

ODD = [
    "natural person",
    "per-son",
    "größe",
    "組織",
    "منظمة",
    "🏢",
    "x]",
    "a|b",
    "\\",
    "a.b",
    "A",
    "a",
    "1",
    "*",
]
SHORT = """\
[nlp]
lang = "en"
pipeline = ["generative_ner"]

[components]

[components.generative_ner]
factory = "generative_ner"
"""
UNWRITABLE = ["per:son", "a=b", "[x]", "#x", ";x", " x", "a\nb"]
"""Names that a configuration file cannot hold in front of a definition."""


def saved(nlp: Language, folder: Path) -> Language:
    nlp.to_disk(folder)
    return spacy.load(folder)


def test_the_labels_are_all_that_has_to_be_given() -> None:
    nlp = spacy.blank("xx")
    component = nlp.add_pipe("generative_ner", config={"labels": {"ORG": "a company", "GPE": ""}})
    assert component.labels == ("ORG", "GPE")
    assert component.label_data == {"ORG": "a company", "GPE": ""}
    assert component.model.shims[0].lm.name == "smollm2-135m"
    assert component.is_trainable


def test_nothing_has_to_be_given_before_training() -> None:
    nlp = spacy.blank("xx")
    assert nlp.add_pipe("generative_ner").labels == ()
    with pytest.raises(
        ValueError, match=r"generative_ner\] has no labels: give `labels` in its config"
    ):
        nlp("Leeds")


def test_fill_config_completes_a_factory_alone(tmp_path: Path) -> None:
    (tmp_path / "base.cfg").write_text(SHORT)
    fill_config(tmp_path / "config.cfg", tmp_path / "base.cfg", silent=True)
    filled = Config().from_disk(tmp_path / "config.cfg")
    component = filled["components"]["generative_ner"]
    assert component["labels"] is None
    assert {
        key: component[key]
        for key in ("spans_key", "ents", "overwrite_ents", "threshold", "window")
    } == {
        "spans_key": "sc",
        "ents": "outermost",
        "overwrite_ents": False,
        "threshold": 0.0,
        "window": 256,
    }
    assert component["model"]["lm"]["tuning"] is None
    assert component["model"]["format"]["max_depth"] == 4
    assert filled["training"]["score_weights"] == {
        "spans_sc_f": 1.0,
        "spans_sc_p": 0.0,
        "spans_sc_r": 0.0,
        "spans_sc_nested_f": 0.0,
        "ents_f": 0.0,
    }
    spacy.util.load_model_from_config(filled)


def test_the_default_model_names_every_part() -> None:
    assert set(DEFAULT_MODEL) == {"@architectures", "loss", "lm", "format", "prompt", "decoder"}


def test_spacy_knows_what_it_assigns() -> None:
    nlp = spacy.blank("xx")
    add_scripted(nlp)
    assert Language.get_factory_meta("generative_ner").assigns == [
        "doc.spans",
        "doc.ents",
        "token.ent_iob",
        "token.ent_type",
    ]
    nlp.add_pipe("entity_linker")
    analysis = nlp.analyze_pipes(keys=["assigns", "requires", "scores"])
    assert "doc.ents" not in analysis["problems"]["entity_linker"]
    assert "spans_sc_nested_f" in analysis["summary"]["generative_ner"]["scores"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        *[
            ("window", "x"),
            ("window", 2.5),
            ("window", None),
            ("threshold", "high"),
            ("threshold", [0.5]),
            ("threshold", {"ORG": "high"}),
            ("threshold", {"ORG": None}),
        ],
        *[
            ("ents", None),
            ("ents", 3),
            ("overwrite_ents", "maybe"),
            ("spans_key", 3),
            ("spans_key", None),
        ],
        *[
            ("labels", "ORG"),
            ("labels", 5),
            ("labels", [1]),
            ("labels", {"ORG": 1}),
            ("labels", {"ORG": None}),
        ],
        *[("scorer", 3), ("model", 3), ("treshold", 0.5)],
        *[
            ("model.lm.name", 5),
            ("model.lm.name", None),
            ("model.lm.nam", "x"),
            ("model.lm.dtype", 16),
        ],
        *[
            ("model.loss", 3),
            ("model.format.max_depth", "deep"),
            ("model.lm.tuning.r", "x"),
            ("model.lm", None),
        ],
    ],
)
def test_a_wrong_type_or_name_is_refused_and_named(setting: str, value: Any) -> None:
    *sections, key = setting.split(".")
    config: dict[str, Any] = {key: value}
    for section in reversed(sections):
        config = {section: config}
    with pytest.raises(ConfigValidationError, match=f"generative_ner.*{key}"):
        spacy.blank("xx").add_pipe("generative_ner", config=config)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"window": 0}, "window = 0: the model reads at least one token"),
        ({"window": -4}, "window = -4"),
        ({"threshold": 2}, "threshold = 2.0: scores lie between 0 and 1"),
        ({"threshold": -0.1}, "threshold = -0.1"),
        ({"threshold": {"ORG": 2}}, "threshold of 'ORG' = 2.0: scores lie between 0 and 1"),
        ({"threshold": {"per:son": 0.5}}, "threshold = {'per:son': 0.5}: a config file would"),
        ({"ents": "foo"}, 'ents = "foo": choose one of none, outermost, best'),
        ({"labels": ["ORG", " "]}, "label ' ' is empty"),
        ({"labels": {"": "nothing"}}, "label '' is empty|labels = {'': 'nothing'}"),
        ({"model": {"loss": "foo"}}, 'loss = "foo": choose one of'),
        ({"model": {"format": {"max_depth": 0}}}, "max_depth = 0"),
        ({"model": {"lm": {"dtype": "float8"}}}, 'dtype = "float8": choose'),
        ({"model": {"lm": {"device": "abacus"}}}, 'device = "abacus" cannot be used'),
    ],
)
def test_a_value_without_sense_is_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spacy.blank("xx").add_pipe("generative_ner", config=config)


def test_numbers_may_come_as_text() -> None:
    component = add_scripted(spacy.blank("xx"), threshold="0.5", window="1")
    [doc] = component.pipe([spacy.blank("xx")("Leeds Edinburgh")])
    assert [span.text for span in doc.spans["sc"]] == ["Edinburgh"]
    assert component.model.attrs["batches"][0][0][0].words == ("Leeds",)


def test_a_threshold_of_a_label_that_is_not_there_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="threshold names ORGG, which `labels` does not have"):
        add_scripted(spacy.blank("xx"), threshold={"ORGG": 0.5, "ORG": 0.5})


@pytest.mark.parametrize(
    "threshold",
    ['threshold = {"ORG": 0.4, "a.b": 1}', "[components.{}.threshold]\nORG = 0.4\na.b = 1"],
)
def test_thresholds_of_labels_in_a_config(threshold: str) -> None:
    """In one line, or in a section of their own."""
    config = Config().from_str(SHORT + threshold.replace("{}", "generative_ner"))
    pipe: Any = spacy.util.load_model_from_config(config, auto_fill=True).get_pipe("generative_ner")
    assert pipe.threshold["ORG"] == 0.4 and len(pipe.threshold) == 2


def test_a_label_is_listed_once() -> None:
    assert add_scripted(spacy.blank("xx"), labels=["B", "A", "B"]).labels == ("B", "A")


def test_odd_labels_survive_saving_as_a_list(tmp_path: Path, add_tiny: Callable[..., Any]) -> None:
    nlp, names = spacy.blank("xx"), [*ODD, *UNWRITABLE]
    add_tiny(nlp, labels=names)
    loaded = saved(nlp, tmp_path)
    assert loaded.config["components"]["generative_ner"]["labels"] == names
    assert loaded.get_pipe("generative_ner").labels == tuple(names)
    assert spacy.blank("xx").from_config(nlp.config).get_pipe("generative_ner").labels == tuple(
        names
    )


def test_odd_labels_survive_saving_with_definitions(
    tmp_path: Path, add_tiny: Callable[..., Any]
) -> None:
    nlp = spacy.blank("xx")
    labels = {name: f'a "{name}": x = [1] # %s \\ \n line' for name in ODD}
    add_tiny(nlp, labels=labels)
    loaded = saved(nlp, tmp_path)
    assert loaded.config["components"]["generative_ner"]["labels"] == labels
    assert loaded.get_pipe("generative_ner").label_data == labels


@pytest.mark.parametrize(
    "labels",
    [
        *({"ORG": "", name: "a definition"} for name in UNWRITABLE),
        {"ORG": "see ${a.b}"},
        ["${x.y}"],
        {"[x": "a ]"},
    ],
    ids=str,
)
def test_labels_that_would_come_back_as_others_are_refused(labels: Any) -> None:
    with pytest.raises(ValueError, match="a config file would read this back as something else"):
        add_scripted(spacy.blank("xx"), labels=labels)


@pytest.mark.parametrize("line", ['per:son = "a definition"', 'per: son = ""', 'a=b = "x"'])
def test_a_configuration_file_that_cuts_a_name_short_is_refused(line: str) -> None:
    config = Config().from_str(f"{SHORT}[components.generative_ner.labels]\n{line}\n")
    with pytest.raises(ValueError, match="must be in a list of names"):
        spacy.util.load_model_from_config(config, auto_fill=True)


def test_set_labels_defines_what_a_configuration_cannot(
    tmp_path: Path, add_tiny: Callable[..., Any]
) -> None:
    nlp = spacy.blank("xx")
    labels = {name: "see ${a.b}" for name in UNWRITABLE}
    add_tiny(nlp, labels=None).set_labels(labels)
    assert (
        json.loads(json.dumps(saved(nlp, tmp_path).get_pipe("generative_ner").label_data)) == labels
    )


@pytest.mark.parametrize("scheme", ["genia", "wnut17", "stockmark-ja"])
def test_labels_of_a_scheme_survive_saving(
    add_tiny: Callable[..., Any], scheme: str, tmp_path: Path
) -> None:
    nlp = spacy.blank("xx")
    component = add_tiny(nlp, labels={"@misc": "spacy_genner.Labels.v1", "scheme": scheme})
    assert component.label_data == make_labels(scheme)
    assert saved(nlp, tmp_path).get_pipe("generative_ner").label_data == make_labels(scheme)


def test_labels_of_a_scheme_in_a_config_file() -> None:
    config = (
        SHORT
        + '[components.generative_ner.labels]\n@misc = "spacy_genner.Labels.v1"\nscheme = "genia"\n'
    )
    nlp = spacy.util.load_model_from_config(Config().from_str(config), auto_fill=True)
    assert nlp.get_pipe("generative_ner").labels == (
        "DNA",
        "RNA",
        "protein",
        "cell_line",
        "cell_type",
    )


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="scheme = 'GENIA': choose one of ace, "):
        add_scripted(
            spacy.blank("xx"), labels={"@misc": "spacy_genner.Labels.v1", "scheme": "GENIA"}
        )
