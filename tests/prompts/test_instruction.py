from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import spacy

import spacy_genner
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.lm.pieces import Pieces
from spacy_genner.prompts.instruction import Instruction
from spacy_genner.prompts.shots import FewShot
from spacy_genner.types import Prompt

FORMAT = InlineBracketed()
LABELS = {"ORG": "a company", "GPE": "", "PER": "a person"}


def no_chat(turns: Any, arguments: Any) -> str:
    raise AssertionError("chat is off")


def chat(turns: list[dict[str, str]], arguments: Mapping[str, Any]) -> str:
    """A chat template that knows one argument."""
    said = "".join(f"<{turn['role']}>{turn['content']}</{turn['role']}>" for turn in turns)
    return f"{said}<model>{arguments.get('start', '')}"


def render(template: str | None = None, labels: dict[str, str] = LABELS, shots: int = 0) -> Prompt:
    return Instruction(template).render(labels, FORMAT, no_chat, shots)


def test_the_text_stands_between_the_labels_and_the_answer() -> None:
    assert render() == Prompt(
        prefix="Copy the text and mark each entity as [entity | LABEL].\n"
        "Labels: ORG (a company), GPE, PER (a person)\nText: ",
        suffix="\nAnswer:\n",
    )


@pytest.mark.parametrize(
    ("labels", "line"),
    [({}, "Labels: \n"), ({"A": ""}, "Labels: A\n"), ({"A": "x", "B": ""}, "Labels: A (x), B\n")],
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
    template = (
        "{{ text }}\n{% for label in labels %}{{ label }};{% endfor %} {{ instruction | upper }}\n"
    )
    instruction = "COPY THE TEXT AND MARK EACH ENTITY AS [ENTITY | LABEL]."
    assert render(template) == Prompt("", f"\nORG;GPE;PER; {instruction}\n")


@pytest.mark.parametrize("as_template", [str, Path])
def test_the_template_may_be_in_a_file(
    as_template: Callable[[Path], str | Path], tmp_path: Path
) -> None:
    path = tmp_path / "mine.jinja"
    path.write_text("größe\n{{ text }}", encoding="utf-8")
    instruction = Instruction(as_template(path))
    path.unlink()  # it is read at once
    assert instruction.render(LABELS, FORMAT, no_chat) == Prompt("größe\n", "")


def test_a_path_need_not_end_in_jinja(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("{{ text }}!")
    assert Instruction(tmp_path / "mine.txt").render(LABELS, FORMAT, no_chat) == Prompt("", "!")
    with pytest.raises(ValueError, match="once, not 0 times"):
        Instruction(str(tmp_path / "mine.txt")).render(LABELS, FORMAT, no_chat)


@pytest.mark.parametrize("name", ["none.jinja", "folder.jinja", "latin.jinja", "gner-t5.jinja"])
def test_a_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.jinja").mkdir()
    (tmp_path / "latin.jinja").write_bytes("größe {{ text }}".encode("latin-1"))
    with pytest.raises(
        ValueError,
        match=rf"template = '.*{name}': there is no such file, or it cannot be read as UTF-8",
    ):
        render(str(tmp_path / name))


@pytest.mark.parametrize("template", ["", "no text", "{{ labels }}"])
def test_a_template_without_the_text_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"must hold \{\{ text \}\} once, not 0 times"):
        render(template)


def test_a_template_with_two_texts_is_refused() -> None:
    with pytest.raises(ValueError, match="not 2 times"):
        render("{{ text }} {{ text }}")


@pytest.mark.parametrize(
    "labels", [{"A": "", "B\ue000": ""}, {"A": "", "B": "an \ue001"}, {"\ue002": ""}]
)
@pytest.mark.parametrize("template", [None, "{{ text }}"])
def test_characters_that_stand_for_texts_are_refused_in_labels(
    labels: dict[str, str], template: str | None
) -> None:
    with pytest.raises(
        ValueError, match=r"the label or definition '(B|an |)\\ue00[012]' has .*: remove it"
    ):
        render(template, labels)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ text", "unexpected end"),
        ("{% for x %}{{ text }}", "expected"),
        ("{{ texts }} {{ text }}", "'texts' is undefined"),
        ("{{ text }}{{ labels.nothing.at_all }}", "has no attribute 'nothing'"),
        ("{{ text }}{% include 'other' %}", "'other' not found"),
        ("{{ text }}{% include '../prompts.py' %}", "prompts.py"),
    ],
)
def test_a_broken_template_is_refused_with_its_reason(template: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"template cannot be rendered: .*{reason}"):
        render(template)


