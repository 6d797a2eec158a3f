from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_genner.answers import Repairs
from spacy_genner.formats.inline import InlineGrammar
from spacy_genner.formats.inline_bracketed import InlineBracketed, read_bracketed
from spacy_genner.labels.label_set import as_labels
from spacy_genner.reading.resolve import resolve
from spacy_genner.types import GAPS, Entity, Source
from tests.formats.examples import check_marked
from tests.strategies import derivations, examples, label_sets, sources

LABELS = as_labels(["PER", "ORG", "GPE"])
ESSEX = [Entity(3, 5, "ORG"), Entity(3, 4, "GPE")]
UNIVERSITY = [Entity(1, 5, "ORG"), Entity(1, 4, "ORG")]


def source_of(text: str) -> Source:
    """Tokens at spaces and, without a space before them, at "~"."""
    tokens = [(part, i == 0) for word in text.split(" ") for i, part in enumerate(word.split("~"))]
    return Source(tuple(word for word, _ in tokens), (False, *(space for _, space in tokens[1:])))


def grammar_of(
    text: str, label_first: bool = False, max_depth: int = 4, labels: str = "PER ORG GPE"
) -> InlineGrammar:
    return InlineBracketed(max_depth, label_first).grammar(
        source_of(text), as_labels(labels.split())
    )


def written(grammar: InlineGrammar, entities: list[Entity]) -> str:
    return "".join(move.text for move in grammar.derive(entities))


@pytest.mark.parametrize(
    ("text", "entities", "label_last", "label_first"),
    [
        ("He went", [], "He went", "He went"),
        ("Essex", [Entity(0, 1, "GPE")], "[Essex | GPE]", "[GPE: Essex]"),
        (
            "The University of Edinburgh Press",
            UNIVERSITY,
            "The [[University of Edinburgh | ORG] Press | ORG]",
            "The [ORG: [ORG: University of Edinburgh] Press]",
        ),
        (
            "He works for Essex Police~.",
            ESSEX,
            "He works for [[Essex | GPE] Police | ORG].",
            "He works for [ORG: [GPE: Essex] Police].",
        ),
        (
            "a University College London",
            [Entity(1, 4, "ORG"), Entity(2, 4, "ORG"), Entity(3, 4, "GPE")],
            "a [University [College [London | GPE] | ORG] | ORG]",
            "a [ORG: University [ORG: College [GPE: London]]]",
        ),
        (
            "in France",
            [Entity(1, 2, "GPE"), Entity(1, 2, "PER"), Entity(1, 2, "ORG")],
            "in [[[France | PER] | ORG] | GPE]",
            "in [GPE: [ORG: [PER: France]]]",
        ),
        ("「~東京~」~に", [Entity(1, 2, "GPE")], "「[東京 | GPE]」に", "「[GPE: 東京]」に"),
        ("(~Leeds~)", [Entity(1, 2, "GPE")], "([Leeds | GPE])", "([GPE: Leeds])"),
        (
            "A~B C",
            [Entity(0, 1, "PER"), Entity(1, 2, "ORG"), Entity(2, 3, "GPE")],
            "[A | PER][B | ORG] [C | GPE]",
            "[PER: A][ORG: B] [GPE: C]",
        ),
        (
            "x [sic] | \\ y:z",
            [Entity(1, 2, "ORG")],
            "x [(sic) | ORG] / \\ y:z",
            "x [ORG: (sic)] / \\ y:z",
        ),
        ("<|im_end|> </s>", [], "</im_end/> </s>", "</im_end/> </s>"),
    ],
)
def test_derivations_are_written_like_this(
    text: str, entities: list[Entity], label_last: str, label_first: str
) -> None:
    assert written(grammar_of(text), entities) == label_last
    assert written(grammar_of(text, label_first=True), entities) == label_first


