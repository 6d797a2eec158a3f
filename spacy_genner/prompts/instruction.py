"""The prompt: what the model reads around the source, made of the label set and the format."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ..formats.base import Format
from ..labels.label_set import Labels
from ..types import Prompt
from .shots import FewShot

TEMPLATE = """\
{{ instruction }}
Labels: {% for label, definition in labels.items() -%}
{{ label }}{% if definition %} ({{ definition }}){% endif %}{{ ", " if not loop.last }}
{%- endfor %}
{% for shot in shots -%}
Text: {{ shot.text }}
Answer:
{{ shot.answer }}
{% endfor -%}
Text: {{ text }}
Answer:
"""

ChatTemplate: TypeAlias = Callable[[list[dict[str, str]], Mapping[str, Any]], str]
"""A function that turns the turns of a conversation, each with its `role` and `content`, and the
arguments of a chat template into the text up to the model's answer."""

_ENVIRONMENT = ImmutableSandboxedEnvironment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
)

_TEXT, _SHOT, _ANSWER = "\ue000", "\ue001", "\ue002"
"""Placeholders for the source, the source of a shot and its answer while a template is rendered:
private-use characters, which no text is likely to contain."""
_SLOT = re.compile(f"[{_TEXT}{_SHOT}{_ANSWER}]")


@contextmanager
def _rendering(what: str) -> Iterator[None]:
    """Turn what a template raises, which may be any exception, into a ValueError."""
    try:
        yield
    except Exception as error:
        raise ValueError(f"{what} cannot be rendered: {error}") from error


@dataclass(frozen=True, slots=True)
class Instruction:
    """A prompt of an instruction, the labels with their definitions, shots, and the text.

    Attributes:
        template: A jinja2 template; or the name of a file that holds one, as a `Path` or ending in
            ".jinja"; or the name of a template in `templates/`, such as "gner-t5". None:
            `TEMPLATE`. The template's variables are `instruction` (a sentence from the format),
            `labels` (label names with their definitions, which may be empty), `shots` (each with
            `text` and `answer`) and `text`, which must occur once, after the shots.
        chat: Whether to put the result into the tokenizer's chat template, as the user's turn.
        shots: Which examples to show. None: no examples.
        system: The system prompt, a turn of its own before the user's, which needs `chat`. It is a
            jinja2 template with the variables `instruction` and `labels`. None: no such turn; some
            chat templates then write a system prompt of their own.
        chat_arguments: Arguments of the chat template, such as `enable_thinking`, which need
            `chat`.
        file: The content of the file that `template` names. None if it names no file, or one that
            cannot be read. That is not an error until the content is needed, since a saved pipeline
            brings the content along.
    """

    template: str | Path | None = None
    chat: bool = False
    shots: FewShot | None = None
    system: str | None = None
    chat_arguments: dict[str, Any] | None = None
    file: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        needing = {"system": self.system is not None, "chat_arguments": bool(self.chat_arguments)}
        if not self.chat and any(needing.values()):
            names = " and ".join(name for name, given in needing.items() if given)
            raise ValueError(
                f"the prompt's settings have {names}, which only a chat template can use: set "
                f"chat = true, or leave out {names}"
            )
        if path := _file_of(self.template):
            with suppress(OSError, ValueError):
                object.__setattr__(self, "file", path.read_text(encoding="utf-8"))

    def render(
        self, labels: Labels, format: Format, chat_template: ChatTemplate, shots: int = 0
    ) -> Prompt:
        """Return the prompt around any source.

        Args:
            labels: The labels with their definitions.
            format: The format of the answer.
            chat_template: The chat template of the tokenizer.
            shots: The number of examples that are shown before the source.

        Raises:
            ValueError: If the template or the chat template is broken, or loses the text or a shot.
            ValueError: If the prompt has a character that cannot be encoded.
            ValueError: If a label or a definition has a character that is used as a placeholder.
        """
        _check_labels(labels)
        shown = [{"text": _SHOT, "answer": _ANSWER}] * shots
        given: dict[str, Any] = {"instruction": format.instruction(), "labels": labels}
        with _rendering("the prompt's template"):
            prompt = self._template().render(**given, shots=shown, text=_TEXT)
            prompt.encode()
        _check_slots(_SLOT.findall(prompt), shots)
        if self.chat:
            prompt = self._in_chat(prompt, given, chat_template)
        # Between prefix and suffix, each shot has a text after its source and one after its answer.
        prefix, *around, suffix = _SLOT.split(prompt)
        return Prompt(prefix, suffix, tuple(zip(around[::2], around[1::2], strict=True)))

    def _in_chat(self, prompt: str, given: Mapping[str, Any], chat_template: ChatTemplate) -> str:
        """Return a prompt as the user's turn of a conversation, after the system prompt.

        Args:
            given: The variables of the system prompt.
        """
        turns, system, settings = [{"role": "user", "content": prompt}], "", "chat = true"
        if self.system is not None:
            with _rendering("the prompt's `system`"):
                system = _ENVIRONMENT.from_string(self.system).render(**given)
                system.encode()
            turns.insert(0, {"role": "system", "content": system})
            settings += " and `system` (leave it out if the model knows no system prompt)"
        with _rendering(f"with {settings}, the tokenizer's own template"):
            result = chat_template(turns, self.chat_arguments or {})
        if _SLOT.findall(result) != _SLOT.findall(prompt):
            raise ValueError(
                "the tokenizer's own template loses or repeats what the user says: set chat = false"
            )
        if system.strip() not in result:
            raise ValueError(
                "the tokenizer's own template loses the system prompt: leave out `system`, and "
                "write its text into `template`"
            )
        return result

    def _template(self) -> jinja2.Template:
        if self.template is None:
            return _ENVIRONMENT.from_string(TEMPLATE)
        if path := _file_of(self.template):
            if self.file is None:
                raise ValueError(
                    f"template = {str(path)!r}: there is no such file, or it cannot be read as "
                    "UTF-8"
                )
            return _ENVIRONMENT.from_string(self.file)
        name = f"{self.template}.jinja"
        if name in _ENVIRONMENT.list_templates():
            return _ENVIRONMENT.get_template(name)
        return _ENVIRONMENT.from_string(str(self.template))


def _check_labels(labels: Labels) -> None:
    """Raise a ValueError if a label or a definition has one of the placeholders in it."""
    for text in chain.from_iterable(labels.items()):
        if _SLOT.search(text):
            raise ValueError(
                f"the label or definition {text!r} has one of the private-use characters U+E000 "
                "to U+E002, which are placeholders while a prompt is made: remove it"
            )


def _check_slots(slots: list[str], shots: int) -> None:
    """Raise a ValueError unless a template shows all examples and then the text."""
    if slots.count(_TEXT) != 1:
        names = ", ".join(name.removesuffix(".jinja") for name in _ENVIRONMENT.list_templates())
        raise ValueError(
            f"the prompt's template must hold {{{{ text }}}} once, not {slots.count(_TEXT)} times; "
            f"if it is meant as the name of a template, choose one of {names}"
        )
    if slots != [_SHOT, _ANSWER] * shots + [_TEXT]:
        raise ValueError(
            f"the prompt's template does not show its {shots} examples: it needs a loop `for shot "
            "in shots` before {{ text }}, with {{ shot.text }} and then {{ shot.answer }}; or "
            "leave out the setting `shots`"
        )


def _file_of(template: str | Path | None) -> Path | None:
    """Return the file that holds a template, if the template is the name of one."""
    named = isinstance(template, Path) or str(template).endswith(".jinja")
    return Path(str(template)) if named else None