@pytest.mark.parametrize(
    "template", ["{{ 1 / 0 }}", "{{ text[9] }}", "{{ 'x'.index('y') }}", "{{ [].pop() }}"]
)
def test_whatever_a_template_raises_is_a_value_error(template: str) -> None:
    with pytest.raises(ValueError, match="the prompt's template cannot be rendered: "):
        render(template + "{{ text }}")


def test_a_template_that_cannot_be_encoded_is_refused() -> None:
    with pytest.raises(ValueError, match=r"template cannot be rendered: .*surrogates not allowed"):
        render("\ud800 {{ text }}")


@pytest.mark.parametrize(
    "code", ["text.__class__.__mro__", "labels.clear()", "labels.__init__.__globals__"]
)
def test_a_template_runs_no_code(code: str) -> None:
    with pytest.raises(ValueError, match="template cannot be rendered"):
        render("{{ text }}{{ " + code + " }}")


def test_the_chat_template_gets_the_whole_prompt() -> None:
    plain = render()
    prompt = Instruction(chat=True).render(LABELS, FORMAT, chat)
    assert prompt == Prompt("<user>" + plain.prefix, plain.suffix + "</user><model>")


def test_a_chat_template_that_loses_the_text_is_refused() -> None:
    with pytest.raises(
        ValueError,
        match="the tokenizer's own template loses or repeats what the user says: set chat",
    ):
        Instruction(chat=True).render(LABELS, FORMAT, lambda turns, arguments: "<user>")


CHATS = {
    "raises": "{{ raise_exception('Conversations must begin with a system turn.') }}",
    "is broken": "{% for message in messages %}{{ message.content }",
    "misses a setting": "{% if enable_thinking %}{% endif %}{{ messages[0].content + enable_thinking }}",
    "misses a turn": "{{ messages[1].content }}",
    "runs code": "{{ messages.__class__.__mro__ }}",
    "divides": "{{ 1 / 0 }}",
}


@pytest.mark.parametrize("template", CHATS.values(), ids=CHATS)
def test_whatever_the_template_of_a_tokenizer_raises_is_a_value_error(
    pieces: Callable[[str], Pieces], monkeypatch: pytest.MonkeyPatch, template: str
) -> None:
    tokenizer = pieces("bpe")
    monkeypatch.setattr(tokenizer._tokenizer, "chat_template", template)
    with pytest.raises(
        ValueError, match="with chat = true, the tokenizer's own template cannot be rendered: "
    ):
        Instruction(chat=True).render(LABELS, FORMAT, tokenizer.chat_template)


def test_the_system_prompt_is_a_turn_before_the_users() -> None:
    plain = Instruction(chat=True).render(LABELS, FORMAT, chat)
    prompt = Instruction(chat=True, system="You find names.").render(LABELS, FORMAT, chat)
    system = "<system>You find names.</system>"
    assert prompt == Prompt(system + plain.prefix, plain.suffix, plain.shots)


def test_the_system_prompt_may_have_the_labels_and_the_instruction() -> None:
    system = "{{ instruction }}\n{% for label in labels %}{{ label }} {% endfor %}{{ labels.ORG }}"
    prompt = Instruction("{{ text }}", chat=True, system=system).render(LABELS, FORMAT, chat)
    said = f"{FORMAT.instruction()}\nORG GPE PER a company"
    assert prompt == Prompt(f"<system>{said}</system><user>", "</user><model>")


def test_an_empty_system_prompt_is_a_turn() -> None:
    """It keeps a template from writing one of its own."""
    prompt = Instruction("{{ text }}", chat=True, system="").render(LABELS, FORMAT, chat)
    assert prompt.prefix == "<system></system><user>"


@pytest.mark.parametrize(
    ("system", "reason"),
    [
        ("{{ text }}", "'text' is undefined"),
        ("{{ shots }}", "'shots' is undefined"),
        ("{{ labels", "unexpected end"),
        ("\ud800", "surrogates not allowed"),
    ],
)
def test_a_broken_system_prompt_is_refused_with_its_reason(system: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"the prompt's `system` cannot be rendered: .*{reason}"):
        Instruction(chat=True, system=system).render(LABELS, FORMAT, chat)


