"""Character offsets → spans of tokens."""

from __future__ import annotations

from enum import Enum

from spacy.language import Language
from spacy.tokens import Doc

from ..types import Entity
from .json_lines import Record
from .report import Report
from .words import words_doc


class Alignment(str, Enum):
    """What becomes of a span that starts or ends inside a token: it is lost, shrinks, or grows to whole tokens."""

    strict = "strict"
    contract = "contract"
    expand = "expand"


def record_doc(record: Record, nlp: Language, alignment: Alignment, report: Report) -> tuple[Doc, list[Entity]]:
    """The Doc of a record, and its entities over the tokens. Every span that is lost or changed is reported.

    nlp: Its tokenizer cuts the text; tokens that the record brings stay as they are.
    """
    report.read += len(record.spans)
    if record.text is None:
        spans = _within(record, len(record.tokens), report)
        entities = [Entity(*span) for span in spans]
        return words_doc(nlp.vocab, record.tokens, [True] * len(record.tokens), entities, record.place, report)
    doc = nlp.make_doc(record.text)
    text = doc.text  # joined anew each time it is asked for, which takes long for a long document
    spans = _within(record, len(text), report)
    aligned = [_align(doc, text[span[0] : span[1]], *span, record.place, alignment, report) for span in spans]
    return doc, [entity for entity in aligned if entity is not None]


def _within(record: Record, length: int, report: Report) -> list[tuple[int, int, str]]:
    spans = []
    for start, end, label in record.spans:
        if 0 <= start <= end <= length:
            spans.append((start, end, label))
        else:
            report.lose("offsets out of range", f"{record.place} [{start}, {end}, {label}] of {length}")
    return spans


def _align(
    doc: Doc, text: str, start: int, end: int, label: str, place: str, alignment: Alignment, report: Report
) -> Entity | None:
    place = f"{place} [{start}, {end}, {label}] {text!r}"
    if not text.strip():
        report.lose("empty", place)
        return None
    if text != text.strip():
        report.change("white space trimmed", place)
    start, end = end - len(text.lstrip()), start + len(text.rstrip())
    span = doc.char_span(start, end, alignment_mode=alignment.value)
    words = [token.i for token in span or () if not token.is_space]
    if span is None or not words:
        report.lose("misaligned", place)
        return None
    if (span.start_char, span.end_char) != (start, end):
        report.change(f"misaligned: {alignment.value}", place)
    return Entity(words[0], words[-1] + 1, label)
