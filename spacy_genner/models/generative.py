"""The network of `generative_ner`: sources in, scored entities out; sources with gold entities in,
losses out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from thinc.api import Model
from thinc.types import Floats1d

from ..decoding.interfaces import Decoder, Engine, Job
from ..decoding.scores import scored_entities
from ..formats.base import Format, Refused
from ..labels.label_set import Labels
from ..labels.label_words import as_label_words, words_of
from ..lm.decoding_lm import DecodingLM
from ..nesting import nest_best
from ..prompts.instruction import Instruction
from ..prompts.shots import Shot, Shots
from ..types import Entity, Source, Trace
from ..windows import Room
from .grouping import group_words
from .losses import LossShim, loss_of
from .speller import Speller, Spellers
from .stats import Stats

Question = Source | tuple[Source, Labels]
"""What the network decodes: a source, and the label set to ask for if it is not the network's
own."""
Gold = tuple[Source, Sequence[Entity]] | tuple[Source, Sequence[Entity], Labels]
"""What the network learns from: a source, its entities, and the label set to ask for if it is not
the network's own."""
Network = Model[Any, Any]


class Task(NamedTuple):
    """What the network decodes or learns from, in one form.

    Attributes:
        source: The text.
        entities: Its gold entities; none if it is to be decoded.
        labels: The label set to ask for; None: the network's own.
    """

    source: Source
    entities: Sequence[Entity] = ()
    labels: Labels | None = None


def build_generative_ner(
    lm: DecodingLM,
    format: Format,
    prompt: Instruction,
    decoder: Decoder,
    loss: str = "decisions",
    copy_weight: float = 1.0,
    label_words: dict[str, str] | None = None,
) -> Network:
    """Build a network whose language model rewrites a source with its entities marked.

    Args:
        lm: The language model.
        format: How the answer is written.
        prompt: What the model reads around the source.
        decoder: How the best legal answer is found.
        loss: What training asks for: "tokens", every token id of the answer; "decisions", the
            choice among the legal moves wherever there is one.
        copy_weight: The weight of a decision to copy the next token in the loss "decisions", where
            a decision to open or close a span has the weight 1. Below 1, more spans are found, and
            more of them are wrong.
        label_words: The words by which the language model knows labels, each with the label that it
            means. Prompts and answers have the words, and everything else the labels. If several
            words mean one label, all of them are asked for, and training writes the first. A label
            without a word is its own word.

    Returns:
        A thinc model. `predict` takes `Question` items, and returns for each a list of entities
        with scores, or None where the answer outgrows the positions of the language model.
        `begin_update` takes `Gold` items with properly nested entities, and returns their losses,
        float32. `attrs["set_labels"](model, labels)` gives the network its own label set,
        `attrs["set_shots"](model, shots)` the examples that its prompt shows,
        `attrs["scoring"]` is one of `SCORINGS`, and `attrs["stats"]` counts its work.

    Raises:
        ValueError: If the loss is unknown, or cannot have this weight.
        ValueError: If a word or a label in `label_words` is empty, or differs from another one only
            in white space at its edges.
    """
    attrs = {
        "format": format,
        "prompt": prompt,
        "decoder": decoder,
        "label_words": as_label_words(label_words),
        "set_labels": set_labels,
        "shots": Shots(),
        "set_shots": set_shots,
        "scoring": "own",
        "room": room,
        "outgrows": outgrows,
        "expressible": expressible,
        "stats": Stats(),
        "group_words": group_words,
    }
    shim = LossShim(lm, loss_of(loss, copy_weight))
    model = Network("generative_ner", forward, init=init, attrs=attrs, shims=[shim])
    set_labels(model, {})
    return model


def set_labels(model: Network, labels: Labels) -> None:
    """Give the network its own label set."""
    model.attrs["labels"] = dict(labels)
    model.attrs["speller_memory"] = Spellers()


def set_shots(model: Network, shots: Iterable[Shot]) -> None:
    """Give the network the examples that its prompt shows.

    Raises:
        ValueError: If there are too few to find the nearest ones among.
        ImportError: If the nearest ones are to be shown, and bm25s is not installed.
    """
    model.attrs["shots"] = Shots(shots, model.attrs["prompt"].shots)
    model.attrs["speller_memory"] = Spellers()


def init(model: Network, X: Any = None, Y: Any = None) -> None:
    """Load the base weights, and begin with a fresh adapter.

    Raises:
        ValueError: If the weights cannot be loaded, or the tokenizer does not fit the labels or the
            prompt; see `Speller`.
    """
    shim: Any = model.shims[0]
    model.attrs["speller_memory"] = Spellers()
    spellers_of(model)
    shim.reset()


def forward(
    model: Network, X: Sequence[Any], is_train: bool
) -> tuple[Any, Callable[[Floats1d], list[Any]]]:
    """Return the losses of `Gold` items in training, or else the entities of `Question` items."""
    tasks = [as_task(item) for item in X]
    if is_train:
        return _losses(model, tasks)
    return _entities(model, tasks), lambda _: []


def as_task(item: Question | Gold) -> Task:
    """Return what the network was given as a task, whether it comes with a label set or not."""
    match item:
        case Source():
            return Task(item)
        case (source, Mapping() as labels):  # gold entities, which also come second, are a sequence
            return Task(source, labels=dict(labels))
    return Task(*item)