@pytest.mark.parametrize(
    ("first", "label_last", "label_first"),
    [(True, " [Essex | GPE]", " [GPE: Essex]"), (False, "[Essex | GPE]", "[GPE: Essex]")],
)
def test_the_space_before_a_window_is_kept(first: bool, label_last: str, label_first: str) -> None:
    source, entities = Source(("Essex",), (first,)), [Entity(0, 1, "GPE")]
    assert written(InlineBracketed().grammar(source, LABELS), entities) == label_last
    assert (
        written(InlineBracketed(label_first=True).grammar(source, LABELS), entities) == label_first
    )


@pytest.mark.parametrize(
    ("label", "label_last", "label_first"),
    [
        ("natural person", "[x | natural person]", "[natural person: x]"),
        ("a:b", "[x | a\\:b]", "[a\\:b: x]"),
        ("[a|b]\\", "[x | \\[a\\|b\\]\\\\]", "[\\[a\\|b\\]\\\\: x]"),
        ("größe", "[x | größe]", "[größe: x]"),
    ],
)
def test_delimiters_in_labels_are_escaped(label: str, label_last: str, label_first: str) -> None:
    source = Source(("x",), (False,))
    assert (
        written(InlineBracketed().grammar(source, {label: ""}), [Entity(0, 1, label)]) == label_last
    )
    assert (
        written(
            InlineBracketed(label_first=True).grammar(source, {label: ""}), [Entity(0, 1, label)]
        )
        == label_first
    )


def legal_texts(grammar: InlineGrammar, *texts: str) -> list[str]:
    """What may be written after these moves."""
    state = grammar.start
    for text in texts:
        state = grammar.advance(
            state, next(move for move in grammar.moves(state) if move.text == text)
        )
    return [move.text for move in grammar.moves(state)]


@pytest.mark.parametrize(
    ("grammar", "texts", "legal"),
    [
        (grammar_of("x y"), [], ["x", "["]),
        # a span without a token cannot be closed, and its token has no space of its own
        (grammar_of("x y", labels="A"), ["x", " ["], ["y"]),
        (grammar_of("x y", True, labels="A"), ["x", " [A:"], [" y"]),
        # two labels leave room for two spans on the last token, one label for one
        (grammar_of("x", labels="A B"), ["["], ["x", "["]),
        (grammar_of("x", labels="A B"), ["[", "["], ["x"]),
        (grammar_of("x", labels="A B"), ["[", "[", "x"], [" | A]"]),
        (grammar_of("x", labels="A B"), ["[", "[", "x", " | A]"], [" | B]"]),
        (grammar_of("x", labels="A B C"), ["[", "[", "x"], [" | A]", " | B]"]),
        (grammar_of("x", labels="A"), ["["], ["x"]),
        (grammar_of("x y", labels="A"), ["["], ["x", "["]),
        (grammar_of("x y", labels="A"), ["[", "[", "x"], [" | A]"]),
        (grammar_of("x y z", labels="A"), ["[", "[", "x"], [" y", " [", " | A]"]),
        # the same label once on a span, and the labels of a span in one order
        (grammar_of("x y", labels="A B"), ["[", "[", "x", " | A]"], [" y", " [", " | B]"]),
        (grammar_of("x y", labels="A B"), ["[", "[", "x", " | B]"], [" y", " ["]),
        (grammar_of("x y", True, labels="A B"), ["[B:", " [A:", " x", "]"], [" y", " [A:", " [B:", "]"]),
        (grammar_of("x y", True, labels="A B"), ["[A:", " [B:", " x", "]"], [" y", " [A:", " [B:"]),
        (grammar_of("x", True, labels="A B"), ["[A:"], [" x"]),
        (grammar_of("x", True, labels="A B"), ["[B:"], [" x", " [A:"]),
        # a label that was used inside may be used around it: that is another span
        (grammar_of("x y", labels="A"), ["[", "x", " | A]"], [" y", " ["]),
        (grammar_of("x y", labels="A"), ["[", "[", "x", " | A]", " y"], [" | A]"]),
        # depth
        (grammar_of("x y z", max_depth=1, labels="A"), ["["], ["x"]),
        (grammar_of("x y z", max_depth=1, labels="A"), ["[", "x"], [" y", " | A]"]),
        (grammar_of("x y z", max_depth=1, labels="A"), ["[", "x", " | A]"], [" y", " ["]),
        (grammar_of("x y z", max_depth=2, labels="A"), ["[", "[", "x"], [" y", " | A]"]),
        # the end
        (grammar_of("x", labels="A"), ["x"], []),
        (grammar_of("x", labels="A"), ["[", "x", " | A]"], []),
        (grammar_of("x y", labels=""), ["x"], [" y"]),
    ],
)  # fmt: skip
def test_legal_moves(grammar: InlineGrammar, texts: list[str], legal: list[str]) -> None:
    assert legal_texts(grammar, *texts) == legal


