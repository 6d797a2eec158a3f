"""Free writing of typed lists under iNERD's rules (arXiv 2308.07791): a label is one of the label
set, a text is a contiguous piece of the source; one of the rules, or both.

They are rules of letters: any ids may spell a word, and neither the order of a list nor its nesting
    matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property

import torch
from transformers import LogitsProcessorList
from transformers.generation import PrefixConstrainedLogitsProcessor

from spacy_genner.decoding.free import longest
from spacy_genner.formats.mentions import Texts
from spacy_genner.formats.typed_list import TypedList, escape_text

from .base import Sentence, Subject
from .generate import Generate

_ITEMS = re.compile(r"(?:(?:[^\\;]|\\.)*;)*", re.DOTALL)
_LABEL = re.compile(r"(?:[^\\:]|\\.)*:", re.DOTALL)


class GenerateMasked(Generate):
    """Writes freely where no rule holds, as many ids as our own free decoder may."""

    def __init__(self, subject: Subject, labels: bool, texts: bool) -> None:
        super().__init__(subject, lambda task: longest(task.job))
        self._labels, self._texts = labels, texts
        self._marks = [mark for mark in TypedList().marks(subject.labels) if mark != ";"]

    def processors(self, tasks: Sequence[Sentence], start: int) -> LogitsProcessorList:
        """The rules, for each row."""
        decode, every = self._lm.base.tokenizer.decode, list(range(len(self._lm.base.tokenizer)))
        sources = [Texts(task.read.source, escape_text) for task in tasks]

        def allowed(row: int, ids: torch.Tensor) -> list[int]:
            rests = self.rests(decode(ids[start:]), sources[row])
            return every if rests is None else self._spelled(rests) or [self._ends[0]]

        return LogitsProcessorList([PrefixConstrainedLogitsProcessor(allowed, 1)])

    def rests(self, written: str, source: Texts) -> list[str] | None:
        """How a list may go on, up to the end of a label or a text; None where no rule holds."""
        item = _ITEMS.sub("", written, count=1)
        if not (label := _LABEL.match(item)):
            later = len(item) < len(written)
            marks = [mark for mark in self._marks if mark == "." or mark.startswith(" ") == later]
            return (
                [mark[len(item) :] for mark in marks if mark.startswith(item)]
                if self._labels
                else None
            )
        if not self._texts:
            return None
        text = item[label.end() + 1 :]
        if len(item) == label.end():
            return [" " + source.text[start:] for start in source.starts]
        starts = [start for start in source.starts if source.text.startswith(text, start)]
        ended = any(start + len(text) in source.ends for start in starts)
        return [source.text[start + len(text) :] for start in starts] + [";"] * (
            ended and bool(text)
        )

    def _spelled(self, rests: Iterable[str]) -> list[int]:
        """The ids that write the beginning of one of the rests."""
        beginnings = {rest[:size] for rest in rests for size in range(1, self._longest + 1)}
        return [self._vocabulary[text] for text in beginnings if text in self._vocabulary]

    @cached_property
    def _vocabulary(self) -> dict[str, int]:
        tokenizer = self._lm.base.tokenizer
        return {
            text: id
            for id in range(len(tokenizer))
            if (text := tokenizer.decode([id])) and "\ufffd" not in text
        }

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self._vocabulary))
