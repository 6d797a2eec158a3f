"""Label set + format → what the model reads around the source."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

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

_ENVIRONMENT = ImmutableSandboxedEnvironment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
)

_TEXT, _SHOT, _ANSWER = "\ue000", "\ue001", "\ue002"
"""Stand for the source, the source of a shot and its answer while a template is rendered:
private-use characters."""
_SLOT = re.compile(f"([{_TEXT}{_SHOT}{_ANSWER}])")


@contextmanager
def _rendering(what: str) -> Iterator[None]:
    """Turns what a template raises, which may be anything, into a ValueError."""
    try:
        yield
    except Exception as error:
        raise ValueError(f"{what} cannot be rendered: {error}") from error


@dataclass(frozen=True, slots=True)
class Instruction:
    """Instruction, labels with their definitions, shots, text.

    Attributes:
        template: A jinja2 template over `instruction` (a sentence from the format), `labels` (label
            → definition, maybe empty), `shots` (each with `text` and `answer`) and `text`, which
            must come once, behind the shots; or the name of a file with one, a `Path` or ending in
            ".jinja"; or the name of one in `templates/` ("gner-t5"). None: `TEMPLATE`.
        chat: Put the result into the chat template of the tokenizer, as the user's turn.
        shots: Which examples to show; None: no examples.
    """

    template: str | Path | None = None
    chat: bool = False
    shots: FewShot | None = None
    file: str | None = field(default=None, init=False)
    """What is in the file that `template` names; None: it names none, or one that cannot be read.
    That is no error before it is needed, as a pipeline that was saved brings what was in it."""

    def __post_init__(self) -> None:
        if path := _file_of(self.template):
            with suppress(OSError, ValueError):
                object.__setattr__(self, "file", path.read_text(encoding="utf-8"))

    def render(
        self, labels: Labels, format: Format, chat_template: Callable[[str], str], shots: int = 0
    ) -> Prompt:
        """The prompt around any source.

        Args:
            chat_template: Turns what a user says into the whole conversation up to the model's
                answer.
            shots: How many examples are shown before the source.

        Raises:
            ValueError: If the template or that of the chat is broken, loses the text or a shot, or
                has a character that cannot be encoded; or if a label or definition has a character
                that stands for a text.
        """
        if broken := [part for item in labels.items() for part in item if _SLOT.search(part)]:
            raise ValueError(
                f"the label or definition {broken[0]!r} has one of the private-use characters "
                "U+E000 to U+E002 in it, "
                "which stand for texts while a prompt is made: leave it out"
            )
        shown = [{"text": _SHOT, "answer": _ANSWER}] * shots
        with _rendering("the prompt's template"):
            prompt = self._template().render(
                instruction=format.instruction(), labels=labels, shots=shown, text=_TEXT
            )
            prompt.encode()
        slots = _SLOT.findall(prompt)
        if slots.count(_TEXT) != 1:
            names = ", ".join(name.removesuffix(".jinja") for name in _ENVIRONMENT.list_templates())
            raise ValueError(
                f"the prompt's template must hold {{{{ text }}}} once, not {slots.count(_TEXT)} "
                "times, or be one of "
                f"these names: {names}"
            )
        if slots != [_SHOT, _ANSWER] * shots + [_TEXT]:
            raise ValueError(
                f"the prompt's template does not show its {shots} examples: it needs a loop `for "
                "shot in shots` before "
                "{{ text }}, with {{ shot.text }} and then {{ shot.answer }}; or leave out `shots`"
            )
        if self.chat:
            prompt = self._in_chat(prompt, chat_template)
        prefix, *around, suffix = _SLOT.split(prompt)[::2]
        return Prompt(prefix, suffix, tuple(zip(around[::2], around[1::2], strict=True)))

    def _in_chat(self, prompt: str, chat_template: Callable[[str], str]) -> str:
        with _rendering("with chat = true, the tokenizer's own template"):
            result = chat_template(prompt)
        if _SLOT.findall(result) != _SLOT.findall(prompt):
            raise ValueError(
                "the tokenizer's own template loses or repeats what a user says: set chat = false"
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
        if (name := f"{self.template}.jinja") in _ENVIRONMENT.list_templates():
            return _ENVIRONMENT.get_template(name)
        return _ENVIRONMENT.from_string(str(self.template))


def _file_of(template: str | Path | None) -> Path | None:
    """The file that a template is in, if it names one."""
    named = isinstance(template, Path) or str(template).endswith(".jinja")
    return Path(str(template)) if named else None
