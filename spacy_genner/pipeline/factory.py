"""The factory `generative_ner`, and its default config."""

from collections.abc import Callable
from typing import Any

from spacy.language import Language
from thinc.api import Config, Model

from ..labels.label_sampling import Sampling
from .configurable import check_label_words, check_labels, check_threshold
from .generative_ner import GenerativeNER
from .saved_settings import Threshold

DEFAULT_MODEL = Config().from_str(
    """
[model]
@architectures = "spacy_genner.GenerativeNER.v1"
loss = "decisions"

[model.lm]
@misc = "spacy_genner.CausalLM.v1"
name = "smollm2-135m"

[model.format]
@misc = "spacy_genner.InlineBracketed.v1"

[model.prompt]
@misc = "spacy_genner.Instruction.v1"

[model.decoder]
@misc = "spacy_genner.SpeculativeDecoder.v1"
"""
)["model"]


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
        "sentence_starts": True,
        "line_breaks": True,
        "sampling": None,
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
    threshold: Threshold,
    window: int,
    sentence_starts: bool,
    line_breaks: bool,
    sampling: Sampling | None,
    scorer: Callable[..., dict[str, Any]] | None,
) -> GenerativeNER:
    """Make the component from its config; see `GenerativeNER` for the settings.

    Raises:
        ValueError: If a config file cannot hold the labels, the model's words for them or their
            thresholds, or if a setting has a value that it cannot have.
    """
    check_labels(labels)
    check_label_words(model.attrs.get("label_words", {}), labels)
    check_threshold(threshold, labels)
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
        sentence_starts=sentence_starts,
        line_breaks=line_breaks,
        sampling=sampling,
        scorer=scorer,
    )
