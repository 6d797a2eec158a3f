"""Text → token ids, segment by segment: the one alphabet of prompts, training targets and
decoding."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ..types import GAPS, Source

_SENTINELS = ("\n", "|", "0", "é")
"""Texts to encode a segment behind: one does, but a tokenizer may not know it, or merge it with the
segment."""

_PLACEHOLDER = "\ue001"
"""Stands for what cannot be written: a private-use character."""


class Pieces:
    """Encodes segments so that concatenated ids spell the concatenated text, with any tokenizer
    family, in any thread.

    Args:
        tokenizer: A Hugging Face tokenizer.
        answer_start: What an answer begins behind: the first id of a decoder that has an encoder
            beside it.
    """

    def __init__(self, tokenizer: Any, answer_start: tuple[int, ...] = ()) -> None:
        # A tokenizer keeps the last `split_special_tokens` that it was called with, and another
        # thread's call reads it: each of these two is only ever called with one value.
        self._tokenizer, self._text_tokenizer = tokenizer, copy.deepcopy(tokenizer)
        self.answer_start = answer_start
        plain = self._raw("a")
        self._prepends = all(self._behind(sentinel, "a") != plain for sentinel in _SENTINELS)
        self._strips = self._raw("a ") == plain
        self._control = {*tokenizer.all_special_ids}
        self.encode = lru_cache(maxsize=2**16)(self._encode)
        self._readable = lru_cache(maxsize=2**16)(self._readable_word)
        self._gaps = self._distinct_gaps()

    def _distinct_gaps(self) -> list[int]:
        """For each of `GAPS` the one that is written: itself if the tokenizer can write it and tell
        it apart, else the one before."""
        gaps, seen = list[int](), list[tuple[int, ...]]()
        for gap, text in enumerate(GAPS):
            ids = self._encode(f"{text}a")
            distinct = ids not in seen and self._control.isdisjoint(ids)
            gaps.append(gap if distinct or gap < 2 else gaps[-1])
            seen.append(ids)
        return gaps

    def __reduce__(self) -> tuple[type[Pieces], tuple[Any, ...]]:
        return Pieces, (
            self._tokenizer,
            self.answer_start,
        )  # without the memory of what was encoded

    def __deepcopy__(self, memo: dict[int, Any]) -> Pieces:
        return self  # nothing in it changes

    def check(self, texts: Iterable[str]) -> None:
        """Check that the tokenizer can write texts.

        Raises:
            ValueError: For the first of the texts that the tokenizer cannot write.
        """
        for text in texts:
            ids = self.encode(text)
            if not ids or not self._control.isdisjoint(ids):
                raise ValueError(
                    f"the tokenizer of {self._tokenizer.name_or_path!r} cannot write {text!r}: "
                    "rename the label, or choose another format or another model"
                )

    def readable(self, source: Source) -> Source:
        """A source as the tokenizer can write it: what formats must see, or a word may become a
        mark of theirs.

        Its words are in the tokenizer's own normal form, with a placeholder for what it cannot
        write. Line breaks are spaces where the tokenizer makes no difference, and before the first
        word. Where a space at the end of a prompt's prefix would be lost, the first word brings
        one.
        """
        first = [self._strips or bool(space) for space in source.spaces[:1]]
        spaces = (*first, *(self._gaps[space] for space in source.spaces[1:]))
        return replace(source, words=tuple(map(self._readable, source.words)), spaces=spaces)

    def _readable_word(self, word: str) -> str:
        normalizer = getattr(
            getattr(self._tokenizer, "backend_tokenizer", None), "normalizer", None
        )
        text = word.replace("▁", "_")
        text = normalizer.normalize_str(text).replace("▁", " ").strip() if normalizer else text
        if not self._control.isdisjoint(self._raw(text)):
            text = "".join(
                char if self._control.isdisjoint(self._raw(char)) else _PLACEHOLDER for char in text
            )
            for (
                token
            ) in self._tokenizer.all_special_tokens:  # that of T5 reads them wherever they stand
                text = text.replace(token, _PLACEHOLDER)
            text = re.sub(
                f"{_PLACEHOLDER}+", _PLACEHOLDER, text
            )  # as unknown characters melt into one
        return text if self._raw(text) else _PLACEHOLDER

    def words(self, source: Source) -> list[tuple[int, ...]]:
        """The ids of each word of a source, with the space before it."""
        pairs = zip(source.words, source.spaces, strict=True)
        return [self.encode(GAPS[space] + word) for word, space in pairs]

    def _encode(self, text: str) -> tuple[int, ...]:
        """The ids of a segment. Text never becomes a control token; characters that the tokenizer
        does not know become
        its unknown token, which serves as a placeholder: nothing is read back from ids."""
        text = text.replace(
            "▁", "_"
        )  # to SentencePiece it is a space, and " [" would begin with the word "▁"
        return self._segment(text)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of an answer, without control tokens."""
        options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
        return str(self._tokenizer.decode(ids, **options))

    def encode_template(self, text: str) -> list[int]:
        """The ids of a later part of a prompt, in which control tokens are control tokens."""
        return list(self._segment(text, control=True))

    def encode_prefix(self, text: str) -> tuple[int, ...]:
        """The ids of the beginning of a prompt, with what the model expects at a text's start. A
        decoder alone, which has to read something before it is asked, gets at least one."""
        ids, marked = self._raw(text, control=True), tuple(self._tokenizer("a")["input_ids"])
        first = marked[: marked.index(self._raw("a")[0])]
        return (ids if ids[: len(first)] == first else first + ids) or (
            () if self.answer_start else (self.end,)
        )

    @property
    def closing(self) -> tuple[int, ...]:
        """What the model expects at a text's end."""
        marked, plain = tuple(self._tokenizer("a")["input_ids"]), self._raw("a")
        return marked[marked.index(plain[0]) + len(plain) :]

    def chat_template(self, content: str) -> str:
        """A conversation in which the user says this and the answer is to come.

        Raises:
            ValueError: If the tokenizer has no chat template.
        """
        if not self._tokenizer.chat_template:
            name = self._tokenizer.name_or_path
            raise ValueError(f"the tokenizer of {name!r} has no chat template: set chat = false")
        turns = [{"role": "user", "content": content}]
        return str(
            self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        )

    @property
    def end(self) -> int:
        """The id that ends an answer.

        Raises:
            ValueError: If the tokenizer has none.
        """
        if self._tokenizer.eos_token_id is None:
            raise ValueError(
                f"the tokenizer of {self._tokenizer.name_or_path!r} has no end-of-sequence token: "
                "set one"
            )
        return int(self._tokenizer.eos_token_id)

    def _segment(self, text: str, control: bool = False) -> tuple[int, ...]:
        """The ids of a text that follows another one."""
        if not self._prepends or not text:
            return self._raw(text, control)
        usable = False
        for sentinel in _SENTINELS:
            ids = self._behind(sentinel, text, control)
            if ids:
                return ids
            usable = usable or ids is not None
        if usable:
            return ()  # what white space is to some tokenizers
        raise ValueError(
            f"the tokenizer of {self._tokenizer.name_or_path!r} cannot write {text!r} inside a text"
        )

    def _behind(self, sentinel: str, text: str, control: bool = False) -> tuple[int, ...] | None:
        """The ids of a text behind a sentinel; None if they cannot be told from those of the
        sentinel."""
        head, ids = self._raw(sentinel), self._raw(sentinel + text, control)
        # unknown characters melt into one
        usable = head and ids[: len(head)] == head and self._tokenizer.unk_token_id not in head
        return ids[len(head) :] if usable else None

    def _raw(self, text: str, control: bool = False) -> tuple[int, ...]:
        tokenizer = self._tokenizer if control else self._text_tokenizer
        return tuple(
            tokenizer(text, add_special_tokens=False, split_special_tokens=not control)["input_ids"]
        )
