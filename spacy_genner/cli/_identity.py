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
from thinc.api import Config

from ..models.checkpoint import digest, trained_weights
from ..models.shim import LMShim


def identity(nlp: Language, config: Config, shims: Mapping[str, LMShim]) -> dict[str, str]:
    """Hashes, by name, of what a training depends on: configuration, corpora, labels, weights, and where they are.

    nlp: A pipeline that is initialized and not yet trained.
    config: Its configuration, interpolated.
    shims: Those of the pipes that are trained, by the names of the pipes.
    """
    result = {"configuration": _hash(config.to_str().encode()), "version of spacy-genner": version("spacy-genner")}
    result |= {str(path): _hash(path.read_bytes()) for path in _files(config["corpora"])}
    for name, shim in shims.items():
        pipe: Any = nlp.get_pipe(name)
        lm = shim.lm
        result |= {
            f"labels of {name}": _hash(json.dumps(pipe.label_data).encode()),
            f"base weights of {name}": lm.base.fingerprint + lm.base.tokenizer_hash,
            f"initial weights of {name}": digest(trained_weights(lm)),
            f"device or dtype of {name}": f"{lm.device} {lm.dtype}",
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
