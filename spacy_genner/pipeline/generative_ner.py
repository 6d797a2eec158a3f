"""The pipeline component `generative_ner`."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy import util
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example, validate_examples, validate_get_examples
from thinc.api import Adam, Model, Optimizer

from ..decoding.calibration import Platt, as_platt
from ..labels.label_sampling import Sampling, once_each
from ..labels.label_set import Labels, as_labels
from ..prompts.shots import shot_from_json, shot_to_json
from ..types import Entity, Source
from ..windows import Room, merge
from .configurable import as_configured
from .docs import (
    ENTS,
    DocSource,
    Reading,
    annotated_labels,
    gold_spans,
    labels_of,
    own_labels,
    unblocked,
    write_ents,
    write_spans,
)
from .examples import GoldWindow, golds_of, shots_of
from .parts import Parts, find_all
from .saving import SavedPipe
from .settings import Owner, Settings, check

Examples = Callable[[], Iterable[Example]]
Prediction = tuple[DocSource, list[Entity]]
Losses = dict[str, float]
Floats = NDArray[np.float32]


class GenerativeNER(SavedPipe):
    """Named entities, flat and nested, from a decoder LLM that marks them in a copy of the text.

    A document may have a label set of its own, in `doc._.genner_labels`, in training as well.

    Args:
        labels: The label set, with definitions if it is a mapping. None: read from the training
            data.
        spans_key: Where spans are read from and written to: `doc.spans[spans_key]`. Their scores
            are in `doc.spans[spans_key].attrs["scores"]`. Those of an evaluation are called
            `spans_KEY_f` and so on: with another key than "sc", [training.score_weights] must name
            them.
        ents: Which of overlapping spans go to `doc.ents` as well: "outermost", "best" (by score) or
            "none".
        overwrite_ents: Whether they replace entities that are in `doc.ents` already, where they
            overlap.
        threshold: The least score of a span. It can only remove spans.
        window: How many tokens, white space apart, the model reads at once; fewer if they do not
            fit its positions. Longer documents are cut where sentences begin, or else lines, or
            else anywhere, with an overlap.
        sentence_starts: Whether no span may cross a token that is known to start a sentence, as in
            spaCy's own `ner`.
        line_breaks: Whether the model sees line breaks and blank lines. Both hold from `initialize`
            on, and are saved.
        sampling: Turns a label set of the training data, given the component's as well, into the
            one to train on.
    """

    def __init__(
        self,
        nlp: Language,
        model: Model[Any, Any],
        name: str = "generative_ner",
        *,
        labels: Mapping[str, str] | Iterable[str] | None = None,
        spans_key: str = "sc",
        ents: str = "outermost",
        overwrite_ents: bool = False,
        threshold: float = 0.0,
        window: int = 256,
        sentence_starts: bool = True,
        line_breaks: bool = True,
        sampling: Sampling | None = None,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        window = int(window)  # a configuration may hold "256"
        if ents not in ("none", *ENTS):
            raise ValueError(f'ents = "{ents}": choose one of {", ".join(("none", *ENTS))}')
        if window < 1:
            raise ValueError(f"window = {window}: the model reads at least one token")
        self.vocab = nlp.vocab
        self.model = model
        self.name = name
        self.scorer = scorer
        self._owner = Owner(nlp)
        self._reading = Reading(sentence_starts, line_breaks)
        self.cfg: Settings = {
            "calibration": None,
            "scoring": "own",
            "template": model.attrs["prompt"].file,
        }
        self.cfg |= asdict(self._reading)
        self.threshold, self.spans_key = threshold, spans_key
        self._ents, self._overwrite_ents, self._window, self._sampling = (
            ents,
            overwrite_ents,
            window,
            sampling,
        )
        self._configured = labels is not None
        self._rehearsal_model: Model[Any, Any] | None = None
        self._warned = False  # of gold spans that cannot be learnt
        self._put_labels(labels)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the labels."""
        return tuple(self.cfg["labels"])

    @property
    def reading(self) -> Reading:
        """How documents are read."""
        return Reading(self.cfg["sentence_starts"], self.cfg["line_breaks"])

    @property
    def label_data(self) -> dict[str, str]:
        """The labels with their definitions, as `initialize` takes them."""
        return dict(self.cfg["labels"])

    def set_labels(self, labels: Mapping[str, str] | Iterable[str] | None) -> None:
        """Use another label set from now on, also one never trained on."""
        self._put_labels(labels)
        self._configure_labels()

    def _configure_labels(self) -> None:
        if self._configured and (configured := as_configured(self.cfg["labels"])):
            self._owner.configure(self, "labels", configured)

    def _put_labels(self, labels: Mapping[str, str] | Iterable[str] | None) -> None:
        self.cfg["labels"] = as_labels(labels)
        for label in self.cfg["labels"]:
            self.vocab.strings.add(label)
        self.model.attrs["set_labels"](self.model, self.cfg["labels"])

    def add_label(self, label: str, definition: str = "") -> int:
        """Add a label.

        Returns:
            1, or 0 if it was there already.
        """
        if label in self.cfg["labels"]:
            return 0
        self.set_labels({**self.cfg["labels"], label: definition})
        return 1

    def set_shots(self, docs: Iterable[Doc]) -> None:
        """Take the examples that the prompt shows from annotated documents: from
        `doc.spans[spans_key]`, else from `doc.ents`. They are saved with the component. Entities
        with labels outside the label set are not shown.

        Raises:
            ValueError: If the prompt shows none, or there are too few.
            ImportError: Without bm25s: see `FewShot`.
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
            lost += [
                "with an unknown label"
                for _, spans in pool
                for span in spans
                if span.label not in labels
            ]
        if lost:
            warnings.warn(
                f"[{self.name}] spans of the examples that are not shown: {_counts(lost)}",
                stacklevel=2,
            )

    def calibrate(self, scaling: Platt | None) -> None:
        """Turn scores into probabilities by this scaling from now on, until the next training;
        None: leave them."""
        self.cfg["calibration"] = None if scaling is None else asdict(scaling)
        self.cfg["scoring"] = self.model.attrs["scoring"] = "own"

    def train_drafts(self, examples: Iterable[Example]) -> None:
        """Train a small head to guess the model's answers from its hidden states: decoding becomes
        faster, its result does not change. To be done after all other training.

        Raises:
            ValueError: If no example has spans.
        """
        from ..models.drafting import train_drafts

        golds = [gold for example in examples for gold in self._golds(example)[0]]
        train_drafts(self.model, golds)

    def predict(self, docs: Iterable[Doc]) -> list[Prediction]:
        """The sources of the documents and their entities.

        Raises:
            ValueError: If there are no labels, or a document's own are empty, or a prompt is too
                long for the positions of the language model.
            TypeError: If a document's own labels are none.
        """
        parts = [self._parts(doc, own_labels(doc) or self._required_labels()) for doc in docs]
        found = find_all(parts, self.model.predict)
        merged = [merge(list(by_window.values()), list(by_window)) for by_window in found]
        if dropped := sum(len(across) for _, across in merged):
            warnings.warn(
                f"[{self.name}] {dropped} entities were dropped, as they cross the place where a "
                "text had to be cut: "
                "set a larger `window`",
                stacklevel=2,
            )
        return [(part.read, entities) for part, (entities, _) in zip(parts, merged, strict=True)]

    def set_annotations(self, docs: Iterable[Doc], scores: Iterable[Prediction]) -> None:
        """Write the entities of each document to `doc.spans`, and to `doc.ents` if that is
        wanted."""
        scaling = as_platt(self.cfg["calibration"]) or np.asarray
        for doc, (read, entities) in zip(docs, scores, strict=True):
            calibrated = scaling([entity.score for entity in entities])
            scored = zip(entities, map(float, calibrated), strict=True)
            found = [
                (read.span(doc, entity), score)
                for entity, score in scored
                if score >= self.threshold
            ]
            spans = unblocked(doc, found)
            write_spans(doc, self.spans_key, spans)
            if self._ents != "none":
                write_ents(doc, spans, self._ents, self._overwrite_ents)

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Apply the component to a stream of documents, in order. If a batch fails, its documents
        are tried one by
        one: the error handler gets, and the stream loses, only those at fault."""
        for docs in util.minibatch(stream, batch_size):
            try:
                self.set_annotations(docs, self.predict(docs))
            except Exception:
                yield from super().pipe(docs, batch_size=1)
            else:
                yield from docs

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: Losses | None = None,
    ) -> Losses:
        """Learn from a batch of examples: from the spans in `reference.spans[spans_key]`, else from
        `reference.ents`. Examples without either are passed over.

        Args:
            drop: Not used: dropout is a setting of the adapter, and of some base models (T5's
                `dropout_rate`).
        """
        validate_examples(examples, "GenerativeNER.update")
        sample = once_each(self._sampling, self.cfg["labels"]) if self._sampling else None
        learnt = [self._golds(example, sample) for example in examples]
        if not self._warned:
            lost = [reason for _, reasons in learnt for reason in reasons]
            advice = "; spacy_genner.SetLabels.v1 gives a trained component other labels"
            self._warn(lost, advice if "with an unknown label" in lost else "")
        return self._learn([gold for golds, _ in learnt for gold in golds], sgd, losses)

    def rehearse(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Any = None,
        losses: Losses | None = None,
        **_: Any,
    ) -> Losses:
        """Learn what the model predicted for these texts at the time of `nlp.resume_training`, so
        as not to forget it.

        Args:
            sgd: An optimizer, or the collector of gradients that `nlp.rehearse` gives, which has
                its learning rate.
        """
        validate_examples(examples, "GenerativeNER.rehearse")
        if sgd and not isinstance(
            sgd, Optimizer
        ):  # it collects gradients of thinc: ours stay in torch
            sgd = Adam(sgd.learn_rate, beta1=sgd.b1, beta2=sgd.b2, use_averages=False)
        golds = list[GoldWindow]()
        if self._rehearsal_model is not None:
            known = self._rehearsal_model.attrs["labels"]
            parts = [self._parts(e.predicted, own_labels(e.predicted) or known) for e in examples]
            for part, by_window in zip(
                parts, find_all(parts, self._rehearsal_model.predict), strict=True
            ):
                asked = map(part.asked, by_window)
                golds += [
                    (s, found, labels)
                    for (s, labels), found in zip(asked, by_window.values(), strict=True)
                ]
        return self._learn(golds, sgd, losses)

    def get_loss(self, examples: Iterable[Example], scores: Floats) -> tuple[float, Floats]:
        """The sum of the losses of a batch, and its gradient, which is 1 for each."""
        return float(np.sum(scores)), np.ones_like(scores)

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """The scores of examples that carry predictions."""
        scores: dict[str, Any] = super().score(examples, spans_key=self.spans_key, **kwargs)
        return scores

    def initialize(
        self,
        get_examples: Examples,
        *,
        nlp: Language | None = None,
        labels: Mapping[str, str]
        | Sequence[str]
        | None = None,  # for spaCy one string would be an Iterable of letters
        shots: str | Path | None = None,
    ) -> None:
        """Load the weights and settle the labels: those given here, else those of the
        configuration, else those added before and those of the data, in alphabetical order. Warns
        of gold spans that cannot be learnt.

        Args:
            shots: A .spacy file with the examples for a prompt that shows some. None: those set
                before, else the data.

        Raises:
            ValueError: If there are no labels, the weights cannot be loaded, or the tokenizer
                cannot write a label.
        """
        validate_get_examples(get_examples, "GenerativeNER.initialize")
        with self._unless_it_fails():
            self.cfg |= asdict(self._reading)
            if labels is not None:
                self._put_labels(labels)
            elif not self._configured:
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
        """Use other labels from now on to go on training: these, or those of the data, in
        alphabetical order. Warns of gold spans that cannot be learnt.

        Raises:
            ValueError: If there are no labels.
        """
        with self._unless_it_fails():
            self._put_labels(
                labels_of(get_examples(), self.spans_key) if labels is None else labels
            )
            self._required_labels()
            self._check(get_examples)
        self._configure_labels()

    def use_cfg(self, cfg: Settings) -> None:
        """Take over settings, labels, calibration and examples that were saved.

        Raises the same errors as `SavedPipe.use_cfg`.
        """
        check(cfg)
        as_platt(cfg["calibration"])
        self.cfg = cfg
        self.model.attrs["scoring"] = cfg["scoring"]
        if cfg["template"] is not None:
            self.model.attrs["prompt"] = replace(
                self.model.attrs["prompt"], template=cfg["template"]
            )
        self._put_labels(cfg["labels"])
        if self.model.attrs["prompt"].shots:
            self.model.attrs["set_shots"](self.model, map(shot_from_json, cfg.get("shots", ())))

    def _learn(
        self, golds: list[GoldWindow], sgd: Optimizer | None, losses: Losses | None
    ) -> Losses:
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        if golds:
            scores, backprop = self.model.begin_update(golds)
            loss, d_scores = self.get_loss([], scores)
            backprop(d_scores)
            self.calibrate(None)
            losses[self.name] += loss
        if sgd:
            self.finish_update(sgd)
        return losses

    def _golds(
        self, example: Example, sample: Callable[[Labels], Labels] | None = None
    ) -> tuple[list[GoldWindow], list[str]]:
        """What is learnt from an example, and what cannot be; see `golds_of`."""
        wanted = gold_spans(example.reference, self.spans_key)
        if wanted is None:
            return [], []
        labels = annotated_labels(example) or self._required_labels()
        format, outgrows = (
            self.model.attrs["format"],
            partial(self.model.attrs["outgrows"], self.model),
        )
        return golds_of(example, wanted, self._parts, format, outgrows, labels, sample)

    def _parts(
        self, doc: Doc, labels: Labels, starts: Sequence[bool | None] | None = None
    ) -> Parts:
        """A document in the parts in which it is asked for labels.

        Args:
            starts: Whether each token starts a sentence, if that is not to be taken from the
                document.
        """
        return Parts.of(self.reading(doc, starts), labels, self._room)

    def _room(self, source: Source, labels: Labels) -> Room:
        room: Room = self.model.attrs["room"](self.model, source, labels, self._window)
        return room

    def _check(self, get_examples: Examples) -> None:
        self._warn([reason for example in get_examples() for reason in self._golds(example)[1]])
        self._warned = True

    def _warn(self, lost: list[str], advice: str = "") -> None:
        if lost:
            message = (
                f"[{self.name}] gold spans that cannot be learnt as they are: "
                f"{_counts(lost)}{advice}"
            )
            warnings.warn(message, stacklevel=3)
            self._warned = True

    def _required_labels(self) -> Labels:
        if not self.labels:
            raise ValueError(
                f"[{self.name}] has no labels: give `labels` in its configuration, or train it on "
                "data with annotated "
                f"spans in doc.spans[{self.spans_key!r}] or doc.ents"
            )
        labels: Labels = self.cfg["labels"]
        return labels


def _counts(reasons: Iterable[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in Counter(reasons).most_common())
