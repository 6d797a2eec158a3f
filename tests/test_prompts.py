from __future__ import annotations

import pytest
import spacy

from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.prompts import Instruction
from spacy_genner.types import Prompt

FORMAT = InlineBracketed()
LABELS = {"ORG": "a company", "GPE": "", "PER": "a person"}


def no_chat(content: str) -> str:
    raise AssertionError("chat is off")


def render(template: str | None = None, labels: dict[str, str] = LABELS) -> Prompt:
    return Instruction(template).render(labels, FORMAT, no_chat)


def test_the_text_stands_between_the_labels_and_the_answer() -> None:
    assert render() == Prompt(
        prefix="Copy the text and mark each entity as [entity | LABEL].\n"
        "Labels: ORG (a company), GPE, PER (a person)\nText: ",
        suffix="\nAnswer:\n",
    )


@pytest.mark.parametrize(
    ("labels", "line"), [({}, "Labels: \n"), ({"A": ""}, "Labels: A\n"), ({"A": "x", "B": ""}, "Labels: A (x), B\n")]
)
def test_few_labels(labels: dict[str, str], line: str) -> None:
    assert f"\n{line}Text: " in render(labels=labels).prefix


@pytest.mark.parametrize("name", ["<b> & 'c'", "{{ text }}", "größe", "a\nb", "{% raw %}", "组织"])
def test_labels_and_definitions_are_written_as_they_are(name: str) -> None:
    assert f"Labels: {name} ({name})\nText: " in render(labels={name: name}).prefix


def test_the_sentence_of_the_format_comes_first() -> None:
    prompt = Instruction().render(LABELS, InlineBracketed(label_first=True), no_chat)
    assert prompt.prefix.startswith("Copy the text and mark each entity as [LABEL: entity].\n")


def test_the_user_may_replace_the_template() -> None:
    template = "{{ text }}\n{% for label in labels %}{{ label }};{% endfor %} {{ instruction | upper }}\n"
    instruction = "COPY THE TEXT AND MARK EACH ENTITY AS [ENTITY | LABEL]."
    assert render(template) == Prompt("", f"\nORG;GPE;PER; {instruction}\n")


@pytest.mark.parametrize("template", ["", "no text", "{{ labels }}"])
def test_a_template_without_the_text_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"must hold \{\{ text \}\} once, not 0 times"):
        render(template)


def test_a_template_with_two_texts_is_refused() -> None:
    with pytest.raises(ValueError, match="not 2 times"):
        render("{{ text }} {{ text }}")


@pytest.mark.parametrize("labels", [{"A": "", "B\ue000": ""}, {"A": "", "B": "an \ue000"}])
@pytest.mark.parametrize("template", [None, "{{ text }}"])
def test_the_character_that_stands_for_the_text_is_refused_in_labels(
    labels: dict[str, str], template: str | None
) -> None:
    with pytest.raises(ValueError, match=r"the label or definition '(B|an )\\ue000' has .* U\+E000 .*: leave it out"):
        render(template, labels)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ text", "unexpected end"),
        ("{% for x %}{{ text }}", "expected"),
        ("{{ texts }} {{ text }}", "'texts' is undefined"),
        ("{{ text }}{{ labels.nothing.at_all }}", "has no attribute 'nothing'"),
        ("{{ text }}{% include 'other' %}", "no loader"),
    ],
)
def test_a_broken_template_is_refused_with_its_reason(template: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"template cannot be rendered: .*{reason}"):
        render(template)


@pytest.mark.parametrize("code", ["text.__class__.__mro__", "labels.clear()", "labels.__init__.__globals__"])
def test_a_template_runs_no_code(code: str) -> None:
    with pytest.raises(ValueError, match="template cannot be rendered"):
        render("{{ text }}{{ " + code + " }}")


def test_the_chat_template_gets_the_whole_prompt() -> None:
    plain = render()
    prompt = Instruction(chat=True).render(LABELS, FORMAT, lambda content: f"<user>{content}</user><model>")
    assert prompt == Prompt("<user>" + plain.prefix, plain.suffix + "</user><model>")


def test_a_chat_template_that_loses_the_text_is_refused() -> None:
    with pytest.raises(ValueError, match="not 0 times"):
        Instruction(chat=True).render(LABELS, FORMAT, lambda content: "<user>")


@pytest.mark.parametrize("settings", [{}, {"template": "{{ text }}", "chat": True}])
def test_a_configuration_makes_the_same_instruction(settings: dict[str, str | bool]) -> None:
    resolved = spacy.registry.resolve({"prompt": {"@misc": "spacy_genner.Instruction.v1", **settings}})
    assert resolved["prompt"] == Instruction(**settings)  # type: ignore[arg-type]
