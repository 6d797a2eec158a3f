"""`python -m spacy genner check-model`: say whether model, prompt and format belong together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Annotated

from spacy.language import Language
from spacy.training import Example
from typer import Argument, Option

from ..corpora.spacy_files import read_corpus
from ..evaluation.causes import Cause, likely_causes, notes
from ..evaluation.metrics import percent
from ..evaluation.probed import Probed
from ..evaluation.running import annotated
from ..evaluation.strays import Stray, grouped
from ..labels.label_words import words_of
from ..pipeline.docs import gold_spans
from ..pipeline.examples import GoldWindow, golds_of
from ..pipeline.generative_ner import GenerativeNER
from ..printing import msg
from . import genner
from ._options import Component, GpuId, Model
from ._output import make_folders, write_json
from ._pipelines import generative_ner_of, load, plain_errors, read_before


@genner.command("check-model")
def check_model_cli(
    model: Model,
    data: Annotated[
        Path, Argument(help="Gold documents: a .spacy file or a folder of them.", exists=True)
    ],
    component: Component = "generative_ner",
    spans_key: Annotated[
        str | None,
        Option(help="Key of the gold spans in doc.spans. Default: that of the component."),
    ] = None,
    limit: Annotated[
        int, Option(help="Use only this many documents, the first ones; 0 for all.", min=0)
    ] = 50,
    seconds: Annotated[
        float,
        Option(
            help="Stop after this time, with the documents that were used until then. At least a "
            "few documents are used, and loading the model comes on top."
        ),
    ] = 40,
    output: Annotated[
        Path | None, Option("--output", "-o", help="JSON file to write what was found to.")
    ] = None,
    gpu_id: GpuId = -1,
) -> None:
    """Say whether a language model, its prompt and its format belong together.

    The model answers freely and under constraints, and reads the gold answers: as it is set up, and
    in other ways. Where the set-up is wrong, likely causes are named, with their evidence and with
    what to change. The slower the model, the fewer documents are used.
    """
    nlp = load(model, gpu_id)
    with plain_errors():
        pipe = generative_ner_of(nlp, component)
        make_folders(output)
        examples = annotated(read_corpus(data, nlp, limit), spans_key or pipe.spans_key)
        probed = _probe(nlp, pipe, examples, spans_key or pipe.spans_key, seconds)
        causes = likely_causes(probed)
        remarks = [] if causes else notes(probed)
        _print_answers(probed)
        _print_strays(probed.strays)
        _print_causes(causes, remarks)
        if output:
            found = {"causes": [asdict(cause) for cause in causes], "notes": remarks}
            write_json(output, probed.summary() | found)
            msg.good(f"Saved what was found to {output}")


def _probe(
    nlp: Language, pipe: GenerativeNER, examples: Sequence[Example], key: str, seconds: float
) -> Probed:
    """Ask the model about gold documents.

    Raises:
        ValueError: If the model has too few positions for any of them.
    """
    from ..models.probing import named_bases, probe  # not when spaCy starts: they import torch

    lost, used = Counter[str](), list[Example]()

    def golds() -> Iterator[GoldWindow]:
        for example in examples:
            parts = pipe.parts(read_before(nlp, pipe.name, example.predicted))
            spans = gold_spans(example.reference, key) or []
            windows, reasons = golds_of(example, spans, parts.labels, parts, pipe.model)
            used.append(example)
            lost.update(reasons)
            yield from windows

    start = perf_counter()
    answers = probe(pipe.model, golds(), seconds)
    if not answers:
        raise ValueError("the language model has too few positions for any of the documents")
    msg.info(
        f"{len(used)} of {len(examples)} documents in {perf_counter() - start:.0f} s, which are "
        f"{len(answers)} prompts"
    )
    attrs = pipe.model.attrs
    label_of = words_of(pipe.label_data, attrs["label_words"])
    return Probed(answers, attrs["format"], label_of, *named_bases(pipe.model), lost)


def _print_answers(probed: Probed) -> None:
    """Print how well the model answers, and how probable the gold answers are for it."""
    total = len(probed.answers)
    rows = [
        ("free answers that are legal", f"{percent(probed.legal / total)} %"),
        ("F1 of free answers", percent(probed.free_f)),
        ("F1 with constraints", percent(probed.constrained_f)),
    ]
    rows += [
        (f"log-probability of a gold answer, spelled {how}", f"{value:.1f}")
        for how, value in zip(("by segments", "by the tokenizer"), probed.spellings, strict=True)
    ]
    rows += [(f"repairs: {kind}", str(n)) for kind, n in asdict(probed.repairs).items() if n]
    rows += [(f"gold spans that are lost: {reason}", str(n)) for reason, n in probed.lost.items()]
    msg.table(rows, aligns=("l", "r"))
    table = list[tuple[object, ...]]()
    by_way = [probed.by_place(way) for way in probed.ways]
    for place, (count, _) in by_way[0].items():
        means = [f"{places[place][1]:.2f}" if place in places else "" for places in by_way]
        table.append((place, count, *means))
    table.append(("all", "", *(f"{probed.log_prob(way):.2f}" for way in probed.ways)))
    header = ("log-probability of gold", "ids", *probed.ways)
    msg.table(table, header=header, aligns=("l", *"r" * (len(header) - 1)), divider=True)


def _print_strays(strays: Sequence[Stray]) -> None:
    """Print where free answers stray."""
    rows = list[tuple[object, ...]]()
    for kind, count, examples in grouped(strays):
        for number, one in enumerate(examples):
            head = ("", "") if number else (kind, count)
            id = "" if one.id is None else one.id
            expected = " or ".join(map(repr, one.expected))
            rows.append((*head, repr(one.before), repr(one.written), id, expected))
    if rows:
        header = ("free answers stray by", "", "after", "to", "token id", "instead of")
        msg.table(rows, header=header, aligns=tuple("lrrlrl"), divider=True, max_col=60)


def _print_causes(causes: Sequence[Cause], remarks: Sequence[str]) -> None:
    """Print what may be wrong, and what to change."""
    for number, cause in enumerate(causes, 1):
        msg.warn(f"{number}. {cause.name}", f"{cause.evidence}. To change it, {cause.change}.")
    if not causes:
        msg.good("Nothing found that is wrong with model, prompt and format")
    for remark in remarks:
        msg.warn(f"Note: {remark}")
