"""What makes two runs the same training, so that one may continue from the other's checkpoint."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from spacy.language import Language
from thinc.api import Config, Model

from ..lm.language_model import LanguageModel
from ..models.shim import LMShim
from ..pipeline.settings import AdjustablePipe
from .checkpoint import digest
from .trained import Trained


def identity(
    nlp: Language, config: Config, models: Mapping[str, Model[Any, Any]]
) -> dict[str, str]:
    """Return hashes, by name, of what a training depends on.

    That is its config, corpora, labels, prompts, and weights with their devices.

    Args:
        nlp: A pipeline that is initialized and not yet trained.
        config: Its config, interpolated.
        models: The models of the pipes that are trained, by the names of the pipes.
    """
    result = {
        "configuration": _hash(config.to_str().encode()),
        "version of spacy-genner": version("spacy-genner"),
        "word vectors": _hash(nlp.vocab.vectors.to_bytes()),
    }
    for path in _files(config["corpora"]):
        result[str(path)] = _hash(path.read_bytes())
    for name, model in models.items():
        result |= _pipe_identity(name, nlp.get_pipe(name), model)
    return result


def _pipe_identity(name: str, pipe: object, model: Model[Any, Any]) -> dict[str, str]:
    """Return hashes, by name, of what the training of one pipe depends on."""
    trained = Trained({name: model})
    labels = getattr(pipe, "label_data", None)
    result = {
        f"labels of {name}": _hash(json.dumps(labels).encode()),
        f"initial weights of {name}": digest(trained.weights()),
        f"device of {name}": " ".join(sorted(map(str, trained.devices))),
    }
    if isinstance(pipe, AdjustablePipe):
        # These are not all in the config: the prompt's template and examples may be from files.
        settings = {key: value for key, value in pipe.cfg.items() if key != "labels"}
        result[f"settings of {name}"] = _hash(json.dumps(settings).encode())
    for node in model.walk():
        for shim in node.shims:
            lm = shim.lm if isinstance(shim, LMShim) else None
            if isinstance(lm, LanguageModel):
                hashes = lm.base.fingerprint + lm.base.tokenizer_hash
                result[f"base weights of {name}"] = hashes
                result[f"dtype of {name}"] = str(lm.dtype)
    return result


def _files(section: Any) -> Iterator[Path]:
    """Yield the files that a section of the config names, and those in the folders it names."""
    if isinstance(section, dict):
        for value in section.values():
            yield from _files(value)
    elif isinstance(section, str | Path) and os.path.exists(section):
        path = Path(section)
        if path.is_file():
            yield path
        else:
            yield from sorted(file for file in path.rglob("*") if file.is_file())


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
