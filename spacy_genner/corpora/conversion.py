"""Conversion of corpus files to annotated Docs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from .brat import find_pairs, read_pair
from .columns import Layout, Sentence, merge_files, read_columns
from .conversion_report import Report
from .gold_docs import annotate
from .json_lines import Item, read_json
from .offsets import Alignment, record_doc
from .record import LeftOut, Record
from .sampling import sample
from .tags import Scheme, detect
from .words import sentence_doc


@dataclass(frozen=True, slots=True)
class Output:
    """What is written of a corpus, and where.

    Attributes:
        spans_key: The key in `doc.spans` for all spans. The outermost go into `doc.ents`, too.
        max_depth: Spans that are nested deeper are left out and reported; None for any depth.
        limit: The maximum number of documents, drawn at random and kept in their order; None for
            all.
        seed: The seed for drawing them.
    """

    spans_key: str = "sc"
    max_depth: int | None = None
    limit: int | None = None
    seed: int = 0


def convert_columns(
    paths: Sequence[Path],
    nlp: Language,
    output: Output,
    layout: Layout,
    *,
    scheme: Scheme | None,
    merge: bool,
) -> tuple[list[Doc], Report]:
    """Convert column files, each sentence to a Doc.

    Args:
        paths: The files.
        nlp: The pipeline whose vocabulary the Docs have.
        output: What to write.
        layout: The columns of the files.
        scheme: The scheme of the tags; None to detect it from all the files.
        merge: Whether the files annotate the same text (each with another type) instead of
            following one another.

    Raises:
        ValueError: If something cannot be read; the error names file and line.
    """
    files = [read_columns(path, layout) for path in paths]
    sentences = merge_files(files) if merge else list(chain.from_iterable(files))
    return convert_records(sentences, nlp, output, Alignment.strict, scheme=scheme)


def convert_json(
    paths: Sequence[Path],
    nlp: Language,
    output: Output,
    alignment: Alignment,
    *,
    scheme: Scheme | None = None,
    tag_names: Sequence[str] = (),
) -> tuple[list[Doc], Report]:
    """Convert JSON files, each record to a Doc.

    Records that are not gold annotations are left out and reported, before `output.limit` applies.

    Args:
        paths: The files.
        nlp: The pipeline whose tokenizer cuts the texts.
        output: What to write.
        alignment: What happens to spans that start or end inside a token.
        scheme: The scheme of the tags of tokens; None to detect it from all the files.
        tag_names: The names of tags that are numbers.

    Raises:
        ValueError: If something cannot be read; the error names file and line.
        ValueError: If every record is left out.
    """
    items = chain.from_iterable(read_json(path, output.spans_key, tag_names) for path in paths)
    return convert_records(list(items), nlp, output, alignment, scheme=scheme)


def convert_brat(
    paths: Sequence[Path], nlp: Language, output: Output, alignment: Alignment
) -> tuple[list[Doc], Report]:
    """Convert brat's documents to Docs.

    Args:
        paths: Folders and files.
        nlp: The pipeline whose tokenizer cuts the texts.
        output: What to write.
        alignment: What happens to spans that start or end inside a token.

    Raises:
        ValueError: If something cannot be read; the error names file and line.
    """
    report = Report()
    drawn = sample(find_pairs(paths), output.limit, output.seed)
    return _docs(map(read_pair, drawn), nlp, output, alignment, report), report


def convert_records(
    items: Sequence[Item],
    nlp: Language,
    output: Output,
    alignment: Alignment,
    *,
    scheme: Scheme | None = None,
) -> tuple[list[Doc], Report]:
    """Convert what has been read already, each record or sentence to a Doc.

    What is left out is reported, before `output.limit` applies.

    Args:
        items: The texts with their spans, and what is left out.
        nlp: The pipeline whose tokenizer cuts the texts.
        output: What to write.
        alignment: What happens to spans that start or end inside a token.
        scheme: The scheme of the tags of sentences; None to detect it from all of them.

    Raises:
        ValueError: If every item is left out.
        ValueError: If the tokenizer changes a text.
    """
    report = Report()
    records = list[Record | Sentence]()
    for item in items:
        if isinstance(item, LeftOut):
            report.leave_out(item.reason, item.place)
        else:
            records.append(item)
    if items and not records:
        first = "; ".join(f"{places[0]} ({reason})" for reason, places in report.places.items())
        raise ValueError(
            f"there is nothing to write, since every record is left out. The first of each kind: "
            f"{first}"
        )
    if sentences := [record for record in records if isinstance(record, Sentence)]:
        report.scheme = (scheme or _detected(sentences)).value
    drawn = sample(records, output.limit, output.seed)
    return _docs(drawn, nlp, output, alignment, report), report


def _detected(sentences: Iterable[Sentence]) -> Scheme:
    levels = chain.from_iterable(sentence.levels for sentence in sentences)
    return detect(level.chunks for level in levels)


def _docs(
    records: Iterable[Record | Sentence],
    nlp: Language,
    output: Output,
    alignment: Alignment,
    report: Report,
) -> list[Doc]:
    docs = []
    for record in records:
        if isinstance(record, Sentence):
            doc, entities = sentence_doc(record, Scheme(report.scheme), nlp.vocab, report)
        else:
            doc, entities = record_doc(record, nlp, alignment, report)
        annotate(doc, entities, report, record.place, output.spans_key, output.max_depth)
        docs.append(doc)
    return docs
