"""`python -m spacy genner probe-memorisation`: does a pipeline know names and labels by heart?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from spacy.tokens import Doc
from spacy.training import Example
from typer import Argument, Option

from ..corpora.spacy_files import read_corpus
from ..evaluation.memorisation import (
    AS_IT_IS,
    Subject,
    differences,
    make_swappers,
    probe_memorisation,
)
from ..evaluation.metrics import Name, score_cells
from ..evaluation.running import Evaluation, annotated, training_names
from ..evaluation.significance import Difference
from ..evaluation.spans import read_own_spans
from ..evaluation.swapping import Swapper
from ..labels.label_set import Labels
from ..labels.schemes import make_labels
from ..printing import msg
from . import genner
from ._options import BatchSize, Component, GpuId, Limit, Model
from ._output import make_folders, write_json
from ._pipelines import generative_ner_of, load, plain_errors


@genner.command("probe-memorisation")
def probe_memorisation_cli(
    model: Model,
    data: Annotated[
        Path, Argument(help="Test documents: a .spacy file or a folder of them.", exists=True)
    ],
    train: Annotated[
        Path, Argument(help="The documents that the pipeline was trained on.", exists=True)
    ],
    names: Annotated[
        Path | None,
        Option(
            help="Annotated documents to draw new names from. Default: the test documents, whose "
            "new names then change places.",
            exists=True,
        ),
    ] = None,
    scheme: Annotated[
        str,
        Option(help="Scheme with definitions for labels that have none, such as wnut17."),
    ] = "",
    seed: Annotated[int, Option(help="Seed of the drawing of names.")] = 0,
    component: Component = "generative_ner",
    output: Annotated[
        Path | None, Option("--output", "-o", help="JSON file to write the results to.")
    ] = None,
    limit: Limit = 0,
    batch_size: BatchSize = None,
    gpu_id: GpuId = -1,
) -> None:
    """Show whether a pipeline knows the names and labels of its training by heart.

    It is scored as it is, also separately for names that occur in the training data and for those
    that do not; on the same texts with names of the training data or with new names in the place
    of their own; and asked for the labels under the names A, B, …, with and without definitions.
    Each F1 is compared with that of the pipeline as it is, by a paired bootstrap over documents.
    """
    nlp = load(model, gpu_id)
    with plain_errors():
        pipe = generative_ner_of(nlp, component)
        key = pipe.spans_key
        definitions = make_labels(scheme) if scheme else {}
        test, training = (annotated(read_corpus(path, nlp), key) for path in (data, train))
        seen, known, others = training_names(training, key), set[Name](), test
        if names:
            known, others = training_names(test, key), annotated(read_corpus(names, nlp), key)
        swappers = make_swappers(_golds(training), _golds(others), seen | known, key, seed)
        make_folders(output)
        golds = _golds(test)[: limit or None]
        subject = Subject(nlp, pipe.model, pipe.label_data, key, seen, batch_size)
        _check(subject, golds, scheme, definitions)
        runs = probe_memorisation(subject, golds, swappers, definitions)
    compared = differences(runs)
    _print(runs, compared)
    _print_swapped(swappers)
    if output:
        with plain_errors():
            write_json(output, _content(model, runs, compared, swappers, seed))
        msg.good(f"Saved the results to {output}")


def _golds(examples: Iterable[Example]) -> list[Doc]:
    return [example.reference for example in examples]


def _check(subject: Subject, golds: Sequence[Doc], scheme: str, definitions: Labels) -> None:
    """Warn about gold spans that cannot be found.

    Raises:
        ValueError: If the scheme defines none of the labels.
    """
    asked, missing = set[str](), Counter[str]()
    for gold in golds:
        labels = subject.labels_of(gold)
        asked.update(labels)
        spans = read_own_spans(gold, subject.spans_key)
        missing.update(span.label_ for span, _ in spans if span.label_ not in labels)
    if scheme and asked.isdisjoint(definitions):
        raise ValueError(
            f"--scheme {scheme} defines none of the labels {', '.join(sorted(asked))}: choose a "
            "scheme that has them, or leave it out"
        )
    if missing:
        msg.warn(
            f"{missing.total()} gold spans have labels that the pipeline is not asked for, and "
            f"cannot be found: {', '.join(sorted(missing))}"
        )


def _print(
    runs: Mapping[str, Evaluation], compared: Mapping[str, Mapping[str, Difference]]
) -> None:
    """Print the scores of the runs, and how they differ from that of the pipeline as it is."""
    rows = list[Sequence[str]]()
    for run, result in runs.items():
        others = dict(compared[run])
        plain = others.pop(AS_IT_IS, None)
        rows.append((run, *score_cells(result.scores.total), *(plain.cells if plain else ("", ""))))
        for other, difference in others.items():
            rows.append((f"  against {other}", *[""] * 4, *difference.cells))
        if run == AS_IT_IS:
            for group, score in result.scores.names.items():
                rows.append((f"  {group} names", *score_cells(score), "", ""))
    header = ("", "P", "R", "F1", "95 % interval", "difference", "p")
    msg.table(rows, header=header, aligns=("l", *"rrrrrr"), divider=True, max_col=50)


def _print_swapped(swappers: Mapping[str, Swapper]) -> None:
    """Print how many names were swapped, and why others were not."""
    for run, swapper in swappers.items():
        swapped, kept = swapper.swapped.total(), swapper.kept
        why = f", {kept.total()} stay: no other has their label ({', '.join(kept)})" if kept else ""
        msg.info(f"{run}: {swapped} names were swapped{why}")


def _content(
    model: str,
    runs: Mapping[str, Evaluation],
    compared: Mapping[str, Mapping[str, Difference]],
    swappers: Mapping[str, Swapper],
    seed: int,
) -> dict[str, Any]:
    """Return what the JSON file holds. All scores in it are fractions."""
    return {
        "model": model,
        "documents": len(runs[AS_IT_IS].documents),
        "seed": seed,
        "runs": {run: asdict(result.scores) for run, result in runs.items()},
        "differences": {
            run: {other: asdict(difference) for other, difference in others.items()}
            for run, others in compared.items()
        },
        "names": {
            run: {"swapped": swapper.swapped, "kept": swapper.kept}
            for run, swapper in swappers.items()
        },
    }
