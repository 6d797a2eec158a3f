"""Text → token ids, segment by segment: the one alphabet of prompts, training targets and decoding."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

_SENTINELS = ("\n", "|", "0", "é")


class Pieces:
    """Encodes segments so that concatenated ids spell the concatenated text, with any tokenizer family.

    tokenizer: A Hugging Face tokenizer.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._sentinel = self._find_sentinel()
        self.encode = lru_cache(maxsize=2**16)(self._encode)

    def __reduce__(self) -> tuple[type[Pieces], tuple[Any]]:
        return Pieces, (self._tokenizer,)  # without the memory of what was encoded

    def check(self, texts: Iterable[str]) -> None:
        """Raises: ValueError for the first of the texts that the tokenizer cannot write."""
        for text in texts:
            if not self.encode(text) or self._tokenizer.unk_token_id in self.encode(text):
                raise ValueError(
                    f"the tokenizer of {self._tokenizer.name_or_path!r} cannot write {text!r}: "
                    "rename the label, or choose another format or another model"
                )

    def _encode(self, text: str) -> tuple[int, ...]:
        """The ids of a segment. Text never becomes a control token; characters that the tokenizer does not know become
        its unknown token, which serves as a placeholder: nothing is read back from ids."""
        if self._sentinel is None:
            return self._raw(text)
        return self._raw(self._sentinel + text)[len(self._raw(self._sentinel)) :]

    def encode_template(self, text: str) -> list[int]:
        """The ids of a part of a prompt template, in which control tokens are control tokens."""
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def encode_prefix(self, text: str) -> tuple[int, ...]:
        """The ids of the beginning of a prompt, at least one: with the token that the model expects at a text's start."""
        ids = self.encode_template(text)
        first = self._tokenizer("")["input_ids"][:1]
        if ids[:1] == first:
            return tuple(ids)
        return (*first, *ids) or (self.end,)

    def chat_template(self, content: str) -> str:
        """A conversation in which the user says this and the answer is to come.

        Raises: ValueError if the tokenizer has no chat template.
        """
        if not self._tokenizer.chat_template:
            raise ValueError(f"the tokenizer of {self._tokenizer.name_or_path!r} has no chat template: set chat = false")
        turns = [{"role": "user", "content": content}]
        return str(self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))

    @property
    def end(self) -> int:
        """The id that ends an answer. Raises: ValueError if the tokenizer has none."""
        if self._tokenizer.eos_token_id is None:
            raise ValueError(f"the tokenizer of {self._tokenizer.name_or_path!r} has no end-of-sequence token: set one")
        return int(self._tokenizer.eos_token_id)

    def _raw(self, text: str) -> tuple[int, ...]:
        encoding = self._tokenizer(text, add_special_tokens=False, split_special_tokens=True)
        return tuple(encoding["input_ids"])

    def _find_sentinel(self) -> str | None:
        """A text to encode segments behind, if the tokenizer puts a space of its own before a text's start."""
        plain = self._raw("a")
        for sentinel in _SENTINELS:
            head, joined = self._raw(sentinel), self._raw(sentinel + "a")
            if joined[: len(head)] == head:
                return None if joined[len(head) :] == plain else sentinel
        raise ValueError(f"the tokenizer of {self._tokenizer.name_or_path!r} merges a text's start with anything before")
