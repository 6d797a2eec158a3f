"""Label set + format → what the model reads around the source."""

from collections.abc import Callable
from dataclasses import dataclass

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from .formats.base import Format
from .labels import Labels
from .types import Prompt

TEMPLATE = """\
{{ instruction }}
Labels: {% for label, definition in labels.items() -%}
{{ label }}{% if definition %} ({{ definition }}){% endif %}{{ ", " if not loop.last }}
{%- endfor %}
Text: {{ text }}
Answer:
"""

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)

_TEXT = "\ue000"
"""Stands for the source while a template is rendered: a private-use character."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """Instruction, labels with their definitions, text.

    template: A jinja2 template over `instruction` (a sentence from the format), `labels` (label → definition, maybe
        empty) and `text`, which must come once. None: `TEMPLATE`.
    chat: Put the result into the chat template of the tokenizer, as the user's turn.
    """

    template: str | None = None
    chat: bool = False

    def render(self, labels: Labels, format: Format, chat_template: Callable[[str], str]) -> Prompt:
        """The prompt around any source.

        chat_template: Turns what a user says into the whole conversation up to the model's answer.
        Raises: ValueError if the template is broken or does not hold the text once, or a label or definition has the
            character that stands for the text.
        """
        if broken := [part for item in labels.items() for part in item if _TEXT in part]:
            raise ValueError(
                f"the label or definition {broken[0]!r} has the private-use character U+{ord(_TEXT):X} in it, which "
                "stands for the text while a prompt is made: leave it out"
            )
        try:
            template = _ENVIRONMENT.from_string(TEMPLATE if self.template is None else self.template)
            prompt = template.render(instruction=format.instruction(), labels=labels, text=_TEXT)
        except (jinja2.TemplateError, TypeError) as error:
            raise ValueError(f"the prompt's template cannot be rendered: {error}") from error
        prefix, *rest = (chat_template(prompt) if self.chat else prompt).split(_TEXT)
        if len(rest) != 1:
            raise ValueError(f"the prompt's template must hold {{{{ text }}}} once, not {len(rest)} times")
        return Prompt(prefix, rest[0])
