"""The network of `generative_ner`: sources in, scored entities out; sources with gold entities in,
losses out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from thinc.api import Model
from thinc.types import Floats1d

from ..decoding.interfaces import Decoder
from ..decoding.scores import scored_entities
from ..formats.base import Format
from ..labels.label_set import Labels
from ..lm.language_model import LanguageModel
from ..prompts.instruction import Instruction
from ..prompts.shots import Shot, Shots
from ..types import Entity, Source
from ..windows import Room
from .losses import LossShim, loss_of
from .speller import Speller, Spellers

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
    lm: LanguageModel,
    format: Format,
    prompt: Instruction,
    decoder: Decoder,
    loss: str = "decisions",
    copy_weight: float = 1.0,
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

    Returns:
        A thinc model. `predict` takes `Question` items, and returns for each a list of entities
        with scores, or None where the answer outgrows the positions of the language model.
        `begin_update` takes `Gold` items with properly nested entities, and returns their losses,
        float32. `attrs["set_labels"](model, labels)` gives the network its own label set,
        `attrs["set_shots"](model, shots)` the examples that its prompt shows, and
        `attrs["scoring"]` is one of `SCORINGS`.

    Raises:
        ValueError: If the loss is unknown, or cannot have this weight.
    """
    attrs = {
        "format": format,
        "prompt": prompt,
        "decoder": decoder,
        "set_labels": set_labels,
        "shots": Shots(),
        "set_shots": set_shots,
        "scoring": "own",
        "room": room,
        "outgrows": outgrows,
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
    speller_of(model)
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
    targets = [speller_of(model, task.labels).target(task.source, task.entities) for task in tasks]
    losses, backprop_losses = shim.begin_update(targets)

    def backprop(d_losses: Floats1d) -> list[Any]:
        backprop_losses(d_losses)
        return []

    return losses, backprop


def _entities(model: Network, tasks: Sequence[Task]) -> list[list[Entity] | None]:
    """Return the entities of each task; None where the answer outgrows the positions."""
    shim: Any = model.shims[0]
    jobs = [speller_of(model, task.labels).job(task.source) for task in tasks]
    with shim.lock:
        traces = model.attrs["decoder"](shim.steps, jobs)
    scoring = model.attrs["scoring"]
    return [
        None if trace is None else scored_entities(job.grammar, trace, scoring)
        for job, trace in zip(jobs, traces, strict=True)
    ]


def speller_of(model: Network, labels: Labels | None = None) -> Speller:
    """Return the speller of a label set.

    Args:
        labels: The label set to ask for; None: the network's own.

    Raises:
        ValueError: If the tokenizer does not fit the labels or the prompt; see `Speller`.
    """
    shim: Any = model.shims[0]
    lm, attrs = shim.lm, model.attrs
    asked: Labels = attrs["labels"] if labels is None else labels
    spellers: Spellers = attrs["speller_memory"]

    def make() -> Speller:
        format, prompt, shots = attrs["format"], attrs["prompt"], attrs["shots"]
        return Speller(lm.pieces, format, prompt, asked, shots, lm.positions)

    return spellers.of(asked, make)


def room(model: Network, source: Source, labels: Labels, tokens: int) -> Room:
    """Return what a window of a source can hold when these labels are asked for.

    Args:
        tokens: The maximum number of tokens in a window.
    """
    return speller_of(model, labels).room(source, tokens)


def outgrows(model: Network, source: Source, entities: Iterable[Entity], labels: Labels) -> bool:
    """Return whether the prompt for a source and the answer with these entities take more positions
    than the language model has."""
    return speller_of(model, labels).outgrows(source, entities)
