"""`python -m spacy genner evaluate`: score any pipeline on gold documents."""

from __future__ import annotations

from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Annotated

import srsly
from typer import Argument, Option

from ..corpora.spacy_files import read_corpus
from ..evaluation.curve import charts, read_log
from ..evaluation.errors import errors_of
from ..evaluation.metrics import Score, score_cells
from ..evaluation.page import write_page
from ..evaluation.reliability import Reliabilities, charts_of, reliabilities
from ..evaluation.rows import compared_rows
from ..evaluation.running import (
    Evaluation,
    annotated,
    evaluate,
    facts,
    outcomes,
    summary,
    training_names,
)
from ..files.writing import replacing
from ..printing import msg
from . import genner
from ._options import BatchSize, GpuId, Html, HtmlLimit, Limit, Model
from ._output import make_folders
from ._pipelines import load, plain_errors


class PredictedLayer(str, Enum):
    """The places where predictions may be read."""

    auto = "auto"
    spans = "spans"
    ents = "ents"


@genner.command("evaluate")
def evaluate_cli(
    model: Model,
    data: Annotated[
        Path, Argument(help="Gold documents: a .spacy file or a folder of them.", exists=True)
    ],
    spans_key: Annotated[
        str,
        Option(
            help="Key of the spans in doc.spans. In gold documents without that key, doc.ents are "
            "used; for the predictions, see --predicted."
        ),
    ] = "sc",
    predicted: Annotated[
        PredictedLayer,
        Option(
            help="Where to read predictions. auto: doc.spans[spans-key] if any document has that "
            "key, or else doc.ents."
        ),
    ] = PredictedLayer.auto,
    train: Annotated[
        Path | None,
        Option(
            help="Training documents, to score seen and unseen names separately.",
            exists=True,
        ),
    ] = None,
    name: Annotated[
        str,
        Option(
            help="Name of this system for `compare`, the same for its runs with several seeds. "
            "Default: the name of the metrics file."
        ),
    ] = "",
    output: Annotated[
        Path | None, Option("--output", "-o", help="JSON file to write the metrics to.")
    ] = None,
    html: Html = None,
    html_limit: HtmlLimit = 100,
    training_log: Annotated[
        Path | None,
        Option(
            help="The output_file of [training.logger], to draw the training curve on the page.",
            exists=True,
        ),
    ] = None,
    limit: Limit = 0,
    batch_size: BatchSize = None,
    gpu_id: GpuId = -1,
) -> None:
    """Score the spans of a pipeline on gold documents.

    The scores are for all spans, for each type, for flat and for nested spans, for those nested in
    a span of their own type, by depth of nesting, by length and, with --train, for seen and for
    unseen names. The errors are counted by their kinds: label, boundary, both, missed or spurious.
    """
    nlp = load(model, gpu_id)
    with plain_errors():
        curve = charts(read_log(training_log)) if training_log else []
        corpus = read_corpus(data, nlp, limit)
        examples = annotated(corpus, spans_key)
        seen = training_names(read_corpus(train, nlp), spans_key) if train else None
        make_folders(output, html)
    if len(examples) < len(corpus):
        skipped = len(corpus) - len(examples)
        msg.warn(f"{skipped} of {len(corpus)} documents have no gold annotation: not scored")
    result = evaluate(nlp, examples, spans_key, predicted.value, seen, batch_size)
    measured = reliabilities(outcomes(result))
    metrics = summary(nlp, result, name)
    metrics["reliability"] = asdict(measured) if measured else None
    errors = errors_of(result.documents)
    metrics["errors"] = asdict(errors)
    _print(result, spans_key)
    kinds = errors.table
    msg.table(kinds.rows, header=kinds.header, aligns=("l", *"rrrrrr"), divider=True)
    if measured:
        _print_reliability(measured)
    for component, repairs in metrics["repairs"].items():
        header = (f"repairs of {component}", "")
        msg.table(list(repairs.items()), header=header, aligns=("l", "r"), divider=True)
    with plain_errors():
        if output:
            with replacing(output) as new:
                srsly.write_json(new, metrics)
            msg.good(f"Saved the metrics to {output}")
        if html:
            title = f"{name or metrics['model']} on {data.name}"
            rows = compared_rows(examples, result.predicted, result.gold, html_limit)
            gold = result.scores.total.gold
            write_page(
                html,
                title,
                facts(metrics),
                rows,
                result.scores,
                curve,
                charts_of(measured.total, gold) if measured else (),
                [kinds],
                errors.confusion,
            )
            msg.good(f"Saved the page to {html}")


def _print(result: Evaluation, spans_key: str) -> None:
    """Print the scores, where the spans were read, and what may be wrong with the evaluation."""
    table: list[tuple[object, ...]] = []
    for section in result.scores.sections.values():
        if table:
            table.append(("",) * 7)
        table += [_table_row(name, score) for name, score in section.items()]
    header = ("", "P", "R", "F1", "95 % of F1", "gold", "predicted")
    msg.table(table, header=header, aligns=("l", *"rrrrrr"), divider=True)
    msg.info(
        f"{len(result.gold)} documents in {result.seconds:.1f} s; gold spans from "
        f"doc.{result.layers['gold']}, predicted ones from doc.{result.layers['predicted']}"
    )
    if result.failed:
        msg.warn(
            f"{result.failed} documents failed in the pipeline and count as documents without "
            "predictions"
        )
    if not result.scores.total.predicted:
        msg.warn(
            f"The pipeline predicted nothing there: check --predicted and --spans-key {spans_key}"
        )


def _print_reliability(measured: Reliabilities) -> None:
    """Print how far the scores can be relied on."""
    rows = []
    for name, group in {"scores of all": measured.total, **measured.types}.items():
        numbers = (group.ece, group.chance, group.brier, group.aurc)
        rows.append((name, group.spans, *(f"{number:.3f}" for number in numbers)))
    header = ("", "spans", "calibration error", "by chance", "Brier score", "AURC")
    msg.table(rows, header=header, aligns=("l", *"rrrrr"), divider=True)


def _table_row(name: str, score: Score) -> tuple[object, ...]:
    return name, *score_cells(score), score.gold, score.predicted
