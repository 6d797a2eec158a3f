"""A text with its spans as HTML, drawn by displaCy."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

from markupsafe import Markup
from spacy import displacy

# As displaCy's own, without the white space between the tokens of a span; the ghost makes room for
# a label that is wider than its span.
SPAN_TEMPLATE = {
    "span": (
        '<span class="token" style="height: '
        '{total_height}px"><span>{text}</span>{span_slices}{span_starts}</span>'
    ),
    "slice": '<span class="bar" style="background: {bg}; top: {top_offset}px"></span>',
    "start": '<span class="bar" style="background: {bg}; top: {top_offset}px">'
    '<span class="label" style="background: {bg}">{label}{kb_link}</span></span>'
    '<span class="ghost" aria-hidden="true">{label}</span>',
}


@dataclass(frozen=True, slots=True)
class DrawnSpan:
    """A span to draw.

    Attributes:
        start, end: Token indices, half-open.
        note: What stands beside the label, such as its score.
        error: Whether the other side lacks it.
    """

    start: int
    end: int
    label: str
    note: str = ""
    error: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """A text to draw.

    Attributes:
        words: Its tokens.
        spaces: The white space behind each token.
    """

    words: Sequence[str]
    spaces: Sequence[str]
    marks: Sequence[DrawnSpan]


def draw(panel: Panel, colours: Mapping[str, str]) -> Markup:
    """The panel as HTML, by displaCy, which escapes words but not labels.

    Args:
        colours: CSS backgrounds by label; errors have a background of their own.
    """
    pieces, places = _pieces(panel)
    spans, backgrounds = [], {}
    for mark in panel.marks:
        label = _label(mark, sum(map(len, panel.words[mark.start : mark.end])))
        backgrounds[label] = "var(--error)" if mark.error else colours[mark.label]
        spans.append(
            {
                "start_token": places[mark.start],
                "end_token": places[mark.end - 1] + 1,
                "label": label,
            }
        )
    settings = {"direction": _direction("".join(panel.words))}
    options = {
        "colors": backgrounds,
        "template": SPAN_TEMPLATE,
        "top_offset": 30,
        "top_offset_step": 18,
    }
    parsed = {"tokens": pieces, "spans": spans, "settings": settings}
    return Markup(
        displacy.render(parsed, style="span", manual=True, jupyter=False, options=options)
    )


def _label(mark: DrawnSpan, length: int) -> str:
    """The label of a span of so many characters, as HTML. It is a key of displaCy's colours too."""
    text = f"✗ {mark.label}" if mark.error else mark.label
    fit = "narrow" if length < len(text) + len(mark.note) else "wide"
    return str(Markup('<span class="{}">{} <small>{}</small></span>').format(fit, text, mark.note))


def _pieces(panel: Panel) -> tuple[list[str], dict[int, int]]:
    """What displaCy takes for tokens, and the piece of each token that lies in a span.

    displaCy puts a space behind each token outside spans: one piece for the whole text between them
    prevents it. White space inside a span belongs to the piece before, so that the span's bar has
    no gaps.
    """
    joined = set(chain.from_iterable(range(mark.start, mark.end - 1) for mark in panel.marks))
    covered = set(chain.from_iterable(range(mark.start, mark.end) for mark in panel.marks))
    texts = list(zip(panel.words, panel.spaces, strict=True))
    pieces: list[str] = []
    places: dict[int, int] = {}
    for inside, run in groupby(range(len(texts)), covered.__contains__):
        if not inside:
            pieces.append("".join(chain.from_iterable(texts[i] for i in run)))
            continue
        for i in run:
            places[i] = len(pieces)
            pieces += ["".join(texts[i])] if i in joined else filter(None, texts[i])
    return pieces, places


def _direction(text: str) -> str:
    """The writing direction of the first letter, as the Unicode bidirectional algorithm has it (UAX
    9, P2)."""
    kinds = (unicodedata.bidirectional(character) for character in text)
    return (
        "ltr" if next((kind for kind in kinds if kind in ("L", "R", "AL")), "L") == "L" else "rtl"
    )


def palette(labels: Iterable[str]) -> dict[str, str]:
    """A pastel for each label; the golden angle keeps neighbours apart, the offset begins away from
    the errors' red."""
    return {
        label: f"hsl({(i * 137.5 + 190) % 360:.0f} 70% 82%)"
        for i, label in enumerate(sorted(set(labels)))
    }
