"""Each cause is named where it is, and only there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from spacy_genner.evaluation.causes import Cause, likely_causes, notes
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.formats.inline_xml import InlineXML
from spacy_genner.models.answered import BASE, CHAT, OWN, Answered
from tests.evaluation.answering import GOLDS, answered, asked, probed

BRACKETS = InlineBracketed()


def read(answers: Sequence[Answered], **log_probs: float) -> list[Answered]:
    """The same answers, with a gold answer that is as probable as given in each way."""
    names = {"own": OWN, "base": BASE, "chat": CHAT[True], "plain": CHAT[False]}
    values = {"own": -0.05, "base": -1.5, **log_probs}
    by_way = {names[way]: [("copied text", value)] * 3 for way, value in values.items()}
    respelled = 3 * values["own"]
    return [replace(answer, log_probs=by_way, respelled=respelled) for answer in answers]


def causes(answers: Sequence[Answered], format: Any = BRACKETS, **settings: Any) -> list[Cause]:
    return likely_causes(probed(answers, format, **settings))


RIGHT = asked(BRACKETS, BRACKETS)


@pytest.mark.parametrize(
    "log_probs", [{}, {"chat": -0.9}, {"chat": -0.04}, {"own": -0.4, "base": -0.4}]
)
def test_nothing_is_found_where_nothing_is_wrong(log_probs: dict[str, float]) -> None:
    """A base alone may be a model that was merged, and another name the same weights."""
    answers = read(RIGHT, **log_probs)
    assert causes(answers) == causes(answers, trained_on="somewhere/else") == []


def test_formats_that_name_no_labels_have_no_wrong_ones() -> None:
    format = InlineBracketed(opening="@@", closing="##", names_labels=False)
    text, gold = GOLDS[0]
    answer = answered(format, text, gold, "He works for @@Essex Police##.", {"ORG": ""})
    assert causes(read([answer]), format) == []
    [cause] = causes(read([replace(one, written=answer.written) for one in RIGHT[:1]]))
    assert cause.change.endswith('opening = "@@", closing = "##", names_labels = false')


def test_another_format_is_named() -> None:
    [cause] = causes(read(asked(BRACKETS, InlineXML())))
    assert (cause.name, cause.weight) == ("another format", 1)
    assert (
        "read as spacy_genner.InlineXML.v1, the free answers have 100.0 % of F1" in cause.evidence
    )
    assert "read as spacy_genner.InlineBracketed.v1, these are 0.0 and 25.0 %" in cause.evidence
    assert cause.change == "set [model.format] to spacy_genner.InlineXML.v1"


def test_other_delimiters_are_named() -> None:
    writes = InlineBracketed(separator="](", closing=")")
    [cause] = causes(read(asked(BRACKETS, writes)))
    assert cause.name == "other delimiters"
    assert cause.change.endswith('InlineBracketed.v1 with separator = "](", closing = ")"')


def test_other_labels_are_named() -> None:
    answers = read(asked(BRACKETS, BRACKETS, {"PER": "person", "ORG": "company"}))
    [cause] = causes(answers)
    assert cause.name == "other labels"
    assert "'company' for ORG (2), 'person' for PER (1)" in cause.evidence
    assert "is not seen" not in cause.evidence
    [of_one] = causes(answers[:1])
    assert of_one.evidence.endswith("; what it calls GPE, PER is not seen in these documents")
    assert cause.change == 'set label_words in [model] to {"company": "ORG", "person": "PER"}'
    known = {"PER": "PER", "ORG": "ORG", "GPE": "GPE", "person": "PER", "company": "ORG"}
    assert causes(answers, label_of=known) == []


def test_labels_are_read_in_the_format_that_the_answers_have() -> None:
    answers = read(asked(BRACKETS, InlineXML(), {"PER": "person", "ORG": "company"}))
    first, second = causes(answers)
    assert (first.name, second.name) == ("another format", "other labels")


@pytest.mark.parametrize(("way", "setting"), [("chat", "chat = true"), ("plain", "chat = false")])
def test_the_chat_template_is_named(way: str, setting: str) -> None:
    [cause] = causes(read(RIGHT, own=-0.4, **{way: -0.1}))
    assert cause.name == "the chat template"
    assert cause.change == f"set {setting} in [model.prompt]" and "-0.10" in cause.evidence


def test_another_base_is_named_where_gold_answers_are_improbable() -> None:
    answers = read(RIGHT, own=-0.8)
    [cause] = causes(answers, base="models/SmolLM2", trained_on="org/Qwen3")
    assert cause.name == "another base" and "'org/Qwen3'" in cause.change
    assert causes(answers, base="/models/Qwen3/", trained_on="org/qwen3") == []
    assert causes(answers) == [], "an adapter that does not say on what it was trained"


def test_a_missing_adapter_is_named() -> None:
    [cause] = causes(read(RIGHT, own=-1.5))
    assert cause.name == "adapter missing"
    assert "'models/tiny'" in cause.evidence and "copied text -1.5" in cause.evidence


def test_labels_of_the_data_are_named() -> None:
    [cause] = causes(read(RIGHT), lost={"with an unknown label": 5, "crossing": 1})
    assert cause.name == "labels of the documents" and "5 of 11 gold spans" in cause.evidence
    assert causes(read(RIGHT), lost={"with an unknown label": 1}) == []


def test_what_explains_more_comes_first() -> None:
    answers = read(asked(BRACKETS, InlineXML()), own=-0.6, chat=-0.3)
    assert [cause.name for cause in causes(answers)] == ["another format", "the chat template"]


def test_another_spelling_is_noted() -> None:
    answers = read(RIGHT, own=-0.4)
    assert notes(probed([replace(one, respelled=-1.3) for one in answers], BRACKETS)) == []
    [note] = notes(probed([replace(one, respelled=1.0) for one in answers], BRACKETS))
    assert "as the tokenizer spells them" in note and "genner export" in note


def test_a_prompt_is_doubted_where_nothing_else_is_wrong() -> None:
    answers = [replace(one, constrained=[]) for one in read(RIGHT, own=-0.9)]
    [note] = notes(probed(answers, BRACKETS))
    assert "genner show-prompt" in note
    assert notes(probed(read(RIGHT, own=-0.9), BRACKETS)) == [], "constrained answers are right"
