"""Sources and entities as token ids: prompts, legal answers, and how long they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

from ..answers import Repairs
from ..decoding.interfaces import Job
from ..decoding.moves import spell
from ..formats.base import Format, Grammar, parse
from ..labels.label_set import Labels
from ..lm.pieces import Pieces
from ..locks import Lock
from ..prompts.instruction import Instruction
from ..prompts.shots import Shot, Shots
from ..reading.resolve import resolve
from ..types import Entity, Source
from ..windows import Room
from .losses import Target

_ANSWER = 1.5
"""How many ids of an answer there is to be room for, for each id of its text: the copy, and marks
in it. Longer answers are rare; their text is read again in halves."""
_LEAST = 16
"""How many ids of a text and its answer there must be room for: less is a mistake in the prompt."""
_KEPT = 64
"""How many label sets are remembered."""


class Speller:
    """Sources and entities as token ids, for one label set.

    Args:
        positions: How many ids of a prompt and its answer the language model can read; it may be
            infinite.

    Raises:
        ValueError: If the tokenizer cannot write the marks of the format with these labels, if the
            prompt is broken, lacks its examples, or is too long.
    """

    def __init__(
        self,
        pieces: Pieces,
        format: Format,
        prompt: Instruction,
        labels: Labels,
        shots: Shots,
        positions: float = math.inf,
    ) -> None:
        if prompt.shots and not shots.pool:
            raise ValueError(
                "the prompt shows examples, but there are none: give annotated documents to the "
                "component's "
                "`set_shots`, or initialise it with `shots`, a .spacy file, or with training data"
            )
        self._pieces, self._format, self._labels, self._shots = pieces, format, labels, shots
        self._told: dict[Shot, tuple[list[int], list[int]]] = {}
        pieces.check(format.marks(labels))
        rendered = prompt.render(labels, format, pieces.chat_template, shots.count)
        parts = [rendered.prefix, *chain(*rendered.shots), rendered.suffix]
        self._led = all(
            part.endswith(" ") for part in parts
        )  # texts and answers bring this space, as in a plain text
        prefix, *around, suffix = (part[: len(part) - self._led] for part in parts)
        ids = map(pieces.encode_template, around)
        self._around = list(zip(ids, ids, strict=True))  # in front of an answer, behind it
        self._prefix = (*pieces.encode_prefix(prefix), *self._show(shots.shared))
        self._suffix = [*pieces.encode_template(suffix), *pieces.answer_start]
        self._left = positions - len(self._prefix)  # for what stands behind the prefix
        if self._left - len(self._suffix) < _LEAST:
            raise ValueError(
                f"the prompt with the labels {', '.join(labels)} takes "
                f"{len(self._prefix) + len(self._suffix):,} token "
                f"ids, and the language model has {positions:,.0f} positions, for the text and "
                "the answer as well: ask "
                "for fewer labels, shorten their definitions, show fewer examples, or take a "
                "model with more positions"
            )

    def room(self, source: Source, tokens: int) -> Room:
        """What a window of a source can hold, at most so many tokens."""
        if math.isinf(self._left):
            return Room(tokens)
        lengths = map(len, self._pieces.words(self._pieces.readable(source)))
        return Room(tokens, lengths, int((self._left - len(self._suffix)) / (1 + _ANSWER)))

    def job(self, source: Source) -> Job:
        """What a decoder needs to know."""
        grammar, pieces = self._grammar(source), self._pieces
        body, words = self._body(source, grammar.source)
        read, limit = partial(self._read, grammar), self._left - len(body)
        return Job(self._prefix, body, words, grammar, pieces.encode, pieces.end, read, limit)

    def target(self, source: Source, entities: Sequence[Entity]) -> Target:
        """What training needs to know.

        Raises:
            ValueError: If the format cannot say the entities.
        """
        grammar = self._grammar(source)
        answer, decisions = spell(grammar, grammar.derive(entities), self._pieces.encode)
        return Target(
            self._prefix,
            self._body(source, grammar.source)[0],
            [*answer, self._pieces.end],
            decisions,
        )

    def outgrows(self, source: Source, entities: Iterable[Entity]) -> bool:
        """Whether prompt and answer take more positions than the language model has, with those of
        the entities that can be said."""
        if math.isinf(self._left):
            return False
        target = self.target(source, self._grammar(source).expressible(entities)[0])
        return len(target.prompt) + len(target.answer) > self._left

    def _grammar(self, source: Source) -> Grammar:
        source = self._pieces.readable(source)
        if self._led and source.words:
            source = replace(source, spaces=(True, *source.spaces[1:]))
        return self._format.grammar(source, self._labels)

    def _read(self, grammar: Grammar, ids: Sequence[int]) -> tuple[list[Entity], Repairs]:
        """The entities of an answer that was written freely, and what was wrong with it."""
        text = self._pieces.decode(ids)
        for written in (text, f" {text}"):  # a tokenizer may take a first space away
            if (moves := parse(grammar, written)) is not None:
                return [entity for entity, _ in grammar.entities(moves)], Repairs()
        found, repairs = resolve(self._format.read(text), grammar.source, self._labels)
        said, refused = grammar.expressible(found)
        return said, repairs + Repairs(inexpressible=len(refused))

    def _body(self, source: Source, shown: Source) -> tuple[list[int], list[int]]:
        """The ids of the prompt behind the prefix, and the places of the last id of each token and
        of all."""
        ids, words = self._show(self._shots.near(source)), list[int]()
        for word in self._pieces.words(shown):
            ids += word
            words.append(len(ids) - 1)
        ids += self._suffix
        return ids, [*words, len(ids) - 1]

    def _show(self, shots: Sequence[Shot]) -> list[int]:
        """The ids of examples with their answers."""
        ids = list[int]()
        for shot, (between, behind) in zip(shots, self._around, strict=False):
            source, answer = self._tell(shot)
            ids += [*source, *between, *answer, *behind]
        return ids

    def _tell(self, shot: Shot) -> tuple[list[int], list[int]]:
        """The ids of an example and of the answer to it, as far as labels and format can say it."""
        if shot not in self._told:
            source, entities = shot
            grammar = self._grammar(source)
            said, _ = grammar.expressible(e for e in entities if e.label in self._labels)
            answer, _ = spell(grammar, grammar.derive(said), self._pieces.encode)
            self._told[shot] = [*chain(*self._pieces.words(grammar.source))], answer
        return self._told[shot]


class Spellers:
    """The spellers of the label sets that were asked for last, each made once, also by several
    threads."""

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[str, str], ...], Speller] = {}
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[Spellers], tuple[()]]:
        return Spellers, ()  # copies begin anew

    def of(self, labels: Labels, make: Callable[[], Speller]) -> Speller:
        """The speller of a label set."""
        key = tuple(labels.items())
        with self._lock:
            speller = self._known.pop(key, None) or make()
            self._known[key] = speller  # the newest is the last
            if len(self._known) > _KEPT:
                del self._known[next(iter(self._known))]
        return speller
