"""A second stage of training: it begins with the adapter of the first, and with other labels."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.training.initialize import init_nlp
from thinc.api import Config

from spacy_genner.cli.train import train
from tests.pipeline.scripted import marked
from tests.pipeline.training_config import Annotated, training_config, write_docs

COARSE: list[Annotated] = [
    ("Acme left Leeds", [(0, 1, "ORG"), (2, 3, "GPE")]),
    ("nothing here", []),
]
FINE: list[Annotated] = [
    ("Acme left Leeds", [(0, 1, "LENDER"), (2, 3, "SEAT")]),
    ("nothing here", []),
]
SET_LABELS = {"@callbacks": "spacy_genner.SetLabels.v1"}
ADAPTER = "generative_ner/model/adapter_model.safetensors"


@pytest.fixture(scope="module")
def run(tiny: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`run(data, change)`: train a new component on the data, with a changed config. Returns: its
    folder."""

    def run(data: list[Annotated], change: Callable[[Config], Any] = lambda config: None) -> Path:
        folder = tmp_path_factory.mktemp("run")
        config(tiny(), folder, data, change).to_disk(folder / "config.cfg")
        train(folder / "config.cfg", folder, {})
        return folder / "model-last"

    return run


@pytest.fixture(scope="module")
def coarse(run: Callable[..., Path]) -> Path:
    """A pipeline that knows ORG and GPE."""
    return run(COARSE)


def config(
    base: str, folder: Path, data: list[Annotated], change: Callable[[Config], Any]
) -> Config:
    training = {"seed": 0, "gpu_allocator": None, "max_steps": 40, "eval_frequency": 40}
    result = training_config(write_docs(folder / "data.spacy", data), {"name": base}, training)
    change(result)
    return result


def found(folder: Path) -> list[Annotated]:
    nlp = spacy.load(folder)
    return [(text, [span[:3] for span in marked(nlp(text))]) for text, _ in COARSE]


def from_source(folder: Path, **settings: Any) -> Callable[[Config], None]:
    def change(config: Config) -> None:
        config["components"]["generative_ner"] = {"source": str(folder)}
        config["initialize"]["after_init"] = {**SET_LABELS, **settings} or None

    return change


def test_the_first_stage_has_learnt_its_labels(coarse: Path) -> None:
    assert found(coarse) == COARSE


def test_the_second_begins_with_its_adapter_and_the_labels_of_its_data(
    coarse: Path, tiny: Callable[..., str], tmp_path: Path
) -> None:
    nlp = init_nlp(config(tiny(), tmp_path, FINE, from_source(coarse)))
    component: Any = nlp.get_pipe("generative_ner")
    assert component.labels == ("LENDER", "SEAT")
    nlp.to_disk(tmp_path / "begun")
    assert (tmp_path / "begun" / ADAPTER).read_bytes() == (coarse / ADAPTER).read_bytes()


@pytest.mark.parametrize("labels", [["SEAT", "LENDER"], {"LENDER": "who lends", "SEAT": ""}])
def test_or_with_labels_that_are_given(
    coarse: Path, tiny: Callable[..., str], tmp_path: Path, labels: Any
) -> None:
    nlp = init_nlp(config(tiny(), tmp_path, FINE, from_source(coarse, labels=labels)))
    assert nlp.get_pipe("generative_ner").label_data == (  # type: ignore[attr-defined]
        labels if isinstance(labels, dict) else dict.fromkeys(labels, "")
    )


def test_the_second_stage_learns_labels_that_the_first_never_had(
    coarse: Path, run: Callable[..., Path]
) -> None:
    fine = run(FINE, from_source(coarse))
    assert found(fine) == FINE
    assert (fine / ADAPTER).read_bytes() != (coarse / ADAPTER).read_bytes()
    nlp = spacy.load(fine)
    assert nlp.get_pipe("generative_ner").labels == ("LENDER", "SEAT")  # type: ignore[attr-defined]


def test_without_other_labels_it_is_said_what_is_not_learnt(
    coarse: Path, tiny: Callable[..., str], tmp_path: Path
) -> None:
    def plain(config: Config) -> None:
        config["components"]["generative_ner"] = {"source": str(coarse)}

    made = config(tiny(), tmp_path, FINE, plain)
    nlp = init_nlp(made)
    examples = list(spacy.training.Corpus(tmp_path / "data.spacy")(nlp))
    with pytest.warns(
        UserWarning, match=r"2 with an unknown label; spacy_genner\.SetLabels\.v1 gives"
    ):
        nlp.update(examples)


def test_gold_spans_that_cannot_be_learnt_are_counted(
    coarse: Path, tiny: Callable[..., str], tmp_path: Path
) -> None:
    with pytest.warns(UserWarning, match="cannot be learnt as they are: 1 with an unknown label$"):
        init_nlp(config(tiny(), tmp_path, FINE, from_source(coarse, labels=["SEAT"])))


def test_an_endless_stream_is_not_read_to_its_end(
    coarse: Path, tiny: Callable[..., str], tmp_path: Path
) -> None:
    def endless(config: Config) -> None:
        from_source(coarse)(config)
        part = {
            "@readers": "spacy_genner.LabelledCorpus.v1",
            "path": config["corpora"]["train"]["path"],
        }
        reader = {
            "@readers": "spacy_genner.MergedCorpora.v1",
            "corpora": {"one": part},
            "endless": True,
        }
        config["corpora"]["train"] = reader
        config["training"]["max_epochs"] = -1

    nlp = init_nlp(config(tiny(), tmp_path, FINE, endless))
    assert nlp.get_pipe("generative_ner").labels == ("LENDER", "SEAT")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"component": "ner"}, "No component 'ner'"),
        ({"component": "sentencizer"}, "'sentencizer': give the name of a `generative_ner`"),
        ({"labels": []}, "has no labels"),
        (
            {"labels": {"per:son": ""}},
            "a config file would read this back as something else",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    coarse: Path, tiny: Callable[..., str], tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    def change(config: Config) -> None:
        from_source(coarse, **settings)(config)
        config["nlp"]["pipeline"] = ["generative_ner", "sentencizer"]
        config["components"]["sentencizer"] = {"factory": "sentencizer"}

    with pytest.raises((ValueError, KeyError), match=message):
        init_nlp(config(tiny(), tmp_path, FINE, change))
