"""The model card of merged weights: what they do, and how they are used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jinja2
from spacy.language import Language
from thinc.api import Config

from ..models.generative import spellers_of
from ..pipeline.configurable import as_configured
from ..pipeline.generative_ner import GenerativeNER
from ..pipeline.saved_settings import CONFIG_PLACES
from ..types import Entity, Source
from ..weights.packages import PACKAGES
from ..weights.tuning import NoTuning
from .exporting import row_of

_SOURCE = Source(("An", "entity", "is", "marked", "like", "this", "one", "."), (0, *[1] * 6, 0))
"""The text that the card shows in a prompt; its first two words are the entity of the answer."""
_ELSEWHERE = ("revision", "adapter", "adapter_revision")
"""Settings of a language model that tell where its weights were before they were merged."""


def model_card(nlp: Language, pipe: GenerativeNER, title: str) -> str:
    """Return the model card of a component's merged weights, in Markdown.

    Args:
        nlp: The pipeline of the component.

    Raises:
        ValueError: If the component has no labels, or if its prompt cannot be rendered.
    """
    shim: Any = pipe.model.shims[0]
    lm = shim.local
    labels = pipe.label_data
    if not labels:
        raise ValueError(
            f"[{pipe.name}] has no labels, which its prompt needs: give `labels` in its config"
        )
    speller, *others = spellers_of(pipe.model, labels)
    example = speller.meant([Entity(0, 2, speller.words[0])])
    row = row_of(speller.target(_SOURCE, example), lm)
    section = _section(nlp, pipe)
    config = Config(
        {
            "nlp": {"lang": nlp.lang, "pipeline": [pipe.name]},
            "components": {pipe.name: section},
        }
    ).to_str()
    environment = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined)
    template = Path(__file__).with_name("model_card.md.jinja").read_text(encoding="utf-8")
    return environment.from_string(template).render(
        **_base(lm),
        title=title,
        component=pipe.name,
        labels=labels,
        asked=example[0].label if others else None,
        prompt=row["prompt"],
        answer=row["completion"],
        config=config.strip(),
        loss=section["model"]["loss"],
        set_labels=section["labels"] is None,
        shots=pipe.model.attrs["shots"].count,
        spans_key=pipe.spans_key,
        scores=_scores(nlp.meta.get("performance", {})),
        fence=_fence(row["prompt"] + row["completion"] + config),
    )


def _base(lm: Any) -> dict[str, Any]:
    """Return what the card tells about the base and what was trained on it."""
    name, revision, adapter = lm.named
    package, path = PACKAGES.get(name), Path(name).expanduser()
    return {
        "auto": "AutoModelForSeq2SeqLM" if lm.encoder_decoder else "AutoModelForCausalLM",
        "base": path.name if path.exists() else name,
        "causal": not lm.encoder_decoder,
        "elsewhere": lm.adapter or adapter or isinstance(lm.tuning, NoTuning),
        "dtype": str(lm.steps.model.dtype).removeprefix("torch."),
        "licence": package and package.licence,
        "on_hub": not (package or path.exists()),
        "revision": revision,
    }


def _section(nlp: Language, pipe: GenerativeNER) -> dict[str, Any]:
    """Return the config of the component with its present settings, for the merged weights."""
    section: dict[str, Any] = nlp.config.interpolate()["components"][pipe.name]
    for setting, place in CONFIG_PLACES.items():
        *path, name = place.split(".")
        parent = section
        for part in path:
            parent = parent[part]
        if setting in pipe.cfg and (setting != "template" or pipe.cfg[setting] is not None):
            parent[name] = pipe.cfg[setting]
    section["labels"] = as_configured(pipe.label_data)
    section["threshold"] = 0.0  # it was chosen for scores that may have been calibrated
    lm = section["model"]["lm"]
    for setting in _ELSEWHERE:
        lm.pop(setting, None)
    tuning = {"@misc": "spacy_genner.NoTuning.v1"}
    lm |= {"name": "FOLDER", "tuning": tuning, "bundle_base": False}
    return section


def _scores(performance: dict[str, Any]) -> dict[str, float]:
    """Return the precision, recall and F1 among the measures of a training."""
    return {
        name: value
        for name, value in performance.items()
        if name.endswith(("_p", "_r", "_f")) and isinstance(value, float)
    }


def _fence(text: str) -> str:
    """Return a fence for blocks of code that does not occur in a text."""
    return "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
