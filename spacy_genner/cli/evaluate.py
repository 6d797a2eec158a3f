"""`genner evaluate`: score the spans or entities of any pipeline, as metrics and as a page."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import srsly
import typer

from ..corpora.spacy_files import read_corpus
from ..evaluation.curve import charts, read_log
from ..evaluation.page import write_page
from ..evaluation.rows import row
from ..evaluation.running import Evaluation, annotated, evaluate, summary, training_names
from ..files.writing import replacing
from ..printing import msg
from . import genner
from ._pipelines import load, plain_errors


class PredictedLayer(str, Enum):
    """Where to read predictions."""

    auto = "auto"
    spans = "spans"
    ents = "ents"


@genner.command("evaluate")
def evaluate_cli(
    model: Annotated[str, typer.Argument(help="Pipeline: a folder or an installed package")],
    data: Annotated[
        Path, typer.Argument(help="Gold documents: a .spacy file or a folder of them", exists=True)
    ],
    spans_key: Annotated[str, typer.Option(help="Key of doc.spans, gold and predicted")] = "sc",
    predicted: Annotated[
        PredictedLayer,
        typer.Option(help="What to score; auto: doc.spans[spans-key] if it is there"),
    ] = PredictedLayer.auto,
    train: Annotated[
        Path | None, typer.Option(help="Training part, for seen and unseen names", exists=True)
    ] = None,
    name: Annotated[
        str, typer.Option(help="What `compare` calls this system; default: the file's name")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Metrics to write, as JSON")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="HTML page to write")] = None,
    html_limit: Annotated[int, typer.Option(help="How many documents the page shows", min=0)] = 100,
    training_log: Annotated[
        Path | None, typer.Option(help="output_file of [training.logger]", exists=True)
    ] = None,
    limit: Annotated[int, typer.Option(help="Score only the first documents; 0: all", min=0)] = 0,
    batch_size: Annotated[
        int | None, typer.Option(help="Documents in a batch; default: the pipeline's", min=1)
    ] = None,
    gpu_id: Annotated[
        int, typer.Option("--gpu-id", "-g", help="GPU of thinc's own layers; -1: CPU")
    ] = -1,
) -> None:
    """Score the spans of a pipeline: in total, per type, flat and nested, seen and unseen names."""
    nlp = load(model, gpu_id)
    with plain_errors():
        curve = charts(read_log(training_log)) if training_log else []
        corpus = read_corpus(data, nlp, limit)
        examples = annotated(corpus, spans_key)
        seen = training_names(read_corpus(train, nlp), spans_key) if train else None
        for path in filter(None, (output, html)):
            path.parent.mkdir(parents=True, exist_ok=True)
    if len(examples) < len(corpus):
        msg.warn(
            f"{len(corpus) - len(examples)} of {len(corpus)} documents have no gold annotation: "
            "not scored"
        )
    result = evaluate(nlp, examples, spans_key, predicted.value, seen, batch_size)
    metrics = summary(nlp, result, name)
    _print(result, spans_key)
    for component, repairs in metrics["repairs"].items():
        msg.table(
            list(repairs.items()),
            header=(f"repairs of {component}", ""),
            aligns=("l", "r"),
            divider=True,
        )
    with plain_errors():
        if output:
            with replacing(output) as new:
                srsly.write_json(new, metrics)
            msg.good(f"Saved the metrics to {output}")
        if html:
            shown = zip(examples[:html_limit], result.predicted, result.gold, strict=False)
            rows = [
                row(example.predicted, predicted, example.reference, gold)
                for example, predicted, gold in shown
            ]
            title = f"{name or metrics['model']} on {data.name}"
            facts = {
                "version": metrics["version"],
                "spaCy": metrics["spacy_version"],
                "components": ", ".join(nlp.pipe_names),
            }
            facts |= {
                "documents": f"{len(examples):,}",
                "documents/s": f"{metrics['docs_per_second']:.1f}",
            }
            write_page(html, title, facts, rows, result.scores, curve)
            msg.good(f"Saved the page to {html}")


def _print(result: Evaluation, spans_key: str) -> None:
    table: list[tuple[object, ...]] = []
    for section in result.scores.sections.values():
        table += [("",) * 7] if table else []
        for name, s in section.items():
            interval = "–" if s.f_ci is None else f"{100 * s.f_ci[0]:.1f} to {100 * s.f_ci[1]:.1f}"
            rates = ["–" if rate is None else f"{100 * rate:.1f}" for rate in (s.p, s.r, s.f)]
            table.append((name, *rates, interval, s.gold, s.predicted))
    header = ("", "P", "R", "F1", "95 % of F1", "gold", "predicted")
    msg.table(table, header=header, aligns=("l", *"rrrrrr"), divider=True)
    speed = f"{len(result.gold)} documents in {result.seconds:.1f} s"
    msg.info(
        f"{speed}; gold spans from doc.{result.layers['gold']}, predicted ones from "
        f"doc.{result.layers['predicted']}"
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
