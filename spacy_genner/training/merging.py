"""The merged weights of a trained component as a plain Hugging Face folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spacy.language import Language

from ..files.writing import filling
from ..pipeline.generative_ner import GenerativeNER
from ..weights.plain_folder import save_plain
from .model_card import model_card


def merge(nlp: Language, pipe: GenerativeNER, folder: Path) -> list[str]:
    """Write the weights with which a component decodes, its tokenizer and a model card to a folder.

    Weights that are in the folder already are replaced.

    Args:
        nlp: The pipeline of the component.

    Returns:
        What the component has besides and the folder cannot hold.

    Raises:
        OSError: If the files cannot be written.
        ValueError: If the folder is the one that the base was loaded from.
        ValueError: If the component has no labels.
    """
    shim: Any = pipe.model.shims[0]
    lm = shim.local
    if folder.resolve() == lm.base.origin.resolve():
        raise ValueError(f"{folder} is the folder of the base: give another one")
    card = model_card(nlp, pipe, folder.resolve().name)
    with filling(folder, whole=[path.name for path in folder.glob("model*.safetensors*")]) as new:
        save_plain(lm.steps.model, lm.tokenizer, lm.base.origin, new)
        (new / "README.md").write_text(card, encoding="utf-8")
    parts = {
        "the draft head": lm.draft_head is not None,
        "the calibration": pipe.cfg["calibration"] is not None,
        "the threshold": bool(pipe.threshold),
        "the examples that the prompt shows": bool(pipe.model.attrs["shots"].pool),
    }
    return [part for part, present in parts.items() if present]
