"""The network of `generative_ner`: sources in, scored entities out; sources with gold entities in, losses out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

from thinc.api import Model
from thinc.types import Floats1d

from ..answers import Repairs
from ..decoding.model import Decoder, Job
from ..decoding.moves import spell
from ..decoding.scores import scored_entities
from ..formats.base import Format, Grammar, parse
from ..labels import Labels
from ..lm.language_model import LanguageModel
from ..lm.pieces import Pieces
from ..prompts import Instruction
from ..resolve import resolve
from ..shots import Shot, Shots
from ..types import Entity, Source
from .losses import LossShim, Target, loss_of

Gold = tuple[Source, Sequence[Entity]] | tuple[Source, Sequence[Entity], Labels]
"""A source, its entities, and the label set to ask for if it is not the network's own."""
Network = Model[Any, Any]

_SPELLERS = 64
"""How many label sets are remembered."""


def build_generative_ner(
    lm: LanguageModel,
    format: Format,
    prompt: Instruction,
    decoder: Decoder,
    loss: str = "decisions",
    copy_weight: float = 1.0,
) -> Network:
    """A language model that rewrites a source with its entities marked.

    lm: The language model.
    format: How the answer is written.
    prompt: What the model reads around the source.
    decoder: How the best legal answer is found.
    loss: What training asks: "tokens", every token of the answer; "decisions", the choice among the legal moves
        wherever there is one.
    copy_weight: How much a decision to copy on counts in the loss "decisions", where one to open or close a span counts
        1. Below 1, more spans are found, and more of them are wrong.
    Returns: a thinc model. `predict` turns sources into lists of entities with scores. `begin_update` turns pairs of a
        source and its properly nested gold entities into losses, float32, one a pair. Either may have a label set
        behind it; without, that of the network is asked for: `attrs["set_labels"](model, labels)` gives it one.
        `attrs["set_shots"](model, shots)` gives it the examples that its prompt shows.
    Raises: ValueError for an unknown loss, and for a weight that it cannot have.
    """
    attrs = {"format": format, "prompt": prompt, "decoder": decoder, "set_labels": set_labels}
    attrs |= {"shots": Shots(), "set_shots": set_shots}
    shim = LossShim(lm, loss_of(loss, copy_weight))
    model = Network("generative_ner", forward, init=init, attrs=attrs, shims=[shim])
    set_labels(model, {})
    return model


def set_labels(model: Network, labels: Labels) -> None:
    """Give the network a label set."""
    model.attrs["labels"], model.attrs["spellers"] = dict(labels), {}


def set_shots(model: Network, shots: Iterable[Shot]) -> None:
    """Give the network the examples that its prompt shows. Raises: see `Shots`."""
    model.attrs["shots"], model.attrs["spellers"] = Shots(shots, model.attrs["prompt"].shots), {}


def init(model: Network, X: Any = None, Y: Any = None) -> None:
    """Load the base weights, and begin with a fresh adapter.

    Raises: ValueError if they cannot be loaded, or do not go with the labels or the prompt; see `Speller`.
    """
    shim: Any = model.shims[0]
    model.attrs["spellers"] = {}
    speller_of(model)
    shim.reset()


def forward(model: Network, X: Sequence[Any], is_train: bool) -> tuple[Any, Callable[[Floats1d], list[Any]]]:
    """Sources → entities, or (source, gold entities) → losses, each with a label set or without."""
    shim: Any = model.shims[0]
    if is_train:
        targets = [speller_of(model, *labels).target(source, gold) for source, gold, *labels in X]
        losses, backprop = shim.begin_update(targets)
        return losses, lambda d_losses: backprop(d_losses) or []
    asked = [item if isinstance(item, tuple) else (item,) for item in X]
    jobs = [speller_of(model, *labels).job(source) for source, *labels in asked]
    traces = model.attrs["decoder"](shim.steps, jobs)
    return [scored_entities(job.grammar, trace) for job, trace in zip(jobs, traces, strict=True)], lambda _: []


class Speller:
    """Sources and entities as token ids, for one label set.

    Raises: ValueError if the tokenizer cannot write the marks of the format with these labels, or the prompt is broken
        or lacks its examples.
    """

    def __init__(self, pieces: Pieces, format: Format, prompt: Instruction, labels: Labels, shots: Shots) -> None:
        if prompt.shots and not shots.pool:
            raise ValueError(
                "the prompt shows examples, but there are none: give annotated documents to the component's "
                "`set_shots`, or initialise it with `shots`, a .spacy file, or with training data"
            )
        self._pieces, self._format, self._labels, self._shots = pieces, format, labels, shots
        self._told: dict[Shot, tuple[list[int], list[int]]] = {}
        pieces.check(format.marks(labels))
        rendered = prompt.render(labels, format, pieces.chat_template, shots.count)
        parts = [rendered.prefix, *chain(*rendered.shots), rendered.suffix]
        self._led = all(part.endswith(" ") for part in parts)  # texts and answers bring this space, as in a plain text
        prefix, *around, suffix = (part[: len(part) - self._led] for part in parts)
        ids = map(pieces.encode_template, around)
        self._around = list(zip(ids, ids, strict=True))  # in front of an answer, behind it
        self._prefix = (*pieces.encode_prefix(prefix), *self._show(shots.shared))
        self._suffix = [*pieces.encode_template(suffix), *pieces.answer_start]

    def job(self, source: Source) -> Job:
        """What a decoder needs to know."""
        grammar, pieces = self._grammar(source), self._pieces
        body, words = self._body(source, grammar.source)
        return Job(self._prefix, body, words, grammar, pieces.encode, pieces.end, partial(self._read, grammar))

    def target(self, source: Source, entities: Sequence[Entity]) -> Target:
        """What training needs to know. Raises: ValueError if the format cannot say the entities."""
        grammar = self._grammar(source)
        answer, decisions = spell(grammar, grammar.derive(entities), self._pieces.encode)
        return Target(self._prefix, self._body(source, grammar.source)[0], [*answer, self._pieces.end], decisions)

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
        said, refused = grammar.sayable(found)
        return said, repairs + Repairs(unsayable=len(refused))

    def _body(self, source: Source, shown: Source) -> tuple[list[int], list[int]]:
        """The ids of the prompt behind the prefix, and the places of the last id of each token and of all."""
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
            said, _ = grammar.sayable(e for e in entities if e.label in self._labels)
            answer, _ = spell(grammar, grammar.derive(said), self._pieces.encode)
            self._told[shot] = [*chain(*self._pieces.words(grammar.source))], answer
        return self._told[shot]


def speller_of(model: Network, labels: Labels | None = None) -> Speller:
    """Sources and entities as token ids, for a label set; None: the network's own. The last few are remembered."""
    shim: Any = model.shims[0]
    attrs = model.attrs
    labels = attrs["labels"] if labels is None else labels
    spellers: dict[tuple[tuple[str, str], ...], Speller] = attrs["spellers"]
    key = tuple(labels.items())
    speller = spellers.pop(key, None) or Speller(
        shim.lm.pieces, attrs["format"], attrs["prompt"], labels, attrs["shots"]
    )
    spellers[key] = speller  # the newest is the last
    if len(spellers) > _SPELLERS:
        del spellers[next(iter(spellers))]
    return speller
