"""The smallest configuration that trains the component, for tests to add to, and data for it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import spacy
from spacy.tokens import DocBin, Span
from thinc.api import Config

Annotated = tuple[str, list[tuple[int, int, str]]]
"""A text with its spans."""


def training_config(data: Path, lm: dict[str, Any], training: dict[str, Any]) -> Config:
    """Trains on a .spacy file and evaluates on the same, with these settings of the language model
    and of training."""
    lm = {"@misc": "spacy_genner.CausalLM.v1", "dtype": "float32", "device": "cpu", **lm}
    model = {"@architectures": "spacy_genner.GenerativeNER.v1", "lm": lm}
    corpora = {
        name: {"@readers": "spacy.Corpus.v1", "path": str(data)} for name in ("train", "dev")
    }
    sections = {
        "nlp": {"lang": "en", "pipeline": ["generative_ner"]},
        "components": {"generative_ner": {"factory": "generative_ner", "model": model}},
        "corpora": corpora,
        "training": {"optimizer": {"@optimizers": "Adam.v1", "learn_rate": 0.01}, **training},
        "initialize": {},
    }
    return Config(sections)


def write_docs(path: Path, data: Iterable[Annotated], *others: str) -> Path:
    """A .spacy file of annotated texts, and of others that are not. Returns: the path."""
    nlp = spacy.blank("xx")
    docs = [nlp(text) for text, _ in data]
    for doc, (_, spans) in zip(docs, data, strict=True):
        doc.spans["sc"] = [Span(doc, *span) for span in spans]
    DocBin(docs=[*docs, *map(nlp, others)]).to_disk(path)
    return path
