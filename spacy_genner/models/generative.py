"""The network of `generative_ner`: sources in, scored entities out; sources with gold entities in, losses out."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

from thinc.api import Model
from thinc.types import Floats1d

from ..decoding.model import Decoder, Job
from ..decoding.moves import spell
from ..decoding.scores import scored_entities
from ..formats.base import Format
from ..labels import Labels
from ..lm.language_model import LanguageModel
from ..lm.pieces import Pieces
from ..prompts import Instruction
from ..shots import Shot, Shots
from ..types import Entity, Source
from .losses import LOSSES, LossShim, Target

Gold = tuple[Source, Sequence[Entity]]
Network = Model[Any, Any]


def build_generative_ner(
    lm: LanguageModel, format: Format, prompt: Instruction, decoder: Decoder, loss: str = "decisions"
) -> Network:
    """A language model that rewrites a source with its entities marked.

    lm: The language model.
    format: How the answer is written.
    prompt: What the model reads around the source.
    decoder: How the best legal answer is found.
    loss: What training asks: "tokens", every token of the answer; "decisions", the choice among the legal moves
        wherever there is one.
    Returns: a thinc model. `predict` turns sources into lists of entities with scores. `begin_update` turns pairs of a
        source and its properly nested gold entities into losses, float32, one a pair.
        `attrs["set_labels"](model, labels)` gives it the label set, `attrs["set_shots"](model, shots)` the examples
        that its prompt shows.
    Raises: ValueError for an unknown loss.
    """
    if loss not in LOSSES:
        raise ValueError(f'loss = "{loss}": choose one of {", ".join(LOSSES)}')
    attrs = {"format": format, "prompt": prompt, "decoder": decoder, "set_labels": set_labels}
    attrs |= {"shots": Shots(), "set_shots": set_shots}
    model = Network("generative_ner", forward, init=init, attrs=attrs, shims=[LossShim(lm, LOSSES[loss])])
    set_labels(model, {})
    return model


def set_labels(model: Network, labels: Labels) -> None:
    """Give the network a label set."""
    model.attrs["labels"], model.attrs["speller"] = dict(labels), None


def set_shots(model: Network, shots: Iterable[Shot]) -> None:
    """Give the network the examples that its prompt shows. Raises: see `Shots`."""
    model.attrs["shots"], model.attrs["speller"] = Shots(shots, model.attrs["prompt"].shots), None


def init(model: Network, X: Any = None, Y: Any = None) -> None:
    """Load the base weights, and begin with a fresh adapter.

    Raises: ValueError if they cannot be loaded, or do not go with the labels or the prompt; see `Speller`.
    """
    shim: Any = model.shims[0]
    shim.reset()
    model.attrs["speller"] = None
    speller_of(model)


def forward(model: Network, X: Sequence[Any], is_train: bool) -> tuple[Any, Callable[[Floats1d], list[Any]]]:
    """Sources → entities, or (source, gold entities) → losses."""
    shim: Any = model.shims[0]
    speller = speller_of(model)
    if is_train:
        losses, backprop = shim.begin_update([speller.target(source, gold) for source, gold in X])
        return losses, lambda d_losses: backprop(d_losses) or []
    jobs = [speller.job(source) for source in X]
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
        self._answers: dict[Shot, list[int]] = {}
        pieces.check(format.marks(labels))
        rendered = prompt.render(labels, format, pieces.chat_template, shots.count)
        self._around = [(pieces.encode_template(a), pieces.encode_template(b)) for a, b in rendered.shots]
        self._prefix = (*pieces.encode_prefix(rendered.prefix), *self._show(shots.shared))
        self._suffix = [*pieces.encode_template(rendered.suffix), *pieces.answer_start]

    def job(self, source: Source) -> Job:
        """What a decoder needs to know."""
        source = self._pieces.readable(source)
        body, words = self._body(source)
        return Job(self._prefix, body, words, self._format.grammar(source, self._labels), self._pieces.encode)

    def target(self, source: Source, entities: Sequence[Entity]) -> Target:
        """What training needs to know. Raises: ValueError if the format cannot say the entities."""
        source = self._pieces.readable(source)
        grammar = self._format.grammar(source, self._labels)
        answer, decisions = spell(grammar, grammar.derive(entities), self._pieces.encode)
        return Target(self._prefix, self._body(source)[0], [*answer, self._pieces.end], decisions)

    def _body(self, source: Source) -> tuple[list[int], list[int]]:
        """The ids of the prompt behind the prefix, and the places of the last id of each token and of all."""
        ids, words = self._show(self._shots.near(source)), list[int]()
        for word in self._pieces.words(source):
            ids += word
            words.append(len(ids) - 1)
        ids += self._suffix
        return ids, [*words, len(ids) - 1]

    def _show(self, shots: Sequence[Shot]) -> list[int]:
        """The ids of examples with their answers."""
        ids = list[int]()
        for shot, (between, behind) in zip(shots, self._around, strict=False):
            source = self._pieces.readable(shot[0])
            ids += [*chain(*self._pieces.words(source)), *between, *self._answer(shot), *behind]
        return ids

    def _answer(self, shot: Shot) -> list[int]:
        """The ids of the answer to an example, as far as labels and format can say it."""
        if shot not in self._answers:
            source, entities = shot
            grammar = self._format.grammar(self._pieces.readable(source), self._labels)
            said, _ = grammar.sayable(e for e in entities if e.label in self._labels)
            self._answers[shot], _ = spell(grammar, grammar.derive(said), self._pieces.encode)
        return self._answers[shot]


def speller_of(model: Network) -> Speller:
    """Sources and entities as token ids, for the network's present labels."""
    shim: Any = model.shims[0]
    attrs = model.attrs
    if attrs["speller"] is None:
        attrs["speller"] = Speller(shim.lm.pieces, attrs["format"], attrs["prompt"], attrs["labels"], attrs["shots"])
    speller: Speller = attrs["speller"]
    return speller
