"""The marked copies of a source as a context-free grammar in text, for engines that take one."""

import json
import re

from spacy_genner.formats.base import Format
from spacy_genner.formats.inline_bracketed import InlineBracketed
from spacy_genner.labels.label_set import Labels
from spacy_genner.types import Source

_LABEL_DELIMITER = re.compile(r"[\\\[\]|:]")


def rules(source: Source, labels: Labels, format: Format, arrow: str, root: str) -> str:
    """A rule for each place in the source and each depth. Besides our own grammar's answers it
    allows a label twice on one span, and several labels in any order.

    Args:
        source: As a grammar of ours has it.
        arrow, root: How a rule is written, and what the first one is called: "::=" and "root" in
            GBNF, ":" and "start" in Lark's syntax.

    Raises:
        ValueError: For another format.
    """
    if not isinstance(format, InlineBracketed) or format.label_first:
        raise ValueError(
            "the text of a grammar is written for InlineBracketed(label_first=False) only"
        )
    names = [_LABEL_DELIMITER.sub(r"\\\g<0>", label) for label in labels]
    closes = " | ".join(_quoted(f" | {name}]") for name in names)
    lines = [f"{root} {arrow} at0x0", f"close {arrow} {closes}", f'at{len(source)}x0 {arrow} ""']
    for place in range(len(source) + 1):
        for depth in range(format.max_depth + 1):
            after = f"at{place + 1}x{depth}"
            choices, opened = [], []
            if place < len(source):
                space = " " if source.spaces[place] else ""
                choices.append(f"{_quoted(space + source.words[place])} {after}")
                opened.append(f"{_quoted(source.words[place])} {after}")
                if depth < format.max_depth:
                    choices.append(f"{_quoted(space + '[')} in{place}x{depth + 1}")
                    opened.append(f"{_quoted('[')} in{place}x{depth + 1}")
            if depth and place:
                choices.append(f"close at{place}x{depth - 1}")
            if choices:
                lines.append(f"at{place}x{depth} {arrow} {' | '.join(choices)}")
            if opened and depth:
                lines.append(f"in{place}x{depth} {arrow} {' | '.join(opened)}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