@pytest.mark.parametrize("max_depth", [0, -1])
def test_a_depth_below_one_is_refused(max_depth: int) -> None:
    with pytest.raises(ValueError, match=f"max_depth = {max_depth}"):
        InlineBracketed(max_depth)


def test_marks_of_no_labels() -> None:
    assert [
        mark
        for first in (True, False)
        for mark in InlineBracketed(1, first).marks({})
        if mark != "]"
    ] == []


def test_the_instruction_shows_how_to_write() -> None:
    assert "[entity | LABEL]" in InlineBracketed().instruction()
    assert "[LABEL: entity]" in InlineBracketed(label_first=True).instruction()


@pytest.mark.parametrize("label_first", [False, True])
def test_moves_that_decide_spans_with_one_start(label_first: bool) -> None:
    """The · open · open · University · of · Edinburgh · close · Press · close."""
    inner = [2, 6], [4, 5]
    grammar = grammar_of("The University of Edinburgh Press", label_first, labels="ORG")
    assert grammar.entities(grammar.derive(UNIVERSITY)) == [
        (UNIVERSITY[1], inner),
        (UNIVERSITY[0], ([1, 8], [])),
    ]
    grammar = grammar_of("The University of Edinburgh Press", label_first, labels="ORG PER")
    outer = [1, 8], [] if label_first else [7]
    assert [deciding for _, deciding in grammar.entities(grammar.derive(UNIVERSITY))] == [
        inner,
        outer,
    ]


@pytest.mark.parametrize("label_first", [False, True])
def test_moves_that_decide_spans(label_first: bool) -> None:
    """x · open · a · open (or close) · b · close · c (or close) · close · y."""
    grammar = grammar_of("x a b c y", label_first)
    moves = grammar.derive([Entity(1, 4, "PER"), Entity(2, 3, "GPE")])
    assert [move.kind for move in moves] == [
        "copy",
        "open",
        "copy",
        "open",
        "copy",
        "close",
        "copy",
        "close",
        "copy",
    ]
    assert grammar.entities(moves) == [
        (Entity(1, 4, "PER"), ([1, 7], [3, 6])),
        (Entity(2, 3, "GPE"), ([3, 5], [])),
    ]


def read_back(text: str, label_first: bool) -> tuple[str, list[tuple[int, int, str]]]:
    """The text without its marks, and its spans in characters: a parser that knows nothing of the
    package's."""
    out, spans, stack, at = "", list[tuple[int, int, str]](), list[tuple[int, str]](), 0

    def take_until(stop: str) -> str:
        nonlocal at
        taken = ""
        while text[at] != stop:
            at += text[at] == "\\"  # only labels are escaped
            taken += text[at]
            at += 1
        at += 1
        return taken

    while at < len(text):
        char, at = text[at], at + 1
        if char == "[":
            label = take_until(":") if label_first else ""
            stack.append((len(out), label))
            if label_first:
                assert text[at] == " "
                at += 1
        elif char == "|" and not label_first:
            assert out[-1] == " " and text[at] == " "
            out, at = out[:-1], at + 1
            spans.append((stack.pop()[0], len(out), take_until("]")))
        elif char == "]" and label_first:
            start, label = stack.pop()
            spans.append((start, len(out), label))
        else:
            assert char not in "|]"
            out += char
    assert not stack
    return out, sorted(spans)


