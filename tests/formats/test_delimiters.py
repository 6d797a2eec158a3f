"""Delimiters that a user chooses."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject
from hypothesis import strategies as st
from thinc.api import Config

from spacy_genner.answers import Repairs
from spacy_genner.formats.base import parse
from spacy_genner.formats.delimiters import check_delimiter, hide, partner, signs
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.labels.label_set import as_labels
from spacy_genner.reading.resolve import resolve
from spacy_genner.types import Entity, Source
from tests.formats.examples import LABELS, check_marked, legal_texts, source_of, written
from tests.formats.table import EVERY, asked
from tests.strategies import derivations, examples


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "taken for text: begin it with a sign"),
        ("  ", "taken for text"),
        ("is:", "taken for text"),
        ("[\\", "has a backslash, which escapes"),
        ("|\n", "white space other than single spaces"),
        ("|  ", "white space other than single spaces"),
        ("|\xa0", "white space other than single spaces"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(value: str, problem: str) -> None:
    with pytest.raises(ValueError) as error:
        check_delimiter("separator", value)
    assert str(error.value).startswith(f"separator = {value!r} ")
    assert problem in str(error.value)


@pytest.mark.parametrize("value", ["[", " | ", ": ", "@@", '<e type="', "</e><t>", "「", "_", "🏢"])
def test_signs_are_delimiters(value: str) -> None:
    check_delimiter("opening", value)


def test_signs_are_neither_letters_nor_digits() -> None:
    assert signs('</e1> <t class="x">') == '</>="'


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("[", "]"), ("<<", ">>"), ("([", "])"), ("【", "】"), ("@@", ""), ("<e>", ""), ("]", "")],
)
def test_brackets_have_partners(opening: str, closing: str) -> None:
    assert partner(opening) == closing


@pytest.mark.parametrize(
    ("heads", "delimiters", "word", "shown"),
    [
        (["[", "|"], "[|]", "[a|b] (c) {d}", "(a/b) (c) {d}"),
        (["[", "]("], "[]()", "[3] (c)", "{3} (c)"),  # a text in parentheses is kept
        (["{", "}<"], "{}<>", "{a} <b>", "(a) <b>"),
        (["<<", ">>"], "<>/", "a<b/c", "a(b/c"),
        (["</"], "</>({[", "a<b>/", "a-b-/"),  # all kinds of brackets are delimiters
        (["|"], "|/-", "a|b/c", "a+b/c"),
        (["@@", "##"], "@#", "@user #tag", "@user #tag"),
        (["@@", "##"], "@#", "a@@b@ @@@", "a/@b@ ///"),
        (["@@", "##"], "@#", "C#", "C/"),
        (["*-+"], "*-+", "*-+ *- a*-", "/-+ *- a/-"),
        (["“"], "“|”", "“a”", "(a)"),
    ],
)
def test_only_what_could_be_a_mark_is_hidden(
    heads: list[str], delimiters: str, word: str, shown: str
) -> None:
    assert hide(heads, delimiters)(word) == shown


MARKS = st.text("()[]{}<>|/@#-+~*", min_size=1, max_size=4)


@given(st.lists(MARKS, min_size=1, max_size=3), st.text("()[]{}<>|/@#-+~*a", max_size=8))
def test_no_mark_begins_in_a_word_that_is_shown(heads: list[str], word: str) -> None:
    """Neither in the word itself nor at its end, together with what follows."""
    shown = hide(heads, signs("".join(heads)))(word)
    assert len(shown) == len(word)
    for head in heads:
        assert head not in shown
        assert not any(shown.endswith(head[:size]) for size in range(1, len(head)))
        assert hide(heads, signs("".join(heads)))(shown) == shown


SIGNS = "()[]{}<>|/@#-+~*_=:;&%$\"'`^!?.,「」"
bodies = st.text(SIGNS + "ae", min_size=1, max_size=3).filter(lambda text: not text[0].isalnum())
spaces = st.sampled_from(["", " "])


@st.composite
def formats(draw: st.DrawFn) -> InlineBracketed:
    """The format with any delimiters."""
    opening, between, closing = draw(bodies), draw(bodies), draw(bodies)
    names_labels = draw(st.booleans())
    try:
        return InlineBracketed(
            draw(st.integers(1, 3)),
            names_labels and draw(st.booleans()),
            opening + draw(spaces),
            draw(spaces) + between + draw(spaces) if names_labels else None,
            draw(spaces) + closing,
            names_labels,
        )
    except ValueError as error:
        assert "cannot be told apart" in str(error)
        reject()


@given(data=st.data())
@examples(10, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_any_delimiters_give_exact_copies(data: st.DataObject) -> None:
    """What may be written is read, as a derivation and as a free answer, whatever the text and the
    labels hold."""
    format = data.draw(formats())
    parts = [*"ab", format.opening, format.closing, *format.opening, *format.closing]
    parts += [format.separator or "|", *(format.separator or "")]
    words = st.lists(st.sampled_from(parts), min_size=1, max_size=4).map("".join)
    words = words.filter(str.strip)
    drawn = data.draw(st.lists(words, max_size=5))
    source = Source(tuple(drawn), tuple(data.draw(st.booleans()) for _ in drawn))
    labels = asked(format, data.draw(st.lists(words, max_size=3, unique_by=str.strip)))
    try:
        format.marks(labels)
    except ValueError as error:
        assert "cannot be told apart" in str(error)
        reject()
    grammar = format.grammar(source, labels)
    moves = data.draw(derivations(grammar))
    text = "".join(move.text for move in moves)
    assert parse(grammar, text) == moves
    found, repairs = resolve(format.read(text), grammar.source, labels)
    assert sorted(found) == [entity for entity, _ in grammar.entities(moves)]
    assert repairs == Repairs()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"separator": "](", "closing": ")"}, "x [[Essex](GPE) (Police)](ORG)."),
        ({"opening": "{", "separator": "}<", "closing": ">"}, "x {{Essex}<GPE> (Police)}<ORG>."),
        ({"opening": "<", "separator": "|", "closing": ">"}, "x <<Essex|GPE> (Police)|ORG>."),
        ({"label_first": True, "separator": "|"}, "x [ORG|[GPE|Essex] (Police)]."),
        (
            {"label_first": True, "opening": "<<", "separator": ">>", "closing": "<</>>"},
            "x <<ORG>><<GPE>>Essex<</>> (Police)<</>>.",
        ),
        (
            {"label_first": True, "opening": '<e type="', "separator": '">', "closing": "</e>"},
            'x <e type="ORG"><e type="GPE">Essex</e> (Police)</e>.',
        ),
        ({"opening": "[ ", "closing": " ]"}, "x [ [ Essex | GPE ] (Police) | ORG ]."),
        (
            {"label_first": True, "opening": "( ", "separator": " = ", "closing": " )"},
            "x ( ORG = ( GPE = Essex ) {Police} ).",
        ),
    ],
)
def test_delimiters_are_settings(settings: dict[str, Any], expected: str) -> None:
    format = InlineBracketed(**settings)
    entities = [Entity(1, 3, "ORG"), Entity(1, 2, "GPE")]
    grammar = format.grammar(source_of("x Essex (Police)~."), LABELS)
    assert written(format, "x Essex (Police)~.", entities) == expected
    assert resolve(format.read(expected), grammar.source, LABELS) == (entities, Repairs())


def test_delimiters_in_labels_are_escaped_if_they_are_those_of_the_format() -> None:
    format, label = InlineBracketed(separator="](", closing=")"), "a:b (c) [d]"
    answer = written(format, "x", [Entity(0, 1, label)], {label: ""})
    assert answer == "[x](a:b \\(c\\) \\[d\\])"


@pytest.mark.parametrize("label_first", [False, True])
def test_the_default_separator_is_hidden_as_it_is_without_a_setting(label_first: bool) -> None:
    source = source_of("[a] | b:c")
    separator = ": " if label_first else " | "
    named, default = (
        InlineBracketed(4, label_first, separator=each).grammar(source, {"a|b:c": ""})
        for each in (separator, None)
    )
    assert named.source == default.source == source_of("(a) / b:c")
    assert named.derive([Entity(0, 1, "a|b:c")]) == default.derive([Entity(0, 1, "a|b:c")])


@pytest.mark.parametrize(
    ("settings", "text", "copy", "spans"),
    [
        # brackets of the text, in pairs, are no marks
        (
            {"separator": "](", "closing": ")"},
            "as [the [sic] (man)](PER) [1] (b)",
            "as the [sic] (man) [1] (b)",
            [("the [sic] (man)", "PER")],
        ),
        ({"separator": "](", "closing": ")"}, "[a](GPE) [b](OR", "a [b](OR", [("a", "GPE")]),
        ({"opening": "{", "separator": "}<", "closing": ">"}, "{a {b} c}<A>", "a {b} c", [("a {b} c", "A")]),
        (
            {"label_first": True, "opening": "<<", "separator": ">>", "closing": "<</>>"},
            "<<A>>a << b, c<</>> <</>>",
            "a << b, c <</>>",
            [("a << b, c", "A")],
        ),
        # spaces may be missing
        ({"opening": "[ ", "closing": " ]"}, "[a|A] and [ b | B ]", "a and b", [("a", "A"), ("b", "B")]),
    ],
)  # fmt: skip
def test_a_free_answer_with_other_delimiters_is_read(
    settings: dict[str, Any], text: str, copy: str, spans: list[tuple[str, str]]
) -> None:
    check_marked(InlineBracketed(**settings).read(text), copy, spans)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"opening": ""}, "opening = '' would be taken for text: begin it with a sign"),
        ({"separator": " is "}, "separator = ' is ' would be taken for text"),
        ({"closing": "\\]"}, "closing = '\\\\]' has a backslash"),
        ({"opening": " ["}, "opening = ' [' and closing = ']' have a space on the outer side"),
        ({"closing": "] "}, "opening = '[' and closing = '] ' have a space on the outer side"),
        (
            {"opening": "**", "separator": "**(", "closing": ")"},
            "opening = '**', closing = ')' and separator = '**(': the marks '**' and '**(LABEL)' "
            "cannot be told apart",
        ),
        ({"opening": "|", "closing": "|"}, "closing = '|' and separator = ' | '"),
        (
            {"label_first": True, "opening": "*", "closing": "*"},
            "the marks '*' and '*LABEL:' cannot be told apart",
        ),
        (
            {"opening": "*", "closing": "*", "names_labels": False},
            "the marks '*' and '*' cannot be told apart",
        ),
        ({"names_labels": False, "separator": "|"}, "set label_first = false and separator = null"),
        ({"names_labels": False, "label_first": True}, "label_first = True and separator = None"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        InlineBracketed(**settings)


GPT_NER = InlineBracketed(opening="@@", closing="##", names_labels=False)


def test_marks_without_a_label_have_that_of_the_grammar() -> None:
    text, labels = "@user of Essex Police", as_labels(["ORG"])
    entities = [Entity(2, 4, "ORG"), Entity(3, 4, "ORG")]
    assert written(GPT_NER, text, entities, labels) == "@user of @@Essex @@Police####"
    grammar = GPT_NER.grammar(source_of(text), labels)
    assert [entity for entity, _ in grammar.entities(grammar.derive(entities))] == entities
    assert "mark each entity as @@entity##." in GPT_NER.instruction()


def test_marks_without_a_label_serve_one_label_at_a_time() -> None:
    assert (GPT_NER.names_labels, InlineBracketed().names_labels) == (False, True)
    for ask in (GPT_NER.marks, lambda labels: GPT_NER.grammar(source_of("x"), labels)):
        with pytest.raises(ValueError, match=r"one label at a time, .* 3 \(PER, ORG, GPE\)"):
            ask(LABELS)
    assert GPT_NER.marks({}) == []
    assert legal_texts(GPT_NER, "x", labels={}) == ["x"]


@pytest.mark.parametrize(
    ("labels", "entities", "repairs"),
    [
        (["ORG"], [Entity(0, 2, "ORG")], Repairs(additions=2)),
        ([], [], Repairs(additions=2, unknown=1)),
        (["ORG", "GPE"], [], Repairs(additions=2, unknown=1)),
    ],
)
def test_a_free_answer_without_labels_is_about_the_only_one(
    labels: list[str], entities: list[Entity], repairs: Repairs
) -> None:
    answer = GPT_NER.read("@@Essex Police## in @@Leeds")
    check_marked(answer, "Essex Police in @@Leeds", [("Essex Police", "")])
    assert not answer.names_labels
    source = source_of("Essex Police in Leeds")
    assert resolve(answer, source, labels) == (entities, repairs)


@pytest.mark.parametrize(
    "format", [each for each in EVERY if isinstance(each, InlineBracketed)], ids=str
)
def test_delimiters_survive_a_configuration_file(format: InlineBracketed) -> None:
    text = Config({"format": asdict(format)}).to_str()
    assert InlineBracketed(**Config().from_str(text)["format"]) == format
