"""`spacy train`, as a user calls it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.cli.evaluate import evaluate
from spacy.cli.init_config import fill_config
from spacy.cli.init_pipeline import init_labels_cli
from spacy.cli.train import train
from spacy.tokens import DocBin
from thinc.api import Config

from tests.pipeline.scripted import marked
from tests.pipeline.training_config import Annotated, training_config, write_docs

DATA: list[Annotated] = [
    ("The University of Edinburgh is old", [(1, 4, "ORG"), (3, 4, "GPE")]),
    ("Acme bought it", [(0, 1, "ORG")]),
    ("nothing here", []),
    ("Leeds", [(0, 1, "GPE")]),
    ("", []),
]
ADAPTER = "generative_ner/model/adapter_model.safetensors"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Documents with spans, an empty one among them, and one that is not annotated."""
    return write_docs(tmp_path / "data.spacy", DATA, "not annotated")


@pytest.fixture
def run(tiny: Callable[..., str], tmp_path: Path, data: Path) -> Callable[..., Path]:
    """`run(name, change)`: train into a folder of this name. `change` gets the configuration
    before."""

    def run(name: str, change: Callable[[Config], Any] = lambda config: None) -> Path:
        logger = {
            "@loggers": "spacy.ConsoleLogger.v3",
            "output_file": str(tmp_path / f"{name}.jsonl"),
        }
        training = {"max_steps": 30, "eval_frequency": 15, "logger": logger}
        config = training_config(data, {"name": tiny()}, training)
        change(config)
        config.to_disk(tmp_path / "base.cfg")
        fill_config(tmp_path / f"{name}.cfg", tmp_path / "base.cfg", silent=True)
        train(tmp_path / f"{name}.cfg", tmp_path / name)
        return tmp_path / name

    return run


def source(config: Config, name: str, folder: Path) -> None:
    """Take a component from a trained pipeline."""
    config["components"][name] = {"source": str(folder), "component": "generative_ner"}


def test_what_was_learnt_is_loaded(run: Callable[..., Path], data: Path) -> None:
    folder = run("out")
    for name in ("model-best", "model-last"):
        nlp = spacy.load(folder / name)
        assert nlp.get_pipe("generative_ner").labels == ("GPE", "ORG")
        assert [[span[:3] for span in marked(nlp(text))] for text, _ in DATA] == [
            sorted(spans) for _, spans in DATA
        ]
    scores = evaluate(str(folder / "model-best"), data, silent=True)
    assert scores["spans_sc_f"] == scores["spans_sc_nested_f"] == scores["spans_sc_flat_f"] == 1.0
    assert {label: found["f"] for label, found in scores["spans_sc_per_type"].items()} == {
        "GPE": 1.0,
        "ORG": 1.0,
    }
    assert spacy.load(folder / "model-best").meta["performance"]["spans_sc_f"] == 1.0


def test_the_same_seed_gives_the_same_weights_and_losses(run: Callable[..., Path]) -> None:
    def accumulate(config: Config) -> None:
        config["training"] |= {"accumulate_gradient": 2, "max_steps": 4, "eval_frequency": 2}
        config["components"]["generative_ner"]["model"]["lm"]["tuning"] = {
            "@misc": "spacy_genner.LoRA.v1",
            "lora_dropout": 0.1,
        }

    def reseed(config: Config) -> None:
        accumulate(config)
        config["training"]["seed"] = 1

    one, again, other = (
        run(name, change) for name, change in [("1", accumulate), ("2", accumulate), ("3", reseed)]
    )
    weights = [(folder / "model-last" / ADAPTER).read_bytes() for folder in (one, again, other)]
    losses = [
        [row["losses"] for row in srsly.read_jsonl(f"{folder}.jsonl")]
        for folder in (one, again, other)
    ]
    assert weights[0] == weights[1] != weights[2]
    assert losses[0] == losses[1] != losses[2]
    assert len(losses[0]) > 1


