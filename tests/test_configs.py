"""The configs of the project, and spaCy's whole life cycle on a pipeline that each of them has
trained."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli._util import app
from spacy.cli.debug_config import debug_config
from spacy.cli.evaluate import evaluate
from spacy.cli.find_threshold import find_threshold
from spacy.cli.init_config import fill_config
from spacy.cli.package import package
from spacy.cli.train import train
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.util import load_config
from thinc.api import Config, Optimizer
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)

CONFIGS = {
    path.stem: path for path in sorted((Path(__file__).parent.parent / "configs").glob("*.cfg"))
}
TEXTS = {
    "The University of Edinburgh bought Acme.": [(4, 27, "ORG"), (35, 39, "ORG")],
    "Acme bought it.": [],
}
needs_encoder = pytest.mark.skipif(
    not find_spec("spacy_transformers"), reason="needs spacy-transformers: STACK=4"
)


@dataclass(frozen=True)
class Made:
    """A pipeline that a config has trained.

    config, overrides: The file, and the settings that are others.
    folder: Where it was saved.
    data: A .spacy file.
    pipes: The names of its components.
    found: What it finds in the texts.
    """

    config: Path
    overrides: dict[str, Any]
    folder: Path
    data: Path
    pipes: list[str]
    found: list[Any]

    @property
    def nlp(self) -> Language:
        """The pipeline, loaded anew."""
        return spacy.load(self.folder)

    @property
    def last(self) -> str:
        """The component that annotates."""
        return self.pipes[-1]


def examples(nlp: Language) -> list[Example]:
    made = []
    for text, spans in TEXTS.items():
        reference = nlp.make_doc(text)
        reference.ents = [reference.char_span(*span) for span in spans]
        reference.spans["sc"] = list(reference.ents)
        made.append(Example(nlp.make_doc(text), reference))
    return made


def found(nlp: Language) -> list[Any]:
    docs = list(nlp.pipe(TEXTS))
    layers = [(doc.ents, doc.spans.get("sc", ())) for doc in docs]
    return [
        [(span.start, span.end, span.label_) for layer in pair for span in layer] for pair in layers
    ]


@pytest.fixture(scope="module")
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Made]:
    """`made(config)`: what a config trains in two steps on a tiny model, the same at every call."""
    folder = tmp_path_factory.mktemp("configs")
    data = folder / "data.spacy"
    DocBin(docs=[example.reference for example in examples(spacy.blank("xx"))]).to_disk(data)
    for corpus in ("wnut17", "genia"):
        (folder / corpus).mkdir()
        for part in ("train", "dev"):
            (folder / corpus / f"{part}.spacy").write_bytes(data.read_bytes())
    lm = {"name": request.getfixturevalue("tiny")(), "dtype": "float32", "device": "cpu"}
    done: dict[str, Made] = {}

    def overrides(name: str) -> dict[str, Any]:
        paths = (
            {"corpora": str(folder)} if name == "coarse" else {"train": str(data), "dev": str(data)}
        )
        settings = {f"paths.{key}": path for key, path in paths.items()}
        if name == "fine":
            settings["paths.source"] = str(make("coarse").folder)
        elif name == "encoder":
            settings["paths.encoder"] = request.getfixturevalue("encoder")
        elif name == "tok2vec":
            settings |= {f"components.tok2vec.model.lm.{key}": value for key, value in lm.items()}
            settings["components.tok2vec.model.width"] = 32
        elif name not in ("ner", "spancat"):
            settings |= {
                f"components.generative_ner.model.lm.{key}": value for key, value in lm.items()
            }
        return settings | {
            "training.max_steps": 2,
            "training.eval_frequency": 2,
            "nlp.lang": "xx",
        }  # quick to load

    def make(name: str) -> Made:
        if name not in done:
            settings, output = overrides(name), folder / "trained" / name
            train(CONFIGS[name], output, overrides=settings)
            nlp = spacy.load(output / "model-last")
            done[name] = Made(
                CONFIGS[name], settings, output / "model-last", data, nlp.pipe_names, found(nlp)
            )
        return done[name]

    return make


def creates_an_optimizer(made: Made, folder: Path) -> None:
    assert isinstance(made.nlp.create_optimizer(), Optimizer)


def resumes_training(made: Made, folder: Path) -> None:
    nlp = made.nlp
    nlp.resume_training()
    losses = nlp.update(examples(nlp))
    assert losses[made.last] > 0
    if made.pipes == ["generative_ner"]:  # listeners cannot rehearse
        assert "generative_ner" in nlp.rehearse(examples(nlp))


def updates(made: Made, folder: Path) -> None:
    nlp = made.nlp
    assert nlp.update(examples(nlp))[made.last] > 0


def takes_a_label(made: Made, folder: Path) -> None:
    nlp = made.nlp
    if made.last == "spancat":  # it cannot grow
        return
    assert nlp.get_pipe(made.last).add_label("NEW") == 1
    nlp.resume_training()
    assert nlp.update(examples(nlp))[made.last] > 0
    nlp.to_disk(folder / "grown")
    assert "NEW" in spacy.load(folder / "grown").get_pipe(made.last).labels


def is_filled_and_valid(made: Made, folder: Path) -> None:
    load_config(made.config, overrides=made.overrides).to_disk(folder / "short.cfg")
    fill_config(folder / "filled.cfg", folder / "short.cfg", silent=True)
    debug_config(folder / "filled.cfg")
    debug_config(made.folder / "config.cfg")


def evaluates(made: Made, folder: Path) -> None:
    assert "speed" in evaluate(str(made.folder), made.data, silent=True)


def finds_a_threshold(made: Made, folder: Path) -> None:
    if "threshold" not in made.nlp.get_pipe_config(made.last):
        return
    _, _, scores = find_threshold(
        str(made.folder), made.data, made.last, "threshold", "spans_sc_f", n_trials=2
    )
    assert list(scores) == [0.0, 1.0]


def is_assembled(made: Made, folder: Path) -> None:
    components = {name: {"source": str(made.folder)} for name in made.pipes}
    Config({"nlp": {"lang": "xx", "pipeline": list(components)}, "components": components}).to_disk(
        folder / "a.cfg"
    )
    assert (
        CliRunner().invoke(app, ["assemble", str(folder / "a.cfg"), str(folder / "out")]).exit_code
        == 0
    )
    assert found(spacy.load(folder / "out")) == made.found


def is_packaged(made: Made, folder: Path) -> None:
    package(made.folder, folder, name="tiny", create_sdist=False)
    [config] = folder.rglob("config.cfg")
    assert found(spacy.load(config.parent)) == made.found


def is_sourced(made: Made, folder: Path) -> None:
    nlp, source = spacy.blank("xx"), made.nlp
    for name in made.pipes:
        nlp.add_pipe(name, source=source)
    nlp.to_disk(folder / "sourced")
    assert found(nlp) == found(spacy.load(folder / "sourced")) == made.found


def is_made_again_from_its_config(made: Made, folder: Path) -> None:
    nlp = made.nlp
    again = spacy.blank("xx").from_config(nlp.config)
    assert found(again.from_bytes(nlp.to_bytes())) == made.found
    again = spacy.blank("xx").from_config(nlp.config)
    optimizer = again.initialize(lambda: examples(again))
    assert again.update(examples(again), sgd=optimizer)[made.last] > 0


def is_copied(made: Made, folder: Path) -> None:
    nlp = made.nlp
    assert found(copy.deepcopy(nlp)) == found(pickle.loads(pickle.dumps(nlp))) == made.found


def is_disabled_and_enabled(made: Made, folder: Path) -> None:
    nlp = spacy.load(made.folder, disable=[made.last])
    assert found(nlp) == [[], []]
    nlp.enable_pipe(made.last)
    assert found(nlp) == made.found
    nlp.disable_pipe(made.last)
    nlp.to_disk(folder / "disabled")
    assert found(spacy.load(folder / "disabled")) == [[], []]


def is_renamed(made: Made, folder: Path) -> None:
    nlp = made.nlp
    nlp.rename_pipe(made.last, "renamed")
    nlp.to_disk(folder / "renamed")
    assert found(nlp) == found(spacy.load(folder / "renamed")) == made.found
    again = spacy.load(folder / "renamed")
    assert again.update(examples(again))["renamed"] > 0


def its_listeners_are_replaced(made: Made, folder: Path) -> None:
    nlp = made.nlp
    if len(made.pipes) < 2:
        return
    nlp.replace_listeners(made.pipes[0], made.last, ["model.tok2vec"])
    assert found(nlp) == made.found
    nlp.to_disk(folder / "replaced")
    again = spacy.load(folder / "replaced")
    assert found(again) == made.found
    again.resume_training()
    assert again.update(examples(again))[made.last] > 0


CALLS = [
    creates_an_optimizer,
    resumes_training,
    updates,
    is_filled_and_valid,
    takes_a_label,
    evaluates,
    finds_a_threshold,
    is_assembled,
    is_packaged,
    is_sourced,
    is_made_again_from_its_config,
    is_copied,
    is_disabled_and_enabled,
    is_renamed,
    its_listeners_are_replaced,
]


def cases() -> Iterator[Any]:
    """All calls for all configs. Pipelines with the component of cpu.cfg and nothing else must only
    train quickly."""
    for name, call in product(CONFIGS, CALLS):
        marks = [needs_encoder] if name == "encoder" else []
        slow = name in ("coarse", "fine", "gpu") and call not in CALLS[:4]
        yield pytest.param(
            name,
            call,
            marks=[*marks, pytest.mark.slow] if slow else marks,
            id=f"{name}-{call.__name__}",
        )


@pytest.mark.parametrize(("name", "call"), list(cases()))
def test_the_life_of_a_trained_pipeline(
    name: str, call: Callable[[Made, Path], None], made: Callable[[str], Made], tmp_path: Path
) -> None:
    call(made(name), tmp_path)


@pytest.mark.parametrize("name", CONFIGS)
def test_spacy_can_make_the_optimizer_alone(name: str) -> None:
    """It does so from the section as it is written, without other sections."""
    section = load_config(CONFIGS[name])["training"]["optimizer"]
    assert "${" not in Config(section).to_str()


@pytest.mark.parametrize("command", [["train"], ["genner", "train"]])
@pytest.mark.parametrize("name", CONFIGS)
def test_an_option_of_earlier_versions_is_refused(
    command: list[str], name: str, tmp_path: Path
) -> None:
    arguments = [*command, str(CONFIGS[name]), "--output", str(tmp_path), "--variables.steps", "10"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "variables -> steps" in result.output
