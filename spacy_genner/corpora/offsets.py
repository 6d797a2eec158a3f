"""From the spans of a file to spans of tokens."""

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
    """What happens to a span that starts or ends inside a token.

    Attributes:
        strict: The span is lost.
        contract: The span shrinks to whole tokens.
        expand: The span grows to whole tokens.
    """

    strict = "strict"
    contract = "contract"
    expand = "expand"


def record_doc(
    record: Record, nlp: Language, alignment: Alignment, report: Report
) -> tuple[Doc, list[Entity]]:
    """Return the Doc of a record, and its entities over the tokens.

    Every span that is lost or changed is reported.

    Args:
        record: The record.
        nlp: The pipeline whose tokenizer cuts the text. Tokens of the record stay as they are.
        alignment: What happens to spans that start or end inside a token.
        report: Counts the spans.

    Raises:
        ValueError: If the tokenizer changes the text.
    """
    report.read += len(record.spans)
    report.ignored.update(record.ignored)
    if record.text is None:
        spans = [span for span in record.spans if _kept(span, span, record.tokens, report)]
        entities = [Entity(*span.extent, span.label) for span in spans]
        spaces = [True] * len(record.tokens)
        return words_doc(nlp.vocab, record.tokens, spaces, entities, record.place, report)
    doc = nlp.tokenizer(record.text)
    if doc.text != record.text:
        raise ValueError(
            f"{record.place}: the tokenizer of this --lang changes the text, so offsets would be "
            "wrong: choose another language, such as xx"
        )
    units, moved = in_characters(record.text, record.spans, record.utf16)
    if units != Units():
        report.change(str(units), record.place)
    entities = []
    for raw, span in zip(record.spans, moved, strict=True):
        if _kept(raw, span, record.text, report):
            entity = _align(doc, record.text, span.extent, raw, alignment, report)
            if entity is not None:
                entities.append(entity)
    return doc, entities


def _kept(raw: RawSpan, span: RawSpan, pieces: Sequence[str], report: Report) -> bool:
    """Return whether a span is one of the text or of the tokens; report it as lost if not.

    Args:
        raw: The span as the file has it.
        span: The same span with offsets in characters or tokens.
        pieces: The text, or the tokens.
        report: Counts the spans.
    """
    reason = span.fault(pieces)
    if not reason:
        return True
    texts = "".join(f" {text!r}" for text in raw.texts)
    start, end = span.extent
    in_range = 0 <= start <= end <= len(pieces)
    found = f"in the text {pieces[start:end]!r}" if in_range else f"of {len(pieces)}"
    report.lose(reason, f"{raw}{texts}, {found}")
    return False


def _align(
    doc: Doc,
    text: str,
    extent: tuple[int, int],
    raw: RawSpan,
    alignment: Alignment,
    report: Report,
) -> Entity | None:
    """Return the entity over tokens at an extent in characters; None if it is lost."""
    start, end = extent
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
