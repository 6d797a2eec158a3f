"""`python -m spacy genner show-prompt`: print what the language model reads and writes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument

from ..printing import msg
from ..text import Text, visible
from . import genner
from ._options import Component, GpuId, Model
from ._pipelines import generative_ner_of, load, plain_errors, read_before

if TYPE_CHECKING:
    from ..models.transcript import Transcript

_TEXT = "Mrs Okafor of Essex County Council met the mayor of Leeds on Friday."
_LAST = 3
"""The number of token ids at the end of the prompt that the table shows before the answer."""


@genner.command("show-prompt")
def show_prompt_cli(
    model: Model,
    text: Annotated[str, Argument(help="Text to ask about.")] = _TEXT,
    component: Component = "generative_ner",
    gpu_id: GpuId = -1,
) -> None:
    """Print the prompt for a text and the model's answer, as text and as token ids.

    The prompt is printed as it is, with its control tokens, so that it can be compared with the one
    that the model was trained on. The table has the probability of each token id of the answer:
    among all token ids, and, where several were legal, among these, with the best of the others.
    Each window of a long text has a prompt of its own.
    """
    from ..models.transcript import transcribe  # not when spaCy starts, as it imports torch

    nlp = load(model, gpu_id)
    with plain_errors():
        pipe = generative_ner_of(nlp, component)
        parts = pipe.parts(read_before(nlp, component, nlp.make_doc(text)))
        shim: Any = pipe.model.shims[0]
        for number, window in enumerate(parts.windows, 1):
            if len(parts.windows) > 1:
                msg.divider(f"Window {number} of {len(parts.windows)}", char="#")
            for transcript in transcribe(pipe.model, *parts.asked(window)):
                if transcript:
                    _print(transcript, shim.lm.tokenizer)
                else:
                    msg.warn(
                        "The answer outgrows the positions of the language model: the pipeline "
                        "reads this window in halves"
                    )


def _print(transcript: Transcript, tokenizer: Any) -> None:
    for title, ids in (("Prompt", transcript.prompt), ("Answer", transcript.answer)):
        msg.divider(f"{title}, {len(ids)} token ids")
        text = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
        typer.echo("\n".join(map(visible, text.split("\n"))))
        msg.divider(f"End of the {title.lower()}; its token ids")
        typer.echo(ids)
    header = ("", "id", "piece", "% of all", "% of legal", "next best")
    msg.table(_rows(transcript, tokenizer), header=header, aligns=tuple("rrlrrl"), divider=True)
    source = Text(transcript.source.words, transcript.source.spaces)
    entities = [(source(e.start, e.end), e.label, f"{e.score:.2f}") for e in transcript.entities]
    msg.table(entities, header=("entity", "label", "score"), divider=True)


def _rows(transcript: Transcript, tokenizer: Any) -> list[tuple[object, ...]]:
    """Return the rows of the table: the last token ids of the prompt, then those of the answer."""
    piece = tokenizer.convert_ids_to_tokens
    rows: list[tuple[object, ...]] = [
        ("prompt", id, piece(id), "", "", "") for id in transcript.prompt[-_LAST:]
    ]
    among_legal = dict[int, tuple[str, str]]()
    for decision, log_probs in zip(transcript.decisions, transcript.choices, strict=True):
        choices = list(zip(log_probs, decision.choices, strict=True))
        chosen, _ = choices.pop(decision.chosen)
        log_prob, best = max(choices)
        among_legal[decision.position] = (_percent(chosen), f"{_percent(log_prob)} {piece(best)}")
    for place, (id, log_prob) in enumerate(
        zip(transcript.answer, transcript.log_probs, strict=True)
    ):
        rows.append((place, id, piece(id), _percent(log_prob), *among_legal.get(place, ("", ""))))
    return rows


def _percent(log_prob: float) -> str:
    return f"{100 * math.exp(log_prob):.1f}"
