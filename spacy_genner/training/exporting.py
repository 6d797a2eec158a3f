"""Training data for trainers elsewhere: prompts and answers as text, and as token ids."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from spacy import util
from spacy.language import Language
from spacy.training import Example
from thinc.api import Config

from ..files.writing import replacing
from ..lm.language_model import LanguageModel
from ..models.generative import spellers_of
from ..models.losses import Target
from ..pipeline.generative_ner import GenerativeNER

IGNORED = -100
"""The label of a token id that the loss ignores, as transformers and torch have it."""


class Row(TypedDict):
    """The prompt for a window and its answer, as training data.

    Attributes:
        prompt: The text of the prompt, without the control tokens that the tokenizer adds itself.
        completion: The text of the answer, without the token that ends it.
        input_ids: The token ids that the model reads: those of prompt and answer, or, if the model
            has an encoder, those that the encoder reads.
        labels: The token ids that the model learns to write: for each of `input_ids` the id itself,
            or -100 in the prompt; or, if the model has an encoder, those of the answer.
    """

    prompt: str
    completion: str
    input_ids: list[int]
    labels: list[int]


@dataclass
class Exported:
    """What was exported.

    Attributes:
        prompts: The number of prompts.
        spans: The number of gold spans in all windows.
        longest: The maximum number of token ids in `input_ids`.
        lost: For each reason, the number of gold spans that are not in any window.
    """

    prompts: int = 0
    spans: int = 0
    longest: int = 0
    lost: Counter[str] = field(default_factory=Counter)


def initialize(nlp: Language, config: Config, component: str, examples: Sequence[Example]) -> None:
    """Initialize one component as a training does: with the labels and the shots of the config, or
    else of the examples.

    A component that the config takes from another pipeline keeps its labels, unless a callback of
    the config gives it others.

    Args:
        nlp: A new pipeline.
        config: The config from which it was made.

    Raises:
        ValueError: If there are no labels, or the weights cannot be loaded.
    """
    sourced = util.get_sourced_components(config.interpolate())
    enabled = [] if component in sourced else [component]
    with nlp.select_pipes(enable=enabled), warnings.catch_warnings():
        # `export` counts these spans
        warnings.filterwarnings("ignore", ".* gold spans that cannot be learnt", UserWarning)
        nlp.initialize(lambda: examples)


def export(pipe: GenerativeNER, examples: Iterable[Example], path: Path) -> Exported:
    """Write what a component learns from examples: a `Row` as a line of JSON for each window or, if
    the answers of the format do not name the label, for each label in each window.

    Examples without annotation are skipped, as in training.

    Raises:
        ValueError: If no example is annotated, or if there are no labels.
        OSError: If the file cannot be written.
    """
    shim: Any = pipe.model.shims[0]
    done = Exported()
    with replacing(path) as new, new.open("w", encoding="utf-8") as file:
        for example in examples:
            golds, lost = pipe.golds([example])
            done.lost.update(lost)
            for source, entities, labels in golds:
                done.spans += len(entities)
                for speller in spellers_of(pipe.model, labels):
                    row = row_of(speller.target(source, entities), shim.lm)
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
                    done.prompts += 1
                    done.longest = max(done.longest, len(row["input_ids"]))
        if not done.prompts:
            raise ValueError(
                "there is nothing to export: no document has spans in "
                f"doc.spans[{pipe.spans_key!r}] or doc.ents"
            )
    return done


def row_of(target: Target, lm: LanguageModel) -> Row:
    """Return a target as text and token ids.

    The text is what the ids decode to, so that the model reads the same in either spelling.
    """
    pieces, answer = lm.pieces, target.answer
    prompt = [*target.prefix, *target.prompt]
    if start := len(pieces.answer_start):  # the decoder reads it, and transformers puts it there
        prompt = prompt[:-start]
        input_ids, labels = [*prompt, *pieces.closing], answer
    else:
        input_ids, labels = [*prompt, *answer], [IGNORED] * len(prompt) + answer
    shown = prompt[len(pieces.opening) :]
    # Some tokenizers drop a space at the beginning, so the answer is decoded after its prompt.
    text, whole = (_decode(lm, ids) for ids in (shown, [*shown, *answer[:-1]]))
    return Row(prompt=text, completion=whole[len(text) :], input_ids=input_ids, labels=labels)


def _decode(lm: LanguageModel, ids: Sequence[int]) -> str:
    return str(lm.tokenizer.decode(ids, clean_up_tokenization_spaces=False))
