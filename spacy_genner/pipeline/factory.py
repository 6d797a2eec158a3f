"""The factory `generative_ner`: its default configuration, and what no configuration can hold."""

import re
from collections.abc import Callable
from typing import Any

from spacy.language import Language
from thinc.api import Config, ConfigValidationError, Model

from .generative_ner import GenerativeNER

DEFAULT_MODEL = Config().from_str(
    """
[model]
@architectures = "spacy_genner.GenerativeNER.v1"
loss = "decisions"

[model.lm]
@misc = "spacy_genner.CausalLM.v1"
name = "smollm2-135m"

[model.lm.tuning]
@misc = "spacy_genner.LoRA.v1"

[model.format]
@misc = "spacy_genner.InlineBracketed.v1"

[model.prompt]
@misc = "spacy_genner.Instruction.v1"

[model.decoder]
@misc = "spacy_genner.SpeculativeDecoder.v1"
"""
)["model"]

_BROKEN = re.compile(r'.*[=:]\s*".*"', re.DOTALL)
"""What is left of `per:son = "a definition"` in a configuration file, where a name ends at the first colon."""


@Language.factory(
    "generative_ner",
    assigns=["doc.spans", "doc.ents", "token.ent_iob", "token.ent_type"],
    default_config={
        "model": DEFAULT_MODEL,
        "labels": None,
        "spans_key": "sc",
        "ents": "outermost",
        "overwrite_ents": False,
        "threshold": 0.0,
        "window": 256,
        "scorer": {"@scorers": "spacy_genner.generative_ner_scorer.v1"},
    },
    default_score_weights={
        "spans_sc_f": 1.0,
        "spans_sc_p": 0.0,
        "spans_sc_r": 0.0,
        "spans_sc_nested_f": 0.0,
        "ents_f": 0.0,
    },
)
def make_generative_ner(
    nlp: Language,
    name: str,
    model: Model[Any, Any],
    labels: dict[str, str] | list[str] | None,
    spans_key: str,
    ents: str,
    overwrite_ents: bool,
    threshold: float,
    window: int,
    scorer: Callable[..., dict[str, Any]] | None,
) -> GenerativeNER:
    """Construct the component from its configuration; see `GenerativeNER`.

    Raises: ValueError for labels that a configuration file cannot hold, and for settings that make no sense.
    """
    _check(labels)
    return GenerativeNER(
        nlp,
        model,
        name,
        labels=labels,
        spans_key=spans_key,
        ents=ents,
        overwrite_ents=overwrite_ents,
        threshold=threshold,
        window=window,
        scorer=scorer,
    )


def _check(labels: dict[str, str] | list[str] | None) -> None:
    items = [{name: text} for name, text in labels.items()] if isinstance(labels, dict) else [[n] for n in labels or ()]
    if broken := [item for item in items if not _survives(item)]:
        raise ValueError(
            f"labels = {broken[0]}: a configuration file would read this back as something else. A name with : or = in "
            "it, or with # or ; or [ at its start, must be in a list of names; its definition can be given by the "
            "component's `set_labels`, or in a JSON file to [initialize.components]. ${ stands for a variable"
        )


def _survives(labels: dict[str, str] | list[str]) -> bool:
    """Whether a pipeline that is saved with these labels comes back with them."""
    try:
        read = Config().from_str(Config({"component": {"labels": labels}}).to_str())["component"]["labels"]
    except ConfigValidationError:
        return False
    return bool(read == labels) and not (isinstance(labels, dict) and any(map(_BROKEN.fullmatch, labels.values())))
