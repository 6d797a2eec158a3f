"""Sources and entities as token ids: prompts, legal answers, and their lengths."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

from ..answers import Repairs
from ..decoding.interfaces import Job
from ..decoding.moves import spell
from ..formats.base import Format, Grammar, Refused, inexpressible_error, parse
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
"""The ratio of the token ids of an answer, which is a copy with marks in it, to those of its text,
for which a window leaves room. Longer answers are rare; their text is read again in halves."""
_LEAST = 16
"""The number of token ids of a text and its answer that there must be room for: if there is less,
something is wrong with the prompt."""
_KEPT = 64
"""The number of label sets whose spellers are kept."""


class Speller:
    """Sources and entities as token ids, for one label set or, if the answers do not name the
    label, for one word of it.

    Args:
        labels: The labels to ask for, by the model's words for them, with definitions.
        label_of: For each word of the label set, the label that it means. It has the words that
            other spellers ask for as well. None: each word is its own label.
        positions: The number of token ids of a prompt and its answer that the language model can
            read; it may be infinite.

    Raises:
        ValueError: If the tokenizer cannot write the marks of the format with these labels, or if
            the prompt is broken, lacks its examples, or is too long.
    """

    def __init__(
        self,
        pieces: Pieces,
        format: Format,
        prompt: Instruction,
        labels: Labels,
        shots: Shots,
        positions: float = math.inf,
        label_of: Mapping[str, str] | None = None,
    ) -> None:
        if prompt.shots and not shots.pool:
            raise ValueError(
                "the prompt shows examples, but there are none: give annotated documents to the "
                "component's `set_shots`, or initialize it with `shots`, a .spacy file, or with "
                "training data"
            )
        pieces.check(format.marks(labels))
        self._pieces, self._format, self._words, self._shots = pieces, format, labels, shots
        self._label_of = label_of or {label: label for label in labels}
        # Gold entities are written with the first word of their label.
        self._word_of: dict[str, str] = {}
        for word, label in self._label_of.items():
            self._word_of.setdefault(label, word)
        self._shot_ids: dict[Shot, tuple[list[int], list[int]]] = {}
        rendered = prompt.render(labels, format, pieces.chat_template, shots.count)
        # "Text: " + "Leeds" is tokenised as "Text:" + " Leeds", as in any plain text: if all parts
        # of the prompt end in a space, it moves to the sources and answers that follow them
        self._leading_space = all(
            part.endswith(" ")
            for part in (rendered.prefix, *chain.from_iterable(rendered.shots), rendered.suffix)
        )
        # for each shot, what comes between its source and its answer, and what comes after that
        self._around = [(self._ids(between), self._ids(after)) for between, after in rendered.shots]
        prefix = pieces.encode_prefix(self._without_space(rendered.prefix))
        self._prefix = (*prefix, *self._show(shots.shared))
        self._suffix = [*self._ids(rendered.suffix), *pieces.answer_start]
        self._left = positions - len(self._prefix)  # for all that comes after the prefix
        if self.spare < _LEAST:
            raise ValueError(
                f"the prompt with the labels {', '.join(labels)} takes "
                f"{len(self._prefix) + len(self._suffix):,} token ids, and the language model has "
                f"{positions:,.0f} positions, for the text and the answer as well: ask for fewer "
                "labels, shorten their definitions, show fewer examples, or use a model with more "
                "positions"
            )

    @property
    def words(self) -> list[str]:
        """The model's words that the prompt asks for."""
        return list(self._words)

    @property
    def spare(self) -> float:
        """The number of token ids that the prompt leaves for a text and its answer."""
        return self._left - len(self._suffix)

    def room(self, source: Source, tokens: int) -> Room:
        """Return what a window of a source can hold.

        Args:
            tokens: The maximum number of tokens in a window.
        """
        if math.isinf(self._left):
            return Room(tokens)
        lengths = map(len, self._pieces.words(self._pieces.readable(source)))
        return Room(tokens, lengths, int(self.spare / (1 + _ANSWER)))

    def job(self, source: Source) -> Job:
        """Return what a decoder needs to know about a source. Its answers have the model's words
        as labels; see `meant`."""
        grammar, pieces = self._grammar(source), self._pieces
        body, words = self._body(source, grammar.source)
        read = partial(self._read, grammar)
        limit = self._left - len(body)
        return Job(self._prefix, body, words, grammar, pieces.encode, pieces.end, read, limit)

    def target(self, source: Source, entities: Iterable[Entity]) -> Target:
        """Return what training needs to know about a source.

        Raises:
            ValueError: If a label is not in the label set, or if the format cannot express one of
                the entities.
        """
        grammar = self._grammar(source)
        moves = grammar.derive(self.written(entities))
        answer, decisions = spell(grammar, moves, self._pieces.encode)
        body, _ = self._body(source, grammar.source)
        return Target(self._prefix, body, [*answer, self._pieces.end], decisions)

    def outgrows(self, source: Source, entities: Iterable[Entity]) -> bool:
        """Return whether the prompt and the answer take more positions than the language model has.

        The answer is the one with those of the entities that can be expressed.
        """
        if math.isinf(self._left):
            return False
        target = self.target(source, self.expressible(source, entities)[0])
        return len(target.prompt) + len(target.answer) > self._left

    def expressible(
        self, source: Source, entities: Iterable[Entity]
    ) -> tuple[list[Entity], list[Refused]]:
        """Split entities into those that the format can express, and the others with the reason.

        Entities that another speller of the label set asks for are in neither list.
        """
        known, strange = list[Entity](), list[Refused]()
        for entity in entities:
            if entity.label in self._word_of:
                known.append(entity)
            else:
                strange.append((entity, "unknown label"))
        kept, refused = self._grammar(source).expressible(self.written(known))
        reasons = [reason for _, reason in refused]
        left_out = self.meant(entity for entity, _ in refused)
        return self.meant(kept), [*zip(left_out, reasons, strict=True), *strange]

    def written(self, entities: Iterable[Entity]) -> list[Entity]:
        """Return entities with the model's words as labels, without those that another speller of
        the label set asks for.

        Raises:
            ValueError: If a label is not in the label set.
        """
        entities = list(entities)
        if strange := [(e, "unknown label") for e in entities if e.label not in self._word_of]:
            raise inexpressible_error(strange)
        renamed = [replace(entity, label=self._word_of[entity.label]) for entity in entities]
        return [entity for entity in renamed if entity.label in self._words]

    def meant(self, entities: Iterable[Entity]) -> list[Entity]:
        """Return entities of an answer with the labels that the model's words mean."""
        return [replace(entity, label=self._label_of[entity.label]) for entity in entities]

    def _grammar(self, source: Source) -> Grammar:
        source = self._pieces.readable(source)
        if self._leading_space and source.words:
            source = replace(source, spaces=(True, *source.spaces[1:]))
        return self._format.grammar(source, self._words)

    def _read(self, grammar: Grammar, ids: Sequence[int]) -> tuple[list[Entity], Repairs]:
        """Return the entities of an answer that was written freely, and what was wrong with it."""
        text = self._pieces.decode(ids)
        for written in (text, f" {text}"):  # some tokenizers drop a space at the beginning
            moves = parse(grammar, written)
            if moves is not None:
                return [entity for entity, _ in grammar.entities(moves)], Repairs()
        found, repairs = resolve(self._format.read(text), grammar.source, self._words)
        entities, refused = grammar.expressible(found)
        return entities, repairs + Repairs(inexpressible=len(refused))

    def _body(self, source: Source, shown: Source) -> tuple[list[int], list[int]]:
        """Return the token ids of the prompt after the prefix, and where the last id of each token
        of the source is, and at the end, where the last id of all is.

        Args:
            source: The source as it is, by which the nearest examples are found.
            shown: The source as the model is to read it.
        """
        ids, words = self._show(self._shots.near(source)), list[int]()
        for word in self._pieces.words(shown):
            ids += word
            words.append(len(ids) - 1)
        ids += self._suffix
        return ids, [*words, len(ids) - 1]

    def _show(self, shots: Sequence[Shot]) -> list[int]:
        """Return the token ids of examples with their answers."""
        ids = list[int]()
        for shot, (between, after) in zip(shots, self._around, strict=False):
            source, answer = self._spell_shot(shot)
            ids += [*source, *between, *answer, *after]
        return ids

    def _spell_shot(self, shot: Shot) -> tuple[list[int], list[int]]:
        """Return the token ids of an example and of its answer.

        The answer has those entities that the label set and the format can express.
        """
        if shot not in self._shot_ids:
            source, entities = shot
            grammar = self._grammar(source)
            known = [entity for entity in entities if entity.label in self._word_of]
            expressible, _ = grammar.expressible(self.written(known))
            answer, _ = spell(grammar, grammar.derive(expressible), self._pieces.encode)
            words = self._pieces.words(grammar.source)
            self._shot_ids[shot] = list(chain.from_iterable(words)), answer
        return self._shot_ids[shot]

    def _ids(self, part: str) -> list[int]:
        """Return the token ids of a part of the prompt after the prefix."""
        return self._pieces.encode_template(self._without_space(part))

    def _without_space(self, part: str) -> str:
        return part[:-1] if self._leading_space else part


class Spellers:
    """The spellers of the label sets that were asked for last.

    Each is made once, even if several threads ask for it.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[str, str], ...], list[Speller]] = {}
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[Spellers], tuple[()]]:
        return Spellers, ()  # a copy starts empty

    def of(self, labels: Labels, make: Callable[[], list[Speller]]) -> list[Speller]:
        """Return the spellers of a label set, after making them if they are not kept."""
        key = tuple(labels.items())
        with self._lock:
            spellers = self._known.pop(key, None) or make()
            self._known[key] = spellers  # move the one just asked for to the end
            if len(self._known) > _KEPT:
                del self._known[next(iter(self._known))]
        return spellers
