"""Corpus files → annotated Docs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from .brat import find_pairs, read_pair
from .columns import Layout, Sentence, merge_files, read_columns
from .conversion_report import Report
from .gold_docs import annotate
from .json_lines import read_json
from .offsets import Alignment, record_doc
from .record import LeftOut, Record
from .sampling import sample
from .tags import Scheme, detect
from .words import sentence_doc


@dataclass(frozen=True, slots=True)
class Output:
    """What is written of a corpus, and where.

    Attributes:
        spans_key: The group of `doc.spans` for all spans; the outermost go into `doc.ents` too.
        max_depth: Spans nested deeper are left out and reported; None for any depth.
        limit: How many documents, drawn at random with `seed` and kept in their order; None for
            all.
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
    """The sentences of column files as Docs.

    Args:
        scheme: How the tags are to be read; None to detect it from all the files.
        merge: Whether the files annotate the same text (one file for each type) instead of
            following one another.

    Raises:
        ValueError: For what cannot be read, with file and line.
    """
    files = [read_columns(path, layout) for path in paths]
    sentences = merge_files(files) if merge else [sentence for file in files for sentence in file]
    report = Report(scheme=(scheme or _detected(sentences)).value)
    return _docs(
        sample(sentences, output.limit, output.seed), nlp, output, Alignment.strict, report
    ), report


def convert_json(
    paths: Sequence[Path],
    nlp: Language,
    output: Output,
    alignment: Alignment,
    *,
    scheme: Scheme | None = None,
    tag_names: Sequence[str] = (),
) -> tuple[list[Doc], Report]:
    """The records of JSON files as Docs. Those that are no gold are left out and reported, before
    `limit` draws.

    Args:
        alignment: What becomes of spans that start or end inside a token.
        scheme: How the tags of tokens are to be read; None to detect it from all the files.
        tag_names: The names of tags that are numbers.

    Raises:
        ValueError: For what cannot be read, with file and line, and if every record is left out.
    """
    report, records = Report(), list[Record | Sentence]()
    for item in [item for path in paths for item in read_json(path, output.spans_key, tag_names)]:
        if isinstance(item, LeftOut):
            report.leave_out(item.reason, item.place)
        else:
            records.append(item)
    if not records:
        first = "; ".join(f"{places[0]} ({reason})" for reason, places in report.places.items())
        raise ValueError(
            "there is nothing to write: every record is left out, the first of each kind are "
            f"{first}"
        )
    if sentences := [record for record in records if isinstance(record, Sentence)]:
        report.scheme = (scheme or _detected(sentences)).value
    return _docs(sample(records, output.limit, output.seed), nlp, output, alignment, report), report


def convert_brat(
    paths: Sequence[Path], nlp: Language, output: Output, alignment: Alignment
) -> tuple[list[Doc], Report]:
    """The documents of brat, in folders or files, as Docs.

    Args:
        alignment: What becomes of spans that start or end inside a token.

    Raises:
        ValueError: For what cannot be read, with file and line.
    """
    report, pairs = Report(), sample(find_pairs(paths), output.limit, output.seed)
    return _docs(map(read_pair, pairs), nlp, output, alignment, report), report


def _detected(sentences: Iterable[Sentence]) -> Scheme:
    return detect(level.chunks for sentence in sentences for level in sentence.levels)


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