TURNS = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
GEMMA2 = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}" + TURNS
)


def test_a_chat_template_without_a_system_role_names_the_setting(
    pieces: Callable[[str], Pieces], monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = pieces("bpe")
    monkeypatch.setattr(tokenizer._tokenizer, "chat_template", GEMMA2)
    Instruction(chat=True).render(LABELS, FORMAT, tokenizer.chat_template)
    with pytest.raises(
        ValueError,
        match=r"and `system` \(leave it out if the model knows no system prompt\), the tokenizer's "
        "own template cannot be rendered: System role not supported",
    ):
        Instruction(chat=True, system="").render(LABELS, FORMAT, tokenizer.chat_template)


def test_a_chat_template_that_leaves_out_the_system_prompt_is_refused() -> None:
    with pytest.raises(ValueError, match="template loses the system prompt: leave out `system`"):
        Instruction(chat=True, system="You find names.").render(
            LABELS, FORMAT, lambda turns, arguments: chat(turns[1:], arguments)
        )


def test_the_chat_template_gets_its_arguments(
    pieces: Callable[[str], Pieces], monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = pieces("bpe")
    template = TURNS + "{% if enable_thinking is false %}<think></think>{% endif %}"
    monkeypatch.setattr(tokenizer._tokenizer, "chat_template", template)
    for arguments, end in (
        (None, ""),
        ({}, ""),
        ({"enable_thinking": True}, ""),
        ({"enable_thinking": False}, "<think></think>"),
    ):
        instruction = Instruction("{{ text }}", chat=True, chat_arguments=arguments)
        prompt = instruction.render(LABELS, FORMAT, tokenizer.chat_template)
        assert prompt == Prompt("<user>", end)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"system": ""}, "system"),
        ({"chat_arguments": {"enable_thinking": False}}, "chat_arguments"),
        ({"system": "x", "chat_arguments": {"a": 1}}, "system and chat_arguments"),
    ],
)
def test_what_only_a_chat_template_can_use_needs_one(settings: dict[str, Any], names: str) -> None:
    with pytest.raises(ValueError, match=f"have {names}, which only .* set chat = true, or leave"):
        Instruction(**settings)
    assert Instruction(chat=True, **settings) == replace(Instruction(chat=True), **settings)


def test_it_can_be_copied_and_pickled() -> None:
    whole = Instruction("{{ text }}", True, system="s", chat_arguments={"enable_thinking": False})
    assert pickle.loads(pickle.dumps(whole)) == deepcopy(whole) == whole
    assert replace(whole, template="x {{ text }}").chat_arguments == {"enable_thinking": False}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"template": "{{ text }}", "chat": True},
        {"shots": FewShot(3, nearest=True)},
        {"shots": None},
        {"chat": True, "system": "", "chat_arguments": {}},
        {"chat": True, "system": "{{ labels }}", "chat_arguments": {"enable_thinking": False}},
    ],
)
def test_a_configuration_makes_the_same_instruction(settings: dict[str, Any]) -> None:
    config = dict(settings)
    if config.get("shots"):
        config["shots"] = {"@misc": "spacy_genner.FewShot.v1", "count": 3, "nearest": True}
    resolved = spacy.registry.resolve(
        {"prompt": {"@misc": "spacy_genner.Instruction.v1", **config}}
    )
    assert resolved["prompt"] == Instruction(**settings)


def test_shots_stand_between_the_labels_and_the_text() -> None:
    assert render(shots=2) == Prompt(
        prefix=render().prefix,
        suffix=render().suffix,
        shots=(("\nAnswer:\n", "\nText: "), ("\nAnswer:\n", "\nText: ")),
    )


def test_the_chat_template_gets_the_shots_as_well() -> None:
    prompt = Instruction(chat=True).render(LABELS, FORMAT, chat, 1)
    assert prompt.shots == (("\nAnswer:\n", "\nText: "),)
    assert prompt.suffix == "\nAnswer:\n</user><model>"


def test_a_template_may_number_its_shots() -> None:
    template = "{% for shot in shots %}{{ loop.index }}. {{ shot.text }} -> {{ shot.answer }}; {% endfor %}{{ text }} ->"
    assert render(template, shots=2) == Prompt("1. ", " ->", ((" -> ", "; 2. "), (" -> ", "; ")))


