"""The label set: names in a fixed order, with optional definitions; and others like it, to train on."""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

Labels = dict[str, str]
"""Label → definition (empty if it has none). The order is part of the meaning: it breaks ties and shapes the prompt."""

Sampling = Callable[[Labels, Labels], Labels]
"""A label set that a text was annotated with, and the component's → the one to train on."""


def as_labels(labels: Mapping[str, str] | Iterable[str] | None) -> Labels:
    """Labels from what a configuration may hold: a mapping to definitions, a list of names, or nothing.

    Raises: ValueError for a name that is empty or only white space, for two that differ in white space at their edges
        only, and for texts that cannot be encoded; TypeError for names and definitions that are not strings.
    """
    if isinstance(labels, str):
        raise TypeError(f"labels = {labels!r} is one string: give a list of names, or names with their definitions")
    pairs = labels.items() if isinstance(labels, Mapping) else ((name, "") for name in labels or ())
    result: Labels = {}
    for name, definition in pairs:
        if not isinstance(name, str) or not isinstance(definition, str):
            raise TypeError(f"label {name!r} with the definition {definition!r}: both must be strings")
        _check(name, definition)
        result[name] = definition
    if twins := [names for names in _by_core(result).values() if len(names) > 1]:
        names = " and ".join(map(repr, twins[0]))
        raise ValueError(f"the labels {names} differ only in white space at their edges: keep one of them")
    return result


def _check(name: str, definition: str) -> None:
    if not name.strip():
        raise ValueError(f"label {name!r} is empty: give every label a name")
    try:
        (name + definition).encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"label {name!r} with the definition {definition!r}: {error.object[error.start]!r} is half of a character, "
            "which cannot be written: leave it out"
        ) from error


def _by_core(names: Iterable[str]) -> dict[str, list[str]]:
    """Names by what they are without white space at their edges."""
    cores: dict[str, list[str]] = {}
    for name in names:
        cores.setdefault(name.strip(), []).append(name)
    return cores


@dataclass(frozen=True, slots=True)
class LabelSampling:
    """Other label sets to train on, so that a model does what its prompt says and not what it always did.

    It draws from Python's `random`, which [training] seed sets, and which `genner train` restores after a kill.

    absent: At most how many labels are added; each number up to it is as likely as the others. They are taken for
        labels that the text has no span of: true only of labels that its annotators would have used.
    others: Where they come from; None: the labels of the component.
    drop: The probability that a label is left out, with its gold spans. One label always stays.
    shuffle: Put the labels into a random order; else they keep theirs, and the absent ones come last.
    drop_definition: The probability that a label comes without its definition.
    paraphrases: More definitions of labels: one of them, or the label's own, is taken.
    Raises: ValueError for numbers out of their range, and `others` that are no labels.
    """

    absent: int = 0
    others: dict[str, str] | list[str] | None = None
    drop: float = 0.0
    shuffle: bool = False
    drop_definition: float = 0.0
    paraphrases: dict[str, list[str]] | None = None

    def __post_init__(self) -> None:
        if self.absent < 0:
            raise ValueError(f"absent = {self.absent}: give the number of labels to add, at least 0")
        for name in ("drop", "drop_definition"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} = {getattr(self, name)}: a probability lies between 0 and 1")
        as_labels(self.others)
        for label, texts in (self.paraphrases or {}).items():
            for text in texts:
                as_labels({label: text})

    def __call__(self, labels: Labels, component: Labels) -> Labels:
        """A label set to ask for instead of another.

        labels: What the text was annotated with, at least one.
        component: The labels of the component.
        """
        others = component if self.others is None else as_labels(self.others)
        known = _by_core(labels)
        absent = [label for label in others if label.strip() not in known]
        added = random.sample(absent, min(random.randint(0, self.absent), len(absent)))
        kept = [label for label in labels if random.random() >= self.drop] or [random.choice(list(labels))]
        chosen = {label: (others | labels)[label] for label in kept + added}
        names = random.sample(list(chosen), len(chosen)) if self.shuffle else list(chosen)
        return {name: self._definition(name, chosen[name]) for name in names}

    def _definition(self, label: str, own: str) -> str:
        known = [own, *(self.paraphrases or {}).get(label, [])]
        return "" if random.random() < self.drop_definition else random.choice([text for text in known if text] or [""])


def once_each(sampling: Sampling, component: Labels) -> Callable[[Labels], Labels]:
    """One draw for each label set, whenever it comes: a batch then has as many prompts as without sampling."""
    drawn: dict[tuple[tuple[str, str], ...], Labels] = {}

    def sample(labels: Labels) -> Labels:
        key = tuple(labels.items())
        if key not in drawn:
            drawn[key] = sampling(labels, component)
        return drawn[key]

    return sample
