"""A text with its spans as HTML, drawn by displaCy."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

from markupsafe import Markup
from spacy import displacy

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
"""displaCy's own templates, without the white space between the tokens of a span. The ghost makes
room for a label that is wider than its span."""


@dataclass(frozen=True, slots=True)
class DrawnSpan:
    """A span to draw.

    Attributes:
        start: The index of its first token.
        end: The index after its last token (exclusive).
        label: Its label.
        note: What is drawn beside the label, such as the score.
        error: Whether the other side (gold or predicted) lacks the span.
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
        words: The tokens of the text.
        spaces: The white space after each token.
        marks: The spans to draw.
        title: Whose spans they are.
    """

    words: Sequence[str]
    spaces: Sequence[str]
    marks: Sequence[DrawnSpan]
    title: str = ""


def draw(panel: Panel, colours: Mapping[str, str]) -> Markup:
    """Draw a panel as HTML, by displaCy, which escapes words but not labels.

    Args:
        panel: The panel to draw.
        colours: CSS backgrounds by label. Errors have a background of their own.
    """
    pieces, places = _pieces(panel)
    spans = []
    backgrounds = {}
    for mark in panel.marks:
        label = _label(mark, sum(map(len, panel.words[mark.start : mark.end])))
        backgrounds[label] = "var(--error)" if mark.error else colours[mark.label]
        start, end = places[mark.start], places[mark.end - 1] + 1
        spans.append({"start_token": start, "end_token": end, "label": label})
    settings = {"direction": _direction("".join(panel.words))}
    options = {
        "colors": backgrounds,
        "template": SPAN_TEMPLATE,
        "top_offset": 30,
        "top_offset_step": 18,
    }
    parsed = {"tokens": pieces, "spans": spans, "settings": settings}
    html = displacy.render(parsed, style="span", manual=True, jupyter=False, options=options)
    return Markup(html)


def _label(mark: DrawnSpan, length: int) -> str:
    """Return the label of a span of `length` characters as HTML.

    displaCy looks up the colour of a span by this label, too.
    """
    text = f"✗ {mark.label}" if mark.error else mark.label
    fit = "narrow" if length < len(text) + len(mark.note) else "wide"
    return str(Markup('<span class="{}">{} <small>{}</small></span>').format(fit, text, mark.note))


def _pieces(panel: Panel) -> tuple[list[str], dict[int, int]]:
    """Return what displaCy takes for tokens, and the piece of each token that lies in a span.

    displaCy puts a space after each token outside spans: one piece for the whole text between
    two spans prevents that. White space inside a span belongs to the piece before it, so that the
    span's bar has no gaps. With a span over "New York" in the tokens "in", "New", "York" and ".",
    the pieces are "in ", "New ", "York" and ".".
    """
    covered = set(chain.from_iterable(range(mark.start, mark.end) for mark in panel.marks))
    # Tokens that are not the last one of each span that they lie in.
    joined = set(chain.from_iterable(range(mark.start, mark.end - 1) for mark in panel.marks))
    pieces: list[str] = []
    places: dict[int, int] = {}
    for inside, run in groupby(range(len(panel.words)), covered.__contains__):
        if not inside:
            pieces.append("".join(panel.words[i] + panel.spaces[i] for i in run))
            continue
        for i in run:
            places[i] = len(pieces)
            if i in joined:
                pieces.append(panel.words[i] + panel.spaces[i])
            else:
                pieces += filter(None, (panel.words[i], panel.spaces[i]))
    return pieces, places


def _direction(text: str) -> str:
    """Return the writing direction of a text, "ltr" or "rtl".

    It is that of the first letter, as in the Unicode bidirectional algorithm (UAX 9, rule P2).
    """
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind == "L":
            return "ltr"
        if kind in ("R", "AL"):
            return "rtl"
    return "ltr"


def palette(labels: Iterable[str]) -> dict[str, str]:
    """Return a pastel colour for each label, in CSS.

    The golden angle keeps neighbours apart; the offset starts away from the red of errors.
    """
    return {
        label: f"hsl({(i * 137.5 + 190) % 360:.0f} 70% 82%)"
        for i, label in enumerate(sorted(set(labels)))
    }
