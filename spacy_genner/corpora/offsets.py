"""Spans as a file has them → spans of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from spacy.language import Language
from spacy.tokens import Doc

from ..types import Entity
from .conversion_report import Report
from .record import RawSpan, Record
from .units import Units, in_characters
from .words import words_doc


class Alignment(str, Enum):
    """What becomes of a span that starts or ends inside a token: it is lost, shrinks, or grows to
    whole tokens."""

    strict = "strict"
    contract = "contract"
    expand = "expand"


def record_doc(
    record: Record, nlp: Language, alignment: Alignment, report: Report
) -> tuple[Doc, list[Entity]]:
    """The Doc of a record, and its entities over the tokens. Every span that is lost or changed is
    reported.

    Args:
        nlp: Its tokenizer cuts the text; tokens that the record brings stay as they are.

    Raises:
        ValueError: If the tokenizer changes the text.
    """
    report.read += len(record.spans)
    report.ignored.update(record.ignored)
    if record.text is None:
        spans = [span for span in record.spans if _kept(span, span, record.tokens, report)]
        entities = [Entity(*span.extent, span.label) for span in spans]
        return words_doc(
            nlp.vocab, record.tokens, [True] * len(record.tokens), entities, record.place, report
        )
    doc, text = nlp.tokenizer(record.text), record.text
    if doc.text != text:
        raise ValueError(
            f"{record.place}: the tokenizer of this --lang changes the text, so that offsets are "
            "wrong"
        )
    units, moved = in_characters(text, record.spans, record.utf16)
    if units != Units():
        report.change(str(units), record.place)
    pairs = [pair for pair in zip(record.spans, moved, strict=True) if _kept(*pair, text, report)]
    aligned = [_align(doc, text, *span.extent, raw, alignment, report) for raw, span in pairs]
    return doc, [entity for entity in aligned if entity is not None]


def _kept(raw: RawSpan, span: RawSpan, pieces: Sequence[str], report: Report) -> bool:
    """Whether a span is one of the text or of the tokens; if not, it is lost."""
    if reason := span.fault(pieces):
        texts = "".join(f" {text!r}" for text in raw.texts)
        start, end = span.extent
        in_range = 0 <= start <= end <= len(pieces)
        found = f"in the text {pieces[start:end]!r}" if in_range else f"of {len(pieces)}"
        report.lose(reason, f"{raw}{texts}, {found}")
    return not reason


def _align(
    doc: Doc, text: str, start: int, end: int, raw: RawSpan, alignment: Alignment, report: Report
) -> Entity | None:
    content = text[start:end]
    place = f"{raw} {content!r}"
    if len(raw.parts) > 1:
        report.change("parts joined", place)
    if not content.strip():
        report.lose("empty", place)
        return None
    if content != content.strip():
        report.change("white space trimmed", place)
    start, end = end - len(content.lstrip()), start + len(content.rstrip())
    span = doc.char_span(start, end, alignment_mode=alignment.value)
    words = [token.i for token in span or () if not token.is_space]
    if span is None or not words:
        report.lose("misaligned", place)
        return None
    if (span.start_char, span.end_char) != (start, end):
        report.change(f"misaligned: {alignment.value}", place)
    return Entity(words[0], words[-1] + 1, raw.label)
