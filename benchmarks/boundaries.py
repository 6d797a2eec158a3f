"""What the boundaries of sentences and lines are worth in whole documents: gold spans that cross
them, and F1 with each setting on and off.

python benchmarks/boundaries.py FOLDER
"""

import random
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import spacy
import typer
from cells import Cells
from documents import CORPORA, converted
from spacy.training import Example
from spacy.util import fix_random_seed, minibatch
from thinc.api import Adam, warmup_linear

from spacy_genner.corpora.known import known_corpus
from spacy_genner.corpora.spacy_files import read_corpus
from spacy_genner.evaluation.running import annotated, evaluate
from spacy_genner.pipeline.docs import Reading, gold_spans

COMPONENT = "generative_ner"


def crossing(examples: list[Example], nlp: Any) -> dict[str, int]:
    """How many gold spans there are, and how many go across each kind of boundary."""
    counts = Counter[str]()
    for example in examples:
        read = Reading()(nlp.get_pipe("sentencizer")(example.reference.copy()))
        for entity in map(read.entity, gold_spans(example.reference, "sc") or ()):
            inside = slice(entity.start + 1, entity.end)
            counts["spans"] += 1
            counts["sentences"] += any(read.source.starts[inside])
            counts["lines"] += any(space > 1 for space in read.source.spaces[inside])
            counts["blank lines"] += any(space > 2 for space in read.source.spaces[inside])
    return dict(counts)


def trained(
    examples: list[Example], lm: dict[str, Any], steps: int, batch: int, **settings: Any
) -> Any:
    """A pipeline with a sentencizer, trained by its examples in turn."""
    fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    component: Any = nlp.add_pipe(COMPONENT, config={"model": {"lm": lm}, **settings})
    nlp.initialize(lambda: examples)
    optimizer = Adam(warmup_linear(0.001, steps // 10, steps), L2=0.0, use_averages=False)
    order = random.Random(0)
    shuffled = (
        example for _ in range(steps * batch) for example in order.sample(examples, len(examples))
    )
    for _, some in zip(range(steps), minibatch(shuffled, batch), strict=False):
        nlp.update(
            [Example(nlp.make_doc(e.text), e.reference) for e in some],
            sgd=optimizer,
            annotates=["sentencizer"],
        )
        optimizer.step_schedules()
    assert component.labels
    return nlp


def main(
    corpora: Annotated[Path, typer.Argument(help="The folder with the corpora", exists=True)],
    names: Annotated[
        list[str] | None, typer.Option("--corpus", help=f"{', '.join(CORPORA)}; all if not given")
    ] = None,
    steps: Annotated[int, typer.Option(help="Of each training")] = 60,
    model: Annotated[str, typer.Option(help="The language model")] = "smollm2-135m",
    scored: Annotated[int, typer.Option(help="Documents to score on, of each corpus")] = 100,
    output: Annotated[
        Path, typer.Option("--json", help="Results; what is there already is not done again")
    ] = Path("benchmarks/out/boundaries.json"),
) -> None:
    """Train on each corpus with lines seen and unseen, and score with sentences respected and
    ignored."""
    cells, blank = Cells(output), spacy.blank("en")
    blank.add_pipe("sentencizer")
    for name in names or CORPORA:
        train, test = (
            read_corpus(converted(name, part, corpora, output.parent), blank)
            for part in ("train", "test")
        )
        counts = cells.cell(corpus=name, model=model)
        counts["gold"] = crossing([*train, *test], blank)
        for lines in (False, True):
            key = {
                "corpus": name,
                "model": model,
                "steps": steps,
                "scored": scored,
                "line_breaks": lines,
            }
            todo = [cells.cell(**key, sentence_starts=starts) for starts in (False, True)]
            if all("f" in cell for cell in todo):
                continue
            lm = {"name": model, "gradient_checkpointing": True}  # else mspt needs over 22 GB
            batch = known_corpus(name).training.batch
            nlp = trained(train, lm, steps, batch, sentence_starts=False, line_breaks=lines)
            for cell in todo:
                nlp.get_pipe(COMPONENT).cfg["sentence_starts"] = cell["sentence_starts"]
                examples = annotated(
                    read_corpus(converted(name, "test", corpora, output.parent), nlp, scored), "sc"
                )
                total = evaluate(nlp, examples, "sc").scores.total
                cell |= {"p": total.p, "r": total.r, "f": total.f, "f_ci": total.f_ci}
                cells.save()
                typer.echo(str(cell))
    typer.echo(table(cells.all))


def table(cells: list[dict[str, Any]]) -> str:
    """A row for each corpus."""
    lines = [
        "| corpus | gold spans | across sentences | across lines | neither | sentences | lines | "
        "both |"
    ]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for counts in (cell for cell in cells if "gold" in cell):
        gold = counts["gold"]
        scores = {
            (cell["sentence_starts"], cell["line_breaks"]): f"{100 * cell['f']:.1f}"
            for cell in cells
            if cell["corpus"] == counts["corpus"] and cell.get("f") is not None
        }
        kinds = [(False, False), (True, False), (False, True), (True, True)]
        row = [counts["corpus"], *(f"{gold[kind]:,}" for kind in ("spans", "sentences", "lines"))]
        lines.append(f"| {' | '.join(row + [scores.get(kind, '–') for kind in kinds])} |")
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
