"""How many documents have other spans in batches of another size, in bfloat16 and in float32.

python benchmarks/batches.py training/demo/model-drafts corpus/test.spacy
"""

from pathlib import Path
from typing import Annotated, Any

import spacy
import typer
from cells import Cells
from spacy.tokens import DocBin

COMPONENT = "generative_ner"


def found(
    model: Path, texts: list[str], dtype: str, batch_size: int
) -> list[set[tuple[int, int, str]]]:
    """The spans of each text."""
    nlp = spacy.load(model, config={"components": {COMPONENT: {"model": {"lm": {"dtype": dtype}}}}})
    pipe: Any = nlp.get_pipe(COMPONENT)
    docs = nlp.pipe(texts, batch_size=batch_size)
    return [
        {(span.start, span.end, span.label_) for span in doc.spans[pipe.spans_key]} for doc in docs
    ]


def main(
    model: Annotated[Path, typer.Argument(help="A trained pipeline", exists=True)],
    data: Annotated[Path, typer.Argument(help="Documents, .spacy", exists=True)],
    batch_size: Annotated[int, typer.Option(help="To compare with batches of one document")] = 64,
    output: Annotated[
        Path, typer.Option("--json", help="Results; what is there already is not done again")
    ] = Path("benchmarks/out/batches.json"),
) -> None:
    """Count the documents that differ."""
    cells = Cells(output)
    texts = [doc.text for doc in DocBin().from_disk(data).get_docs(spacy.blank("xx").vocab)]
    for dtype in ("bfloat16", "float32"):
        cell = cells.cell(model=str(model), data=str(data), dtype=dtype, batch_size=batch_size)
        if "differ" not in cell:
            alone, together = (found(model, texts, dtype, size) for size in (1, batch_size))
            differ = sum(one != other for one, other in zip(alone, together, strict=True))
            cell |= {"documents": len(texts), "differ": differ}
            cells.save()
        typer.echo(f"{dtype}: {cell['differ']} of {cell['documents']} documents differ")


if __name__ == "__main__":
    typer.run(main)
