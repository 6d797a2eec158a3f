"""Makes the golden pipelines: three tiny ones, saved with texts and with what they find in them.

They stand for the pipelines that people have saved. `tests/test_golden.py` holds every later
version to them, so this script is run for a new kind of pipeline only, never to make that test
pass. The transformers 4 stack writes folders that both stacks read:

    .venv-tf4/bin/python -m tests.golden.make
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import spacy
import srsly
import torch
from spacy.tokens import Span
from spacy.training import Example
from spacy.util import fix_random_seed
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from spacy_genner.decoding.calibration import Platt
from tests.conftest import SIZES, byte_level_bpe

FOLDER = Path(__file__).absolute().parent
DATA = [
    ("The University of Edinburgh bought the old factory.", [(1, 4, "ORG"), (3, 4, "GPE")]),
    ("Mrs O'Neil sold it to Essex County Council.", [(0, 2, "PER"), (5, 8, "ORG"), (5, 6, "GPE")]),
    ("Leeds is old, and so is Edinburgh.", [(0, 1, "GPE"), (7, 8, "GPE")]),
    ("No comment (so far).", []),
]
TEXTS = [
    *(text for text, _ in DATA),
    "The old factory in Leeds bought Mrs O'Neil. So is the Council of Essex [sic].",
    "University of Leeds\nMrs Edinburgh\n\nEssex County Council\n",
    "  naïve café 東京 👍🏽 | protein",
    "",
]
PIPELINES: dict[str, dict[str, Any]] = {
    "bracketed": {"steps": 20, "format": {"@misc": "spacy_genner.InlineBracketed.v1"}},
    "bio": {"steps": 14, "format": {"@misc": "spacy_genner.BIO.v1"}, "threshold": 0.3},
    "list": {"steps": 30, "format": {"@misc": "spacy_genner.OccurrenceJSON.v1"}},
}
CALIBRATED = {"bracketed": Platt(slope=0.75, intercept=0.5)}


def save_base() -> None:
    """A tiny random Llama with a tokenizer of a few hundred pieces, in the folder `tiny`."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=byte_level_bpe(), eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    tokenizer.save_pretrained("tiny")
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **SIZES)).save_pretrained("tiny")


def make(name: str, steps: int, format: dict[str, str], **settings: Any) -> None:
    """Train a pipeline a little, and save it with its findings."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    lm = {"name": "tiny", "dtype": "float32", "device": "cpu", "bundle_base": True}
    component: Any = nlp.add_pipe(
        "generative_ner", config={**settings, "model": {"lm": lm, "format": format}}
    )
    examples = []
    for text, spans in DATA:
        reference = nlp.make_doc(text)
        reference.spans["sc"] = [Span(reference, *span) for span in spans]
        examples.append(Example(nlp.make_doc(text), reference))
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01
    for _ in range(steps):
        nlp.update(examples, sgd=optimizer)
    component.calibrate(CALIBRATED.get(name))
    nlp.to_disk(FOLDER / name)
    found = [{"text": text, "spans": findings(nlp(text))} for text in TEXTS]
    srsly.write_json(FOLDER / name / "found.json", found)


def findings(doc: Any) -> list[list[Any]]:
    """Start, end, label and score of each span."""
    group = doc.spans["sc"]
    scores = [round(score, 6) for score in group.attrs["scores"].tolist()]
    return [
        [span.start, span.end, span.label_, score]
        for span, score in zip(group, scores, strict=True)
    ]


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        save_base()
        for name, settings in PIPELINES.items():
            make(name, **settings)
