"""Varying the label sets that a model is trained on: labels are added, left out, or described in
other words."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from .label_set import Labels, as_labels, by_core

Sampling = Callable[[Labels, Labels], Labels]
"""A function that takes the label set that a text was annotated with and the component's label set,
and returns the label set to train on."""


@dataclass(frozen=True, slots=True)
class LabelSampling:
    """Draws other label sets to train on, so that a model learns to follow its prompt rather than a
    habit.

    The draws come from Python's `random`, which the setting `seed` of [training] seeds, and whose
    state `genner train` restores after a kill.

    Attributes:
        absent: The greatest number of labels that are added; each number up to it is equally
            likely. The text is taken to have no span of an added label, which is true only of
            labels that its annotators would have used.
        others: The labels to add. None: the labels of the component.
        drop: The probability that a label is left out, together with its gold spans. One label
            always stays.
        shuffle: Whether to put the labels into a random order. If false, they keep their order, and
            the added ones come last.
        drop_definition: The probability that a label comes without its definition.
        paraphrases: Other definitions of labels. One of them, or the label's own, is drawn.

    Raises:
        ValueError: If a number is out of its range, or if `others` or `paraphrases` hold a name or
            a definition that no label can have.
        TypeError: If `others` is one string, or if a name or a definition is not a string.
    """

    absent: int = 0
    others: dict[str, str] | list[str] | None = None
    drop: float = 0.0
    shuffle: bool = False
    drop_definition: float = 0.0
    paraphrases: dict[str, list[str]] | None = None

    def __post_init__(self) -> None:
        if self.absent < 0:
            raise ValueError(
                f"absent = {self.absent}: give the greatest number of labels to add, 0 or more"
            )
        for name in ("drop", "drop_definition"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    f"{name} = {getattr(self, name)}: a probability must lie between 0 and 1"
                )
        as_labels(self.others)
        for label, texts in (self.paraphrases or {}).items():
            for text in texts:
                as_labels({label: text})

    def __call__(self, labels: Labels, component: Labels) -> Labels:
        """Draw the label set to ask for instead of another one.

        Args:
            labels: The labels that the text was annotated with, at least one.
            component: The labels of the component.
        """
        others = component if self.others is None else as_labels(self.others)
        known = by_core(labels)
        absent = [label for label in others if label.strip() not in known]
        added = random.sample(absent, min(random.randint(0, self.absent), len(absent)))
        kept = [label for label in labels if random.random() >= self.drop]
        if not kept:
            kept = [random.choice(list(labels))]
        definitions = others | labels
        names = kept + added
        if self.shuffle:
            names = random.sample(names, len(names))
        return {name: self._definition(name, definitions[name]) for name in names}

    def _definition(self, label: str, own: str) -> str:
        """Draw one of a label's definitions, or none."""
        if random.random() < self.drop_definition:
            return ""
        paraphrases = (self.paraphrases or {}).get(label, [])
        return random.choice([text for text in [own, *paraphrases] if text] or [""])


def once_each(sampling: Sampling, component: Labels) -> Callable[[Labels], Labels]:
    """Return a function that draws once for each label set and then repeats that draw, so that a
    batch has no more different prompts than without sampling."""
    drawn: dict[tuple[tuple[str, str], ...], Labels] = {}

    def sample(labels: Labels) -> Labels:
        key = tuple(labels.items())
        if key not in drawn:
            drawn[key] = sampling(labels, component)
        return drawn[key]

    return sample