@pytest.mark.parametrize("label_first", [False, True])
@given(data=st.data())
@examples(4)
def test_what_is_written_reads_back(label_first: bool, data: st.DataObject) -> None:
    source, labels = data.draw(sources()), data.draw(label_sets)
    grammar = InlineBracketed(4, label_first).grammar(source, labels)
    moves = data.draw(derivations(grammar))
    plain, starts, ends = "", list[int](), list[int]()
    for word, space in zip(grammar.source.words, source.spaces, strict=True):
        plain += GAPS[space]
        starts.append(len(plain))
        plain += word
        ends.append(len(plain))
    expected = [(starts[e.start], ends[e.end - 1], e.label) for e, _ in grammar.entities(moves)]
    assert read_back("".join(move.text for move in moves), label_first) == (plain, sorted(expected))


@pytest.mark.parametrize(
    ("text", "copy", "spans"),
    [
        ("in [Essex | ORG].", "in Essex.", [("Essex", "ORG")]),
        ("[Essex|ORG]", "Essex", [("Essex", "ORG")]),
        (
            "[[Essex | GPE] Police | ORG]",
            "Essex Police",
            [("Essex", "GPE"), ("Essex Police", "ORG")],
        ),
        ("[a \\ | X\\|Y]", "a \\", [("a \\", "X|Y")]),
        ("as he [sic] said", "as he [sic] said", []),
        ("[the [sic] man | PER]", "the [sic] man", [("the [sic] man", "PER")]),
        ("Essex | ORG]", "Essex | ORG]", []),
        ("[Leeds | GPE] and [Essex | OR", "Leeds and [Essex | OR", [("Leeds", "GPE")]),
        ("[Leeds and [Essex | GPE]", "[Leeds and Essex", [("Essex", "GPE")]),
        ("[Essex | ]", "Essex", [("Essex", "")]),
        ("C:\\dir \\", "C:\\dir \\", []),
    ],
)
def test_a_free_answer_with_labels_last_is_read(
    text: str, copy: str, spans: list[tuple[str, str]]
) -> None:
    check_marked(read_bracketed(text), copy, spans)


@pytest.mark.parametrize(
    ("text", "copy", "spans"),
    [
        ("in [ORG: Essex].", "in Essex.", [("Essex", "ORG")]),
        ("[ORG: [GPE: Essex] Police]", "Essex Police", [("Essex", "GPE"), ("Essex Police", "ORG")]),
        ("[X\\:Y: a \\ b]", "a \\ b", [("a \\ b", "X:Y")]),
        ("[PER: the [sic] man]", "the [sic] man", [("the [sic] man", "PER")]),
        ("[GPE: Leeds] and [ORG: Ess", "Leeds and [ORG: Ess", [("Leeds", "GPE")]),
        ("a[X:b]", "ab", [("b", "X")]),
        ("a | b] c", "a | b] c", []),
    ],
)
def test_a_free_answer_with_labels_first_is_read(
    text: str, copy: str, spans: list[tuple[str, str]]
) -> None:
    check_marked(read_bracketed(text, label_first=True), copy, spans)


def test_an_answer_cut_off_keeps_what_was_closed() -> None:
    source = Source(("Essex", "Police", "in", "Leeds"), (False, True, True, True))
    found, repairs = resolve(read_bracketed("[Essex Police | ORG] in [Lee"), source, ["ORG", "GPE"])
    assert found == [Entity(0, 2, "ORG")]
    assert repairs == Repairs(substitutions=1, additions=1)
