"""Other label sets to train on, with labels added, left out, or described in other words."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from .label_set import Labels, as_labels, by_core

Sampling = Callable[[Labels, Labels], Labels]
"""A label set that a text was annotated with, and the component's → the one to train on."""


@dataclass(frozen=True, slots=True)
class LabelSampling:
    """Other label sets to train on, so that a model does what its prompt says and not what it
    always did.

    It draws from Python's `random`, which [training] seed sets, and which `genner train` restores
    after a kill.

    Attributes:
        absent: At most how many labels are added; each number up to it is as likely as the others.
            They are taken for labels that the text has no span of: true only of labels that its
            annotators would have used.
        others: Where they come from; None: the labels of the component.
        drop: The probability that a label is left out, with its gold spans. One label always stays.
        shuffle: Put the labels into a random order; else they keep theirs, and the absent ones come
            last.
        drop_definition: The probability that a label comes without its definition.
        paraphrases: More definitions of labels: one of them, or the label's own, is taken.

    Raises:
        ValueError: For numbers out of their range, and `others` that are no labels.
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
                f"absent = {self.absent}: give the number of labels to add, at least 0"
            )
        for name in ("drop", "drop_definition"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    f"{name} = {getattr(self, name)}: a probability lies between 0 and 1"
                )
        as_labels(self.others)
        for label, texts in (self.paraphrases or {}).items():
            for text in texts:
                as_labels({label: text})

    def __call__(self, labels: Labels, component: Labels) -> Labels:
        """A label set to ask for instead of another.

        Args:
            labels: What the text was annotated with, at least one.
            component: The labels of the component.
        """
        others = component if self.others is None else as_labels(self.others)
        known = by_core(labels)
        absent = [label for label in others if label.strip() not in known]
        added = random.sample(absent, min(random.randint(0, self.absent), len(absent)))
        kept = [label for label in labels if random.random() >= self.drop] or [
            random.choice(list(labels))
        ]
        chosen = {label: (others | labels)[label] for label in kept + added}
        names = random.sample(list(chosen), len(chosen)) if self.shuffle else list(chosen)
        return {name: self._definition(name, chosen[name]) for name in names}

    def _definition(self, label: str, own: str) -> str:
        known = [own, *(self.paraphrases or {}).get(label, [])]
        return (
            ""
            if random.random() < self.drop_definition
            else random.choice([text for text in known if text] or [""])
        )


def once_each(sampling: Sampling, component: Labels) -> Callable[[Labels], Labels]:
    """One draw for each label set, whenever it comes: a batch then has as many prompts as without
    sampling."""
    drawn: dict[tuple[tuple[str, str], ...], Labels] = {}

    def sample(labels: Labels) -> Labels:
        key = tuple(labels.items())
        if key not in drawn:
            drawn[key] = sampling(labels, component)
        return drawn[key]

    return sample
