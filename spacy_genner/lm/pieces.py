"""Encoding of text into token ids, segment by segment and in the same way for prompts, training
targets and decoding."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ..types import GAPS, Source

_SENTINELS = ("\n", "|", "0", "é")
"""Texts after which a segment is encoded. One would be enough, but a tokenizer may not know it, or
merge it with the segment."""

_PLACEHOLDER = "\ue001"
"""A private-use character that takes the place of text that a tokenizer cannot write."""


class Pieces:
    """A tokenizer that encodes segments of a text, so that their concatenated token ids decode to
    their concatenated text. It works with any family of tokenizers, and in several threads.

    Args:
        tokenizer: A tokenizer from transformers.
        answer_start: The token ids after which an answer begins: the one that a decoder starts with
            if it has an encoder beside it, and otherwise none.
    """

    def __init__(self, tokenizer: Any, answer_start: tuple[int, ...] = ()) -> None:
        # A tokenizer keeps the `split_special_tokens` of its last call, which a call in another
        # thread then reads. Therefore each of these two is always called with the same value.
        self._tokenizer = tokenizer
        self._text_tokenizer = copy.deepcopy(tokenizer)
        self.answer_start = answer_start
        plain = self._raw("a")
        # Whether a segment alone is encoded in another way than after other text, because the
        # tokenizer puts a space before it.
        self._prepends = all(self._encode_after(sentinel, "a") != plain for sentinel in _SENTINELS)
        self._strips = self._raw("a ") == plain  # whether a space at the end of a text is lost
        self._control = {*tokenizer.all_special_ids}
        self.encode = lru_cache(maxsize=2**16)(self._encode)
        self._readable = lru_cache(maxsize=2**16)(self._readable_word)
        self._gaps = self._distinct_gaps()

    def _distinct_gaps(self) -> list[int]:
        """Return, for each of `GAPS`, the gap that is written for it.

        That is the gap itself if the tokenizer can write it and distinguish it from those before
        it, or else the gap that is written for the one before. Nothing and a space are always
        themselves.
        """
        gaps: list[int] = []
        seen: list[tuple[int, ...]] = []
        for gap, text in enumerate(GAPS):
            ids = self._encode(f"{text}a")
            distinct = ids not in seen and self._control.isdisjoint(ids)
            gaps.append(gap if gap < 2 or distinct else gaps[-1])
            seen.append(ids)
        return gaps

    def __reduce__(self) -> tuple[type[Pieces], tuple[Any, ...]]:
        return Pieces, (self._tokenizer, self.answer_start)  # without the caches

    def __deepcopy__(self, memo: dict[int, Any]) -> Pieces:
        return self  # Nothing in it changes

    def check(self, texts: Iterable[str]) -> None:
        """Check that the tokenizer can write each of some texts.

        Raises:
            ValueError: If it cannot; the message names the first such text.
        """
        for text in texts:
            ids = self.encode(text)
            if not ids or not self._control.isdisjoint(ids):
                raise ValueError(
                    f"the tokenizer of {self._tokenizer.name_or_path!r} cannot write {text!r}: "
                    "choose other labels, another format or another model"
                )

    def readable(self, source: Source) -> Source:
        """Return a source as the tokenizer can write it.

        Formats must see the source in this form, because normalisation may turn a word into one of
        their marks (a full-width bracket into a plain one, for example).

        The words are in the normal form of the tokenizer, with a placeholder for what it cannot
        write. Line breaks are spaces where the tokenizer does not distinguish them, and before the
        first word. If the tokenizer would lose a space at the end of the prompt before the source,
        the first word brings that space with it.
        """
        spaces = [self._gaps[space] for space in source.spaces]
        if spaces:
            spaces[0] = 1 if source.spaces[0] or self._strips else 0
        words = tuple(map(self._readable, source.words))
        return replace(source, words=words, spaces=tuple(spaces))

    def _readable_word(self, word: str) -> str:
        """Return a word as the tokenizer can write it."""
        text = word.replace("▁", "_")
        backend = getattr(self._tokenizer, "backend_tokenizer", None)
        if normalizer := getattr(backend, "normalizer", None):
            text = normalizer.normalize_str(text).replace("▁", " ").strip()
        if not self._control.isdisjoint(self._raw(text)):
            text = "".join(
                char if self._control.isdisjoint(self._raw(char)) else _PLACEHOLDER for char in text
            )
            # The tokenizer of T5 finds control tokens even inside a word.
            for token in self._tokenizer.all_special_tokens:
                text = text.replace(token, _PLACEHOLDER)
            # A tokenizer merges adjacent unknown characters into one unknown token.
            text = re.sub(f"{_PLACEHOLDER}+", _PLACEHOLDER, text)
        return text if self._raw(text) else _PLACEHOLDER

    def words(self, source: Source) -> list[tuple[int, ...]]:
        """Return the token ids of each word of a source, with the gap before it."""
        pairs = zip(source.words, source.spaces, strict=True)
        return [self.encode(GAPS[space] + word) for word, space in pairs]

    def _encode(self, text: str) -> tuple[int, ...]:
        """Return the token ids of a segment.

        Text never becomes a control token. Characters that the tokenizer does not know become its
        unknown token. That does no harm, because entities are not read back from the ids.
        """
        # To SentencePiece, "▁" is a space: the ids of the word "▁" would be the beginning of those
        # of " [", and a decoder could not distinguish the two.
        return self._segment(text.replace("▁", "_"))

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of an answer, without control tokens."""
        options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
        return str(self._tokenizer.decode(ids, **options))

    def encode_template(self, text: str) -> list[int]:
        """Return the token ids of a part of a prompt that is not the first. Control tokens in its
        text are encoded as such."""
        return list(self._segment(text, control=True))

    def encode_prefix(self, text: str) -> tuple[int, ...]:
        """Return the token ids of the first part of a prompt, preceded by the control tokens that
        the model expects at the start of a text.

        A model without an encoder must read at least one id before it can be asked, so its prefix
        is never empty.
        """
        ids, opening = self._raw(text, control=True), self.opening
        if ids[: len(opening)] != opening:  # A chat template may bring them itself
            ids = opening + ids
        if not ids and not self.answer_start:
            ids = (self.end,)
        return ids

    @property
    def opening(self) -> tuple[int, ...]:
        """The control tokens that the model expects at the start of a text."""
        marked = tuple(self._tokenizer("a")["input_ids"])
        return marked[: marked.index(self._raw("a")[0])]

    @property
    def closing(self) -> tuple[int, ...]:
        """The control tokens that the model expects at the end of a text."""
        marked = tuple(self._tokenizer("a")["input_ids"])
        plain = self._raw("a")
        return marked[marked.index(plain[0]) + len(plain) :]

    def chat_template(
        self, turns: Sequence[Mapping[str, str]], arguments: Mapping[str, Any] | None = None
    ) -> str:
        """Return the text of a conversation in which the model is to answer.

        Args:
            turns: The turns so far, each with its `role` and `content`.
            arguments: Arguments of the chat template.

        Raises:
            ValueError: If the tokenizer has no chat template, or if the template does not mention
                one of the arguments, which would then change nothing.
        """
        name = self._tokenizer.name_or_path
        if not self._tokenizer.chat_template:
            raise ValueError(f"the tokenizer of {name!r} has no chat template: set chat = false")
        text, arguments = self._tokenizer.get_chat_template(), arguments or {}
        if unknown := [repr(key) for key in arguments if key not in re.findall(r"\w+", text)]:
            raise ValueError(
                f"chat_arguments has {', '.join(unknown)}, which the chat template of {name!r} "
                "does not mention: check the spelling, or leave it out"
            )
        return str(
            self._tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=True, **arguments
            )
        )

    @property
    def end(self) -> int:
        """The token id that ends an answer.

        Raises:
            ValueError: If the tokenizer has no such token.
        """
        if self._tokenizer.eos_token_id is None:
            raise ValueError(
                f"the tokenizer of {self._tokenizer.name_or_path!r} has no end-of-sequence token: "
                "set one"
            )
        return int(self._tokenizer.eos_token_id)

    def _segment(self, text: str, control: bool = False) -> tuple[int, ...]:
        """Return the token ids of a text that follows other text.

        Args:
            control: Whether control tokens in the text are encoded as such.

        Raises:
            ValueError: If the tokenizer knows none of the sentinels, or merges each of them with
                the text.
        """
        if not self._prepends or not text:
            return self._raw(text, control)
        found: tuple[int, ...] | None = None
        for sentinel in _SENTINELS:
            ids = self._encode_after(sentinel, text, control)
            if ids:
                return ids
            if ids is not None:
                found = ids
        if found is not None:
            # Some tokenizers encode white space to no ids at all.
            return found
        raise ValueError(
            f"the tokenizer of {self._tokenizer.name_or_path!r} cannot write {text!r} inside a "
            "text: choose another model"
        )

    def _encode_after(
        self, sentinel: str, text: str, control: bool = False
    ) -> tuple[int, ...] | None:
        """Return the token ids of a text after a sentinel, or None if they cannot be separated from
        those of the sentinel."""
        head = self._raw(sentinel)
        ids = self._raw(sentinel + text, control)
        # An unknown sentinel would be merged with an unknown character at the start of the text.
        known = head and self._tokenizer.unk_token_id not in head
        return ids[len(head) :] if known and ids[: len(head)] == head else None

    def _raw(self, text: str, control: bool = False) -> tuple[int, ...]:
        """Return the token ids of a text as it is, without those that the tokenizer adds."""
        tokenizer = self._tokenizer if control else self._text_tokenizer
        return tuple(
            tokenizer(text, add_special_tokens=False, split_special_tokens=not control)["input_ids"]
        )