def test_training_goes_on_from_a_source(run: Callable[..., Path]) -> None:
    first = run("first") / "model-last"

    def resume(config: Config) -> None:
        source(config, "generative_ner", first)
        config["training"] |= {"max_steps": 1, "eval_frequency": 1}
        config["training"]["optimizer"]["learn_rate"] = 0.0

    assert (run("same", resume) / "model-last" / ADAPTER).read_bytes() == (
        first / ADAPTER
    ).read_bytes()

    def resume_and_learn(config: Config) -> None:
        resume(config)
        config["training"]["optimizer"]["learn_rate"] = 0.001

    second = run("second", resume_and_learn)
    assert (second / "model-last" / ADAPTER).read_bytes() != (first / ADAPTER).read_bytes()
    assert spacy.load(second / "model-best").meta["performance"]["spans_sc_f"] == 1.0


def test_a_frozen_component_stays_as_it_is_to_the_bit(
    run: Callable[..., Path], tmp_path: Path
) -> None:
    first = run("first") / "model-last"

    def freeze(config: Config) -> None:
        source(config, "frozen", first)
        config["nlp"]["pipeline"] = ["frozen", "generative_ner"]
        config["components"]["generative_ner"]["spans_key"] = "mine"
        config["components"]["generative_ner"]["labels"] = ["GPE"]
        config["training"] |= {"frozen_components": ["frozen"], "max_steps": 3, "eval_frequency": 3}

    both = run("both", freeze) / "model-last"
    assert (both / ADAPTER.replace("generative_ner", "frozen")).read_bytes() == (
        first / ADAPTER
    ).read_bytes()
    assert (both / ADAPTER).read_bytes() != (first / ADAPTER).read_bytes()
    nlp = spacy.load(both)
    assert [[span[:3] for span in marked(nlp(text))] for text, _ in DATA] == [
        sorted(spans) for _, spans in DATA
    ]
    assert "mine" in nlp("Leeds").spans


def test_the_scores_of_another_key_choose_the_best_model(
    run: Callable[..., Path], data: Path, tmp_path: Path
) -> None:
    docs = [
        doc
        for doc in DocBin().from_disk(data).get_docs(spacy.blank("xx").vocab)
        if "sc" in doc.spans
    ]
    for doc in docs:
        doc.spans["mine"] = list(doc.spans.pop("sc"))
    DocBin(docs=docs).to_disk(data)

    def rename(config: Config) -> None:
        config["components"]["generative_ner"]["spans_key"] = "mine"
        config["training"]["score_weights"] = {"spans_mine_f": 1.0, "spans_sc_f": None}

    performance = spacy.load(run("out", rename) / "model-best").meta["performance"]
    assert performance["spans_mine_f"] > 0
    scores = [row["score"] for row in srsly.read_jsonl(tmp_path / "out.jsonl")]
    assert max(scores) == performance["spans_mine_f"]


def test_labels_come_from_a_file(run: Callable[..., Path], tmp_path: Path) -> None:
    file = tmp_path / "labels" / "generative_ner.json"

    def read(config: Config) -> None:
        config["training"] |= {"max_steps": 1, "eval_frequency": 1}
        labels = {"@readers": "spacy.read_labels.v1", "path": str(file), "require": False}
        config["initialize"] = {"components": {"generative_ner": {"labels": labels}}}

    run("out", read)  # there is no file yet: the labels of the data
    init_labels_cli(_Context(), tmp_path / "out.cfg", file.parent, None, False, -1)
    assert srsly.read_json(file) == {"GPE": "", "ORG": ""}
    srsly.write_json(file, {"ORG": "a company", "GPE": "a city: or state", "a:b": "${c}"})
    trained = spacy.load(run("again", read) / "model-last").get_pipe("generative_ner")
    assert trained.label_data == {"ORG": "a company", "GPE": "a city: or state", "a:b": "${c}"}


class _Context:
    args: list[str] = []  # noqa: RUF012


def test_a_development_set_without_spans_is_no_error(
    run: Callable[..., Path], tmp_path: Path
) -> None:
    def empty(config: Config) -> None:
        doc = spacy.blank("xx")("nothing here")
        doc.spans["sc"] = []
        DocBin(docs=[doc]).to_disk(tmp_path / "dev.spacy")
        config["corpora"]["dev"]["path"] = str(tmp_path / "dev.spacy")
        config["training"] |= {"max_steps": 2, "eval_frequency": 1}

    assert spacy.load(run("out", empty) / "model-last")("Leeds").spans["sc"].name == "sc"