def _losses(
    model: Network, tasks: Sequence[Task]
) -> tuple[Floats1d, Callable[[Floats1d], list[Any]]]:
    """Return the loss of each task, and the function that takes their gradients."""
    shim: Any = model.shims[0]
    asked = _asked(model, tasks)
    numbers = [number for number, _ in asked]
    targets = [
        speller.target(tasks[number].source, tasks[number].entities) for number, speller in asked
    ]
    by_target, backprop_losses = shim.begin_update(targets)
    losses = np.zeros(len(tasks), dtype="float32")
    np.add.at(losses, numbers, by_target)

    def backprop(d_losses: Floats1d) -> list[Any]:
        backprop_losses(d_losses[numbers])
        return []

    return cast(Floats1d, losses), backprop


def _entities(model: Network, tasks: Sequence[Task]) -> list[list[Entity] | None]:
    """Return the entities of each task; None where an answer outgrows the positions."""
    shim: Any = model.shims[0]
    attrs = model.attrs
    asked = _asked(model, tasks)
    jobs = [speller.job(tasks[number].source) for number, speller in asked]
    with shim.lock:
        traces = _decoded(attrs["decoder"], shim.engine, jobs, attrs["stats"])
    found: list[list[Entity]] = [[] for _ in tasks]
    outgrown = set[int]()
    for (number, speller), job, trace in zip(asked, jobs, traces, strict=True):
        if trace is None:
            outgrown.add(number)
        else:
            found[number] += speller.meant(scored_entities(job.grammar, trace, attrs["scoring"]))
    return [
        None if number in outgrown else nest_best(entities, attrs["format"].max_depth)
        for number, entities in enumerate(found)
    ]


def _decoded(
    decoder: Decoder, engine: Engine, jobs: Sequence[Job], stats: Stats
) -> list[Trace | None]:
    """Decode jobs, and count the work of the engine, if it counts it itself."""
    before = [getattr(engine, name, 0) for name in ("token_ids", "passes")]
    traces = decoder(engine, jobs)
    after = [getattr(engine, name, 0) for name in ("token_ids", "passes")]
    stats.add(token_ids=after[0] - before[0], passes=after[1] - before[1])
    return traces


def _asked(model: Network, tasks: Sequence[Task]) -> list[tuple[int, Speller]]:
    """Return the prompts for tasks: for each, the index of its task, and its speller."""
    asked = list[tuple[int, Speller]]()
    for number, task in enumerate(tasks):
        asked += [(number, speller) for speller in spellers_of(model, task.labels)]
    return asked


def spellers_of(model: Network, labels: Labels | None = None) -> list[Speller]:
    """Return the spellers of a label set: one that asks for all labels or, if the answers of the
    format do not name the label, one for each of the model's words.

    Args:
        labels: The label set to ask for; None: the network's own.

    Raises:
        ValueError: If the tokenizer does not fit the labels or the prompt, see `Speller`; or if two
            of the labels have the same word.
    """
    shim: Any = model.shims[0]
    lm, attrs = shim.lm, model.attrs
    asked: Labels = attrs["labels"] if labels is None else labels
    spellers: Spellers = attrs["speller_memory"]

    def make() -> list[Speller]:
        format, prompt, shots = attrs["format"], attrs["prompt"], attrs["shots"]
        label_of = words_of(asked, attrs["label_words"])
        words = {word: asked[label] for word, label in label_of.items()}
        together = format.names_labels or not words
        parts = [words] if together else [{word: words[word]} for word in words]
        return [
            Speller(lm.pieces, format, prompt, part, shots, lm.positions, label_of)
            for part in parts
        ]

    return spellers.of(asked, make)


def speller_of(model: Network, labels: Labels | None = None) -> Speller:
    """Return the only speller of a label set; see `spellers_of`.

    Raises:
        ValueError: If there are several, because the format has one answer for each label.
    """
    spellers = spellers_of(model, labels)
    if len(spellers) != 1:
        raise ValueError(
            f"{model.attrs['format']}: there is an answer for each label, not one for all: use "
            "`spellers_of`"
        )
    return spellers[0]


def room(model: Network, source: Source, labels: Labels, tokens: int) -> Room:
    """Return what a window of a source can hold when these labels are asked for.

    Args:
        tokens: The maximum number of tokens in a window.
    """
    tightest = min(spellers_of(model, labels), key=lambda speller: speller.spare)
    return tightest.room(source, tokens)


def outgrows(model: Network, source: Source, entities: Iterable[Entity], labels: Labels) -> bool:
    """Return whether a prompt for a source and the answer with these entities take more positions
    than the language model has."""
    entities = list(entities)
    return any(speller.outgrows(source, entities) for speller in spellers_of(model, labels))


def expressible(
    model: Network, source: Source, entities: Iterable[Entity], labels: Labels
) -> tuple[list[Entity], list[Refused]]:
    """Split entities into those that answers can express when these labels are asked for, and the
    others with the reason."""
    entities, kept, refused = list(entities), list[Entity](), list[Refused]()
    for speller in spellers_of(model, labels):
        own, others = speller.expressible(source, entities)
        kept += own
        refused += others
    return kept, list(dict.fromkeys(refused))  # each speller refuses unknown labels
