"""What makes a training the same one."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from spacy.language import Language
from thinc.api import Config, Model

from ..models.shim import LMShim
from ..pipeline.settings import AdjustablePipe
from .checkpoint import digest
from .trained import Trained


def identity(
    nlp: Language, config: Config, models: Mapping[str, Model[Any, Any]]
) -> dict[str, str]:
    """Hashes, by name, of what a training depends on: configuration, corpora, labels, prompts,
    weights and where they are.

    Args:
        nlp: A pipeline that is initialized and not yet trained.
        config: Its configuration, interpolated.
        models: Those of the pipes that are trained, by the names of the pipes.
    """
    result = {
        "configuration": _hash(config.to_str().encode()),
        "version of spacy-genner": version("spacy-genner"),
    }
    result |= {str(path): _hash(path.read_bytes()) for path in _files(config["corpora"])}
    result |= {"word vectors": _hash(nlp.vocab.vectors.to_bytes())}
    for name, model in models.items():
        trained = Trained({name: model})
        pipe = nlp.get_pipe(name)
        labels = getattr(pipe, "label_data", None)
        result |= {
            f"labels of {name}": _hash(json.dumps(labels).encode()),
            f"initial weights of {name}": digest(trained.weights()),
            f"device of {name}": " ".join(sorted(map(str, trained.devices))),
        }
        if isinstance(
            pipe, AdjustablePipe
        ):  # the template and the examples of its prompt may be from files
            settings = {key: value for key, value in pipe.cfg.items() if key != "labels"}
            result[f"settings of {name}"] = _hash(json.dumps(settings).encode())
        for lm in [
            shim.lm for node in model.walk() for shim in node.shims if isinstance(shim, LMShim)
        ]:
            result |= {
                f"base weights of {name}": lm.base.fingerprint + lm.base.tokenizer_hash,
                f"dtype of {name}": str(lm.dtype),
            }
    return result


def _files(section: Any) -> list[Path]:
    """Those that a section of the configuration names, and those in folders that it names."""
    if isinstance(section, dict):
        return [file for value in section.values() for file in _files(value)]
    if not isinstance(section, str | Path) or not os.path.exists(section):
        return []
    path = Path(section)
    return [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
