"""How a component learns from annotated documents, and takes examples for its prompt from them."""

import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example, validate_examples, validate_get_examples
from thinc.api import Adam, Model, Optimizer

from ..labels.label_sampling import Sampling, once_each
from ..labels.label_set import Labels
from ..prompts.shots import shot_to_json
from ..types import Source
from ..windows import Room
from .docs import Reading, annotated_labels, gold_spans, labels_of, own_labels
from .examples import GoldWindow, golds_of, sentence_starts, shots_of
from .groups import groups
from .parts import Parts, find_all
from .settings import AdjustablePipe

Examples = Callable[[], Iterable[Example]]
Losses = dict[str, float]
Floats = NDArray[np.float32]
_WORDS = 1024
"""From how many words on the rest of a batch is read in another pass. The gradients add up to the
same, and memory does not grow with the batch, or with the length of its documents."""


class LearningPipe(AdjustablePipe):
    """A component that learns from annotated documents, and shows some of them in its prompt."""

    _configured_reading: Reading
    _window: int
    _sampling: Sampling | None
    _rehearsal_model: Model[Any, Any] | None = None  # set by `nlp.resume_training`
    _warned = False  # about gold spans that cannot be learnt

    def initialize(
        self,
        get_examples: Examples,
        *,
        nlp: Language | None = None,
        # Sequence, as spaCy would take a single string for an Iterable of letters
        labels: Mapping[str, str] | Sequence[str] | None = None,
        shots: str | Path | None = None,
    ) -> None:
        """Load the weights and settle the label set.

        The labels are those given here, or else those of the config, or else those added
        before and those of the data, in alphabetical order. Warns about gold spans that cannot be
        learnt.

        Args:
            shots: A .spacy file with the examples for a prompt that shows some. None: the examples
                that were set before, or else the data.

        Raises:
            ValueError: If there are no labels, the weights cannot be loaded, or the tokenizer
                cannot write a label.
        """
        validate_get_examples(get_examples, "GenerativeNER.initialize")
        with self._all_or_nothing():
            self.cfg |= asdict(self._configured_reading)
            if labels is not None:
                self._put_labels(labels)
            elif not self._labels_configured:
                for label, definition in labels_of(get_examples(), self.spans_key).items():
                    self.add_label(label, definition)
            self._required_labels()
            if shots is not None:
                self.set_shots(DocBin().from_disk(shots).get_docs(self.vocab))
            elif self.model.attrs["prompt"].shots and "shots" not in self.cfg:
                self.set_shots(example.reference for example in get_examples())
            self._check(get_examples)
            self.model.initialize()
            self.calibrate(None)

    def take_labels(
        self, get_examples: Examples, labels: Mapping[str, str] | Iterable[str] | None = None
    ) -> None:
        """Use other labels from now on, to continue training with them.

        Warns about gold spans that cannot be learnt.

        Args:
            labels: The label set; None: the labels of the data, in alphabetical order.

        Raises:
            ValueError: If there are no labels.
        """
        with self._all_or_nothing():
            if labels is None:
                labels = labels_of(get_examples(), self.spans_key)
            self._put_labels(labels)
            self._required_labels()
            self._check(get_examples)
        self._configure_labels()

    def set_shots(self, docs: Iterable[Doc]) -> None:
        """Take the examples that the prompt shows from annotated documents.

        The spans are those in `doc.spans[spans_key]`, or else in `doc.ents`. Spans with labels
        outside the label set are not shown. The examples are saved with the component.

        Raises:
            ValueError: If the prompt shows no examples, or there are too few of them.
            ImportError: If the nearest examples are to be shown, and bm25s is not installed.
        """
        if self.model.attrs["prompt"].shots is None:
            raise ValueError(
                f"[{self.name}] the prompt shows no examples: set `shots` in [model.prompt] as well"
            )
        shots, lost = shots_of(docs, self.spans_key, self.reading, self._window)
        self.model.attrs["set_shots"](self.model, shots)
        pool = self.model.attrs["shots"].pool
        self.cfg["shots"] = [shot_to_json(shot) for shot in pool]
        if labels := self.cfg["labels"]:
            for _, spans in pool:
                lost += ["with an unknown label" for span in spans if span.label not in labels]
        if lost:
            warnings.warn(
                f"[{self.name}] spans of the examples that are not shown: {_counted(lost)}",
                stacklevel=2,
            )

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: Losses | None = None,
    ) -> Losses:
        """Learn from a batch of examples.

        The gold spans are those in `reference.spans[spans_key]`, or else in `reference.ents`.
        Examples that have neither are skipped.

        Args:
            drop: Not used: dropout is a setting of the adapter, and of some base models (T5's
                `dropout_rate`).
        """
        validate_examples(examples, "GenerativeNER.update")
        golds, lost = self.golds(examples)
        if not self._warned:
            advice = "; spacy_genner.SetLabels.v1 gives a trained component other labels"
            self._warn(lost, advice if "with an unknown label" in lost else "")
        return self._learn(golds, sgd, losses)

    def golds(self, examples: Iterable[Example]) -> tuple[list[GoldWindow], list[str]]:
        """Return what an update learns from examples, with the label sets that `sampling` draws.

        Returns:
            Windows with their gold entities, and a reason for each gold span that cannot be learnt.

        Raises:
            ValueError: If there are no labels.
        """
        sample = once_each(self._sampling, self.cfg["labels"]) if self._sampling else None
        golds, lost = list[GoldWindow](), list[str]()
        for example in examples:
            windows, reasons = self._golds(example, sample)
            golds += windows
            lost += reasons
        return golds, lost

    def rehearse(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Any = None,
        losses: Losses | None = None,
        **_: Any,
    ) -> Losses:
        """Learn what the copy of the model kept by `nlp.resume_training` predicts for these texts,
        so that it is not forgotten.

        Args:
            drop: Not used, as in `update`.
            sgd: An optimizer, or the function that `nlp.rehearse` passes in its place.
        """
        validate_examples(examples, "GenerativeNER.rehearse")
        if sgd and not isinstance(sgd, Optimizer):
            # this function collects thinc's gradients for a step that is made later; ours stay in
            # torch and get a step of their own, with the learning rate that it carries
            sgd = Adam(sgd.learn_rate, beta1=sgd.b1, beta2=sgd.b2, use_averages=False)
        return self._learn(self._rehearsal_golds(examples), sgd, losses)

    def get_loss(self, examples: Iterable[Example], scores: Floats) -> tuple[float, Floats]:
        """Return the sum of the losses of a batch, and its gradient, which is 1 for each loss."""
        return float(np.sum(scores)), np.ones_like(scores)

    def train_drafts(self, examples: Iterable[Example]) -> None:
        """Train a small head that guesses the model's answers from its hidden states.

        Decoding becomes faster, and its result does not change. Do this after all other training.

        Raises:
            ValueError: If no example is annotated.
        """
        from ..models.drafting import train_drafts  # not when spaCy starts, as it imports torch

        golds = list[GoldWindow]()
        for example in examples:
            golds += self._golds(example)[0]
        train_drafts(self.model, golds)

    def _learn(
        self, golds: list[GoldWindow], sgd: Optimizer | None, losses: Losses | None
    ) -> Losses:
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        if golds:
            self.calibrate(None)
        for part in groups(golds, lambda gold: len(gold[0].words), _WORDS, math.inf):
            scores, backprop = self.model.begin_update(part)
            loss, d_scores = self.get_loss([], scores)
            backprop(d_scores)
            losses[self.name] += loss
        if sgd:
            self.finish_update(sgd)
        return losses

    def _golds(
        self, example: Example, sample: Callable[[Labels], Labels] | None = None
    ) -> tuple[list[GoldWindow], list[str]]:
        """Return what is learnt from an example, and a reason for each gold span that cannot be.

        Args:
            sample: Returns the label set to ask for in the place of the annotated one.
        """
        wanted = gold_spans(example.reference, self.spans_key)
        if wanted is None:
            return [], []
        labels = annotated_labels(example) or self._required_labels()
        asked = sample(labels) if sample else labels
        parts = self._parts(example.predicted, asked, sentence_starts(example))
        return golds_of(example, wanted, labels, parts, self.model)

    def _rehearsal_golds(self, examples: Iterable[Example]) -> list[GoldWindow]:
        """Return the predictions of the model that is rehearsed, as gold windows."""
        golds = list[GoldWindow]()
        if self._rehearsal_model is None:
            return golds
        known = self._rehearsal_model.attrs["labels"]
        docs = [example.predicted for example in examples]
        parts = [self._parts(doc, own_labels(doc) or known) for doc in docs]
        found = find_all(parts, self._rehearsal_model.predict)
        for part, by_window in zip(parts, found, strict=True):
            for window, entities in by_window.items():
                source, labels = part.asked(window)
                golds.append((source, entities, labels))
        return golds

    def _parts(
        self, doc: Doc, labels: Labels, starts: Sequence[bool | None] | None = None
    ) -> Parts:
        """Cut a document into the parts in which the model is asked for labels.

        Args:
            starts: Whether each token starts a sentence; None: as the document says.
        """
        return Parts.of(self.reading(doc, starts), labels, self._room)

    def _room(self, source: Source, labels: Labels) -> Room:
        room: Room = self.model.attrs["room"](self.model, source, labels, self._window)
        return room

    def _check(self, get_examples: Examples) -> None:
        """Warn about the gold spans of all examples that cannot be learnt."""
        lost = list[str]()
        for example in get_examples():
            lost += self._golds(example)[1]
        self._warn(lost)
        self._warned = True

    def _warn(self, lost: list[str], advice: str = "") -> None:
        if lost:
            warnings.warn(
                f"[{self.name}] gold spans that cannot be learnt as they are: "
                f"{_counted(lost)}{advice}",
                stacklevel=3,
            )
            self._warned = True


def _counted(reasons: Iterable[str]) -> str:
    """Return reasons with their counts, the most frequent one first."""
    return ", ".join(f"{count} {reason}" for reason, count in Counter(reasons).most_common())
