"""`python -m spacy genner probe-ability`: what else can the language model do, before and after
tuning?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from ..evaluation.ability import Change, Harness, task_changes, text_changes
from ..files.text_files import read_text
from ..pipeline.generative_ner import GenerativeNER
from ..printing import msg
from . import genner
from ._options import Component, GpuId, Model
from ._output import make_folders, write_json
from ._pipelines import MENDABLE, generative_ner_of, load, plain_errors


@genner.command("probe-ability")
def probe_ability_cli(
    model: Model,
    texts: Annotated[
        list[Path] | None,
        Argument(
            help="Text files in UTF-8 that the model was not trained on; .gz as well.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    task: Annotated[
        list[str] | None,
        Option(help="Task of lm-evaluation-harness, such as hellaswag; can be repeated."),
    ] = None,
    include_path: Annotated[
        Path | None, Option(help="Folder of your own tasks.", exists=True, file_okay=False)
    ] = None,
    limit: Annotated[
        int, Option(help="Use only this many examples of a task; 0 for all.", min=0)
    ] = 0,
    num_fewshot: Annotated[
        int | None,
        Option(help="Number of solved examples in a prompt. Default: that of the task.", min=0),
    ] = None,
    batch_size: Annotated[int, Option(help="Number of prompts of a batch.", min=1)] = 8,
    context: Annotated[
        int,
        Option(help="Number of token ids of a text that the model reads at once.", min=2),
    ] = 1024,
    output: Annotated[
        Path | None, Option("--output", "-o", help="JSON file to write what was found to.")
    ] = None,
    component: Component = "generative_ner",
    gpu_id: GpuId = -1,
) -> None:
    """Measure what else the language model can do, before and after tuning.

    On plain texts, the perplexity and the bits per byte are measured; the tasks are those of
    EleutherAI's lm-evaluation-harness, or your own. Before tuning means the base weights alone, and
    after tuning the weights with which the pipeline decodes.
    """
    nlp = load(model, gpu_id)
    with plain_errors((*MENDABLE, ImportError)):
        if not texts and not task:
            raise ValueError("there is nothing to measure: give text files, or tasks as --task")
        lm = _tuned(generative_ner_of(nlp, component))
        make_folders(output)
        contents = [(path.name, _read(path)) for path in texts or []]
        context = int(min(context, lm.positions - len(lm.pieces.encode_prefix(""))))
        models = (lm.base_steps, lm.base.tokenizer), (lm.steps, lm.tokenizer)
        of_tasks = list[Change]()
        if task:  # first, because their examples may be out of reach
            ask = Harness(
                task, include_path, limit=limit or None, shots=num_fewshot, batch_size=batch_size
            )
            of_tasks = task_changes(*(ask(steps.model, tokenizer) for steps, tokenizer in models))
        changes = [*_of_texts(models, contents, context), *of_tasks]
        _print(changes)
        if output:
            settings = {"context": context, "limit": limit, "num_fewshot": num_fewshot}
            found = [change.record() for change in changes]
            write_json(
                output, {"model": model, "base": lm.named.base, **settings, "changes": found}
            )
            msg.good(f"Saved what was found to {output}")


def _tuned(pipe: GenerativeNER) -> Any:
    """Return the language model of a component, and say what is compared.

    Raises:
        ValueError: If it is not a causal language model in this process.
        ValueError: If nothing in it was tuned.
    """
    from ..lm.causal import CausalLM  # not when spaCy starts: they import torch
    from ..weights.tuning import FullTuning

    shim: Any = pipe.model.shims[0]
    lm = shim.local
    if not isinstance(lm, CausalLM):
        raise ValueError(
            f"{lm.named.base!r} is an encoder–decoder model, which was not trained to go on with "
            "plain text: give a pipeline with a spacy_genner.CausalLM.v1"
        )
    if lm.steps.model is lm.base.model:
        raise ValueError(
            f"there is nothing to compare: the pipeline decodes with the weights of "
            f"{lm.named.base!r} as they are. Give one that was trained, or that has an adapter"
        )
    tuned = "all its weights" if isinstance(lm.tuning, FullTuning) else "its adapter"
    msg.info(f"Before: {lm.named.base} as it was. After: the same with {tuned} as tuned")
    return lm


def _read(path: Path) -> str:
    """Return the text of a file.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is empty, or not text.
    """
    text = read_text(path)
    if not text.strip():
        raise ValueError(f"{path} has no text")
    return text


def _of_texts(
    models: Sequence[tuple[Any, Any]], texts: Sequence[tuple[str, str]], context: int
) -> list[Change]:
    """Return how well two step models, each with its tokenizer, predict texts with these names."""
    from ..lm.surprisal import surprisal  # not when spaCy starts: it imports torch

    changes = list[Change]()
    for name, text in texts:
        before, after = (surprisal(steps, tokenizer, text, context) for steps, tokenizer in models)
        changes += text_changes(name, text, before, after)
    return changes


def _print(changes: Sequence[Change]) -> None:
    """Print the values of all measures, with their standard errors."""
    rows = [
        (
            change.name,
            f"{change.size:,}",
            change.measure,
            _shown(f"{change.before:.4f}", change.before_error),
            _shown(f"{change.after:.4f}", change.after_error),
            _shown(f"{change.difference:+.4f}", change.difference_error),
        )
        for change in changes
    ]
    header = ("", "bytes or examples", "measure", "before", "after", "difference")
    msg.table(rows, header=header, aligns=tuple("lrlrrr"), divider=True)


def _shown(value: str, error: float | None) -> str:
    """Return a value as the table shows it, with its standard error if there is one."""
    return value if error is None else f"{value} ± {error:.4f}"
