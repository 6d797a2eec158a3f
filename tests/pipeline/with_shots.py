"""Components that have all that can be saved: labels, a calibration, examples, an adapter, a draft
head."""

from __future__ import annotations

import json
from typing import Any

import spacy
from spacy.tokens import Span
from spacy.training import Example

from spacy_genner.decoding.calibration import Platt
from tests.pipeline.scripted import marked

NLP = spacy.blank("xx")
SHOTS = {"@misc": "spacy_genner.FewShot.v1", "count": 2}


def component(base: str, *labels: str, lm: dict[str, Any] | None = None, **shots: Any) -> Any:
    """One whose prompt shows examples, on a tiny language model."""
    model = {
        "lm": {"name": base, "dtype": "float32", "device": "cpu", **(lm or {})},
        "format": {"@misc": "spacy_genner.InlineBracketed.v1", "max_depth": 1},
        "prompt": {"@misc": "spacy_genner.Instruction.v1", "shots": {**SHOTS, **shots}},
    }
    pipe: Any = spacy.blank("xx").add_pipe(
        "generative_ner", config={"labels": list(labels), "model": model}
    )
    docs = [NLP.make_doc(f"{label} {number}") for label in labels for number in range(2)]
    for doc in docs:
        doc.ents = [Span(doc, 0, 1, label=doc[0].text)]
    pipe.set_shots(docs)
    pipe.calibrate(Platt(1.5, 0.25))
    return pipe


def examples(label: str) -> list[Example]:
    return [Example.from_dict(NLP.make_doc("Acme is old"), {"entities": [(0, 4, label)]})]


def state(pipe: Any) -> Any:
    """Everything that reading could change, and what the component finds."""
    lm, attrs = pipe.model.shims[0].lm, pipe.model.attrs
    found = marked(pipe(NLP("Acme is in Leeds")))
    return (
        json.dumps(pipe.cfg, sort_keys=True),
        attrs["labels"],
        attrs["shots"].pool,
        lm.base,
        lm.model,
        lm.steps,
        lm.draft_head,
        found,
    )
