"""The network of `generative_ner`: sources in, scored entities out; sources with gold entities in,
losses out."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

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

Gold = tuple[Source, Sequence[Entity]] | tuple[Source, Sequence[Entity], Labels]
"""A source, its entities, and the label set to ask for if it is not the network's own."""
Network = Model[Any, Any]


def build_generative_ner(
    lm: LanguageModel,
    format: Format,
    prompt: Instruction,
    decoder: Decoder,
    loss: str = "decisions",
    copy_weight: float = 1.0,
) -> Network:
    """A language model that rewrites a source with its entities marked.

    Args:
        lm: The language model.
        format: How the answer is written.
        prompt: What the model reads around the source.
        decoder: How the best legal answer is found.
        loss: What training asks: "tokens", every token of the answer; "decisions", the choice among
            the legal moves wherever there is one.
        copy_weight: How much a decision to copy on counts in the loss "decisions", where one to
            open or close a span counts 1. Below 1, more spans are found, and more of them are
            wrong.

    Returns:
        A thinc model. `predict` turns sources into lists of entities with scores, or into None
        where the answer outgrows the positions of the language model. `begin_update` turns pairs of
        a source and its properly nested gold entities into losses, float32, one a pair. Either may
        have a label set behind it; without, that of the network is asked for:
        `attrs["set_labels"](model, labels)` gives it one. `attrs["set_shots"](model, shots)` gives
        it the examples that its prompt shows, and `attrs["scoring"]` is one of `SCORINGS`.

    Raises:
        ValueError: For an unknown loss, and for a weight that it cannot have.
    """
    attrs = {"format": format, "prompt": prompt, "decoder": decoder, "set_labels": set_labels}
    attrs |= {
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
    """Give the network a label set."""
    model.attrs["labels"], model.attrs["speller_memory"] = dict(labels), Spellers()


def set_shots(model: Network, shots: Iterable[Shot]) -> None:
    """Give the network the examples that its prompt shows.

    Raises an error: see `Shots`.
    """
    model.attrs["shots"], model.attrs["speller_memory"] = (
        Shots(shots, model.attrs["prompt"].shots),
        Spellers(),
    )


def init(model: Network, X: Any = None, Y: Any = None) -> None:
    """Load the base weights, and begin with a fresh adapter.

    Raises:
        ValueError: If they cannot be loaded, or do not go with the labels or the prompt; see
            `Speller`.
    """
    shim: Any = model.shims[0]
    model.attrs["speller_memory"] = Spellers()
    speller_of(model)
    shim.reset()


def forward(
    model: Network, X: Sequence[Any], is_train: bool
) -> tuple[Any, Callable[[Floats1d], list[Any]]]:
    """Sources → entities, or (source, gold entities) → losses, each with a label set or without."""
    shim: Any = model.shims[0]
    if is_train:
        targets = [speller_of(model, *labels).target(source, gold) for source, gold, *labels in X]
        losses, backprop = shim.begin_update(targets)
        return losses, lambda d_losses: backprop(d_losses) or []
    asked = [item if isinstance(item, tuple) else (item,) for item in X]
    jobs = [speller_of(model, *labels).job(source) for source, *labels in asked]
    with shim.lock:
        traces = model.attrs["decoder"](shim.steps, jobs)
    scoring = model.attrs["scoring"]
    return [
        None if trace is None else scored_entities(job.grammar, trace, scoring)
        for job, trace in zip(jobs, traces, strict=True)
    ], lambda _: []


def speller_of(model: Network, labels: Labels | None = None) -> Speller:
    """Sources and entities as token ids, for a label set; None: the network's own."""
    shim: Any = model.shims[0]
    attrs = model.attrs
    asked: Labels = attrs["labels"] if labels is None else labels
    spellers: Spellers = attrs["speller_memory"]
    lm = shim.lm
    return spellers.of(
        asked,
        lambda: Speller(
            lm.pieces, attrs["format"], attrs["prompt"], asked, attrs["shots"], lm.positions
        ),
    )


def room(model: Network, source: Source, labels: Labels, tokens: int) -> Room:
    """What a window of a source can hold if these labels are asked for: at most so many tokens."""
    return speller_of(model, labels).room(source, tokens)


def outgrows(model: Network, source: Source, entities: Iterable[Entity], labels: Labels) -> bool:
    """Whether the prompt for a source and the answer with these entities take more positions than
    the language model has."""
    return speller_of(model, labels).outgrows(source, entities)
