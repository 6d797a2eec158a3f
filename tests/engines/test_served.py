"""What all language models have in common that another engine runs: here, one of this package."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from typer.testing import CliRunner

from spacy_genner.decoding.interfaces import Engine
from spacy_genner.engines.probe import differing
from spacy_genner.engines.served import ServedLM
from spacy_genner.lm.causal import CausalLM

NAME = "generative_ner"
TEXTS = ["Ann Lee met Essex Police in Leeds", "Nothing here", "The University of Edinburgh"]
LABELS = ["PER", "ORG", "GPE"]


@spacy.registry.misc("tests.Here.v1")
class Here(ServedLM):
    """A model that is run in this process; its weights may be another model's.

    started: How many engines there are in this process.
    """

    positions = 500.0
    started = 0

    def __init__(self, name: str, *, weights: str | None = None) -> None:
        super().__init__(name)
        self._weights = weights or name

    def _start(self) -> Engine:
        Here.started += 1
        return CausalLM(self._weights, dtype="float32", device="cpu").engine


def pipeline(name: str, here: bool = True, **settings: Any) -> Language:
    nlp = spacy.blank("en")
    lm = {"@misc": "tests.Here.v1", **settings} if here else {"dtype": "float32", "device": "cpu"}
    lm["name"] = name
    decoder = {"@misc": "spacy_genner.GreedyDecoder.v1"}
    format = {"@misc": "spacy_genner.BIO.v1"}  # a random model marks something in it
    model = {"lm": lm, "decoder": decoder, "format": format}
    nlp.add_pipe(NAME, config={"labels": LABELS, "model": model})
    return nlp


def found(nlp: Language) -> list[list[tuple[int, int, str, float]]]:
    return [spans(doc) for doc in nlp.pipe(TEXTS)]


def spans(doc: Doc) -> list[tuple[int, int, str, float]]:
    group = doc.spans["sc"]
    scores = group.attrs["scores"]
    return [(s.start, s.end, s.label_, float(x)) for s, x in zip(group, scores, strict=True)]


@pytest.fixture
def nlp(tiny: Callable[..., str]) -> Language:
    return pipeline(tiny())


def test_it_finds_what_the_same_model_finds_in_this_package(
    nlp: Language, tiny: Callable[..., str]
) -> None:
    expected = found(pipeline(tiny(), here=False))
    assert found(nlp) == expected and any(expected)


WAYS: dict[str, Callable[[Language, Path], Language]] = {
    "disk": lambda nlp, path: (nlp.to_disk(path), spacy.load(path))[1],
    "bytes": lambda nlp, _: spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes()),
    "pickle": lambda nlp, _: pickle.loads(pickle.dumps(nlp)),
    "deepcopy": lambda nlp, _: copy.deepcopy(nlp),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_saved_pipeline_finds_the_same(nlp: Language, tmp_path: Path, way: str) -> None:
    expected = found(nlp)
    assert found(WAYS[way](nlp, tmp_path)) == expected


def test_an_engine_starts_when_it_is_first_needed(nlp: Language) -> None:
    before = Here.started
    again = pickle.loads(pickle.dumps(nlp))
    assert Here.started == before
    found(again)
    found(again)
    assert Here.started == before + 1


def test_another_model_is_refused(nlp: Language, tiny: Callable[..., str], tmp_path: Path) -> None:
    nlp.to_disk(tmp_path)
    other = {"components": {NAME: {"model": {"lm": {"weights": tiny("qwen3")}}}}}
    with pytest.raises(ValueError, match=r"answers in another way: it runs another model"):
        spacy.load(tmp_path, config=other)


def test_another_tokenizer_is_refused(
    nlp: Language, tiny: Callable[..., str], tmp_path: Path
) -> None:
    nlp.to_disk(tmp_path)
    other = {"components": {NAME: {"model": {"lm": {"name": tiny("llama", "spm")}}}}}
    with pytest.raises(ValueError, match="has another tokenizer: give the same model"):
        spacy.load(tmp_path, config=other)


def test_a_pipeline_of_this_package_goes_on_with_another_engine(
    tiny: Callable[..., str], tmp_path: Path
) -> None:
    """Labels, threshold and calibration come with it."""
    trained = pipeline(tiny(), here=False)
    trained.get_pipe(NAME).threshold = 0.3
    expected = found(trained)
    trained.to_disk(tmp_path)
    config = spacy.util.load_config(tmp_path / "config.cfg")
    config["components"][NAME]["model"]["lm"] = {"@misc": "tests.Here.v1", "name": tiny()}
    nlp = spacy.util.load_model_from_config(config).from_disk(tmp_path)
    assert found(nlp) == expected and nlp.get_pipe(NAME).threshold == 0.3


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.unlink(),
        lambda file: file.write_text("{"),
        lambda file: file.write_text("{}"),
    ],
)
def test_a_damaged_file_is_called_so(
    nlp: Language, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    nlp.to_disk(tmp_path)
    [file] = tmp_path.rglob("engine.json")
    damage(file)
    with pytest.raises(ValueError, match=r"engine\.json"):
        spacy.load(tmp_path)


def test_it_cannot_be_trained(nlp: Language) -> None:
    example = Example.from_dict(nlp.make_doc(TEXTS[0]), {"entities": [(0, 7, "PER")]})
    example.reference.spans["sc"] = [spacy.tokens.Span(example.reference, 0, 2, label="PER")]
    with pytest.raises(ValueError, match=r"Here\.v1 only decodes: .*frozen_components"):
        nlp.update([example])


def test_a_frozen_one_lets_others_train(nlp: Language) -> None:
    nlp.add_pipe("textcat").add_label("a")
    nlp.get_pipe("textcat").add_label("b")
    example = Example.from_dict(nlp.make_doc(TEXTS[0]), {"cats": {"a": 1.0, "b": 0.0}})
    with nlp.select_pipes(enable=["textcat"]):
        optimizer = nlp.initialize(lambda: [example])
    losses = nlp.update([example], sgd=optimizer, exclude=[NAME])
    assert losses["textcat"] > 0


@pytest.mark.parametrize("command", ["merge", "check-model", "show-prompt", "train-drafts"])
def test_commands_that_need_the_weights_say_so(nlp: Language, tmp_path: Path, command: str) -> None:
    from spacy_genner.cli import genner

    nlp.to_disk(tmp_path / "model")
    data = tmp_path / "data.spacy"
    doc = nlp.make_doc(TEXTS[0])
    doc.spans["sc"] = [spacy.tokens.Span(doc, 0, 2, label="PER")]
    spacy.tokens.DocBin(docs=[doc]).to_disk(data)
    arguments = {
        "merge": [tmp_path / "merged"],
        "check-model": [data],
        "show-prompt": [TEXTS[0]],
        "train-drafts": [data, tmp_path / "drafts"],
    }[command]
    result = CliRunner().invoke(genner, [command, str(tmp_path / "model"), *map(str, arguments)])
    assert result.exit_code != 0
    assert "only decodes" in " ".join(result.output.split())


def test_the_probe_tells_models_apart(tiny: Callable[..., str]) -> None:
    one, same, other = Here(tiny()), Here(tiny()), Here(tiny(), weights=tiny("qwen3"))
    assert not differing(one.probe(), same.probe())
    assert differing(one.probe(), other.probe())
    assert differing(one.probe(), one.probe()[1:])
    assert json.loads(json.dumps(one.probe())) == one.probe()