@pytest.mark.parametrize(
    "template",
    [
        "{{ text }}",
        "{{ text }}{% for shot in shots %}{{ shot.text }}{{ shot.answer }}{% endfor %}",
        "{% for shot in shots %}{{ shot.answer }}{{ shot.text }}{% endfor %}{{ text }}",
        "{% for shot in shots %}{{ shot.text }}{% endfor %}{{ text }}",
        "{{ shots[0].text }}{{ shots[0].answer }}{{ text }}",
        "gner-t5",
    ],
)
def test_a_template_that_does_not_show_each_shot_is_refused(template: str) -> None:
    with pytest.raises(
        ValueError,
        match=r"does not show its 2 examples: it needs a loop .* or leave out the setting `shots`",
    ):
        render(template, shots=2)


GNER = """\
Please analyze the sentence provided, identifying the type of entity for each word on a token-by-token basis.
Output format is: word_1(label_1), word_2(label_2), ...
We'll use the BIO-format to label the entities, where:
1. B- (Begin) indicates the start of a named entity.
2. I- (Inside) is used for words within a named entity but are not the first word.
3. O (Outside) denotes words that are not part of a named entity.

Use the specific entity tags: average ratings, year and O.
Sentence: """


@pytest.mark.parametrize(
    ("name", "expected"),
    [("gner-t5", Prompt(GNER, "")), ("gner-llama", Prompt("[INST] " + GNER, " [/INST] "))],
)
def test_the_prompts_of_gner_are_those_of_its_models(name: str, expected: Prompt) -> None:
    assert render(name, {"average ratings": "a definition", "year": ""}) == expected


REWRITE = (
    "Your task is to identify all named entities in the input sentence and rewrite the sentence "
    "by enclosing each "
    "entity using the format {}. Use only the label tags defined in the Label Set below."
)
EXTRACT = "Your task is to identify all named entities in the input sentence and extract them "
LISTED = """Output a JSON list where each object contains:
1. "text": the entity string.
2. "label": the label tags defined in the Label Set below.
"""
LLMS4NER = {
    "llms4ner-bracketed": REWRITE.format("[Entity Text | LABEL]"),
    "llms4ner-xml": REWRITE.format("<LABEL>Entity Text</LABEL>"),
    "llms4ner-grouped-json": EXTRACT
    + "into a JSON object grouped by label. The keys of the JSON object should be the label tags defined in the Label "
    "Set below, and the values should be lists of extracted entities. If a label has no "
    "corresponding entities, use an "
    "empty list.",
    "llms4ner-occurrence-json": EXTRACT
    + "into a JSON list. "
    + LISTED
    + '3. "occurrence_index": a 1-based integer indicating the order of appearance of this text in the sentence (e.g., '
    "1 for the first appearance, 2 for the second).\nIf no entities are found, return an empty "
    "list.",
    "llms4ner-offset-json": EXTRACT
    + "with precise character offsets. "
    + LISTED
    + '3. "start": the 0-based index of the entity\'s first character.\n'
    '4. "end": the 0-based index of the first character after the entity(exclusive).',
    "llms4ner": FORMAT.instruction(),
}


@pytest.mark.parametrize("name", LLMS4NER)
def test_the_prompts_of_llms4ner(name: str) -> None:
    prompt = render(name, {"DNA": "Sequences or molecules.", "RNA": ""})
    expected = f"{LLMS4NER[name]}\nLabel Set:\nDNA: Sequences or molecules.\nRNA\nNow process the input sentence:\n"
    assert prompt == Prompt(expected, "")


def test_every_shipped_template_is_tested_and_named_in_the_error() -> None:
    shipped = {
        path.stem
        for path in (Path(spacy_genner.__file__).parent / "prompts" / "templates").iterdir()
    }
    assert shipped == {"gner-t5", "gner-llama", *LLMS4NER}
    with pytest.raises(
        ValueError,
        match="name of a template, choose one of gner-llama, gner-t5, llms4ner-bracketed, ",
    ) as error:
        render("gner-t6")
    assert all(name in str(error.value) for name in shipped)


def test_a_template_may_build_on_a_shipped_one() -> None:
    template = "{% extends 'llms4ner.jinja' %}{% block task %}Find them.{% endblock %}"
    assert render(template, {"A": ""}) == Prompt(
        "Find them.\nLabel Set:\nA\nNow process the input sentence:\n", ""
    )


def test_a_long_text_is_no_name() -> None:
    assert render("x" * 10_000 + "{{ text }}") == Prompt("x" * 10_000, "")
