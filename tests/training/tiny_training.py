"""A training that takes seconds, with a score that goes up and down, and ways to stop it at a
chosen moment.

As a file for `genner train --code` it kills the process at the moment that GENNER_TEST_KILL names.
"""

import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.util import registry

from spacy_genner.training import checkpoint

SENTENCES = [
    ("Essex County Council said no", (0, 3)),
    ("The University of Edinburgh bought it", (0, 4)),
    ("Nothing happened", None),
    ("Mrs O'Neil lives in Leeds", (0, 2)),
    ("It was sold to Edinburgh Holdings", (4, 6)),
    ("Leeds won", (0, 1)),
]
CONFIG = """
[paths]
train = null
dev = null
log = null

[nlp]
lang = "en"
pipeline = ["generative_ner", "wobble"]

[components]

[components.wobble]
factory = "genner_test_wobble"

[components.generative_ner]
factory = "generative_ner"

[components.generative_ner.model]
@architectures = "spacy_genner.GenerativeNER.v1"

[components.generative_ner.model.lm]
@misc = "spacy_genner.CausalLM.v1"
name = null
dtype = "float32"
device = "cpu"

[components.generative_ner.model.lm.tuning]
@misc = "spacy_genner.LoRA.v1"
r = 4
lora_dropout = 0.2

[components.generative_ner.model.format]
@misc = "spacy_genner.InlineBracketed.v1"

[components.generative_ner.model.prompt]
@misc = "spacy_genner.Instruction.v1"

[components.generative_ner.model.decoder]
@misc = "spacy_genner.SpeculativeDecoder.v1"

[corpora]

[corpora.train]
@readers = "spacy.Corpus.v1"
path = ${paths.train}

[corpora.dev]
@readers = "spacy.Corpus.v1"
path = ${paths.dev}

[training]
seed = 1
gpu_allocator = null
max_steps = 12
eval_frequency = 2
patience = 4
dropout = 0.0
accumulate_gradient = 1
before_update = {"@callbacks": "genner_test_step.v1"}
score_weights = {"wobble": 1.0, "spans_sc_f": 0.0, "spans_sc_p": null, "spans_sc_r": null, "ents_f": null}

[training.batcher]
@batchers = "spacy.batch_by_sequence.v1"
size = 2

[training.logger]
@loggers = "spacy_genner.ConsoleLogger.v1"
output_file = ${paths.log}

[training.optimizer]
@optimizers = "Adam.v1"
use_averages = false

[training.optimizer.learn_rate]
@schedules = "warmup_linear.v1"
warmup_steps = 3
total_steps = 12
initial_rate = 0.05
"""
"""8 updates, an evaluation after each second one; of the scores 0.37, 0.11, 0.85, 0.59, 0.33 the
third is the best, and then patience ends."""


@dataclass(frozen=True)
class Training:
    """A config file and what overrides its settings."""

    config: Path
    overrides: dict[str, Any]

    def having(self, overrides: dict[str, Any]) -> "Training":
        """With other settings."""
        return replace(self, overrides=self.overrides | overrides)


@Language.factory("genner_test_wobble", default_score_weights={"wobble": 1.0})
class Wobble:
    """Scores a pipeline by how many steps it was trained."""

    def __init__(self, nlp: Language, name: str) -> None:
        self.steps = 0

    def __call__(self, doc: Doc) -> Doc:
        return doc

    def score(self, examples: Iterable[Example], **_: Any) -> dict[str, float]:
        return {"wobble": self.steps * 0.37 % 1}


@registry.callbacks("genner_test_step.v1")
def count_steps() -> Callable[[Language, dict[str, Any]], None]:
    def count(nlp: Language, state: dict[str, Any]) -> None:
        nlp.get_pipe("wobble").steps = state["step"] + 1

    return count


PLACES: dict[str, tuple[Any, str]] = {
    "update": (Language, "update"),
    "evaluate": (Language, "evaluate"),
    "to_disk": (Language, "to_disk"),
    "checkpoint": (checkpoint, "write"),
    "half": (torch, "save"),  # half of the checkpoint is written
    "whole": (Path, "replace"),  # it is written, and not yet in its place
}


def stopping(moment: str, stop: Callable[[], None]) -> tuple[Any, str, Callable[..., Any]]:
    """An object, the name of a function in it, and what to put there to stop at a moment, "update
    3" say: at its third call."""
    place, call = moment.split()
    owner, name = PLACES[place]
    function, calls = getattr(owner, name), count(1)

    def wrapped(*arguments: Any, **settings: Any) -> Any:
        if next(calls) != int(call):
            return function(*arguments, **settings)
        if place == "half":
            function(*arguments)
            arguments[1].truncate(arguments[1].tell() // 2)
            arguments[1].flush()
        return stop()

    return owner, name, wrapped


if moment := os.environ.get("GENNER_TEST_KILL"):
    setattr(*stopping(moment, lambda: os.kill(os.getpid(), signal.SIGKILL)))


def make_training(folder: Path, model: str) -> Training:
    """The training of a language model on `SENTENCES`, with its files in a folder."""
    nlp = spacy.blank("en")
    docs = []
    for text, entity in SENTENCES:
        doc = nlp(text)
        doc.spans["sc"] = [Span(doc, *entity, label="ORG")] if entity else []
        doc.ents = doc.spans["sc"]
        for token in doc:
            token.tag_, token.lemma_ = "X" if token.ent_type_ else token.shape_, f"be{token.text}"
        docs.append(doc)
    DocBin(docs=docs).to_disk(folder / "train.spacy")
    DocBin(docs=[*docs[1:3], nlp("words that are only here")]).to_disk(folder / "dev.spacy")
    (folder / "config.cfg").write_text(CONFIG, encoding="utf8")
    names = {"paths.train": "train.spacy", "paths.dev": "dev.spacy", "paths.log": "log.jsonl"}
    overrides = {key: str(folder / name) for key, name in names.items()}
    return Training(
        folder / "config.cfg", {**overrides, "components.generative_ner.model.lm.name": model}
    )
