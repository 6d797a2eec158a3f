"""The pipeline component `generative_ner`."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy import util
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example, validate_examples, validate_get_examples
from thinc.api import Adam, Model, Optimizer

from ..calibration import Platt, as_platt
from ..labels import Labels, Sampling, as_labels, once_each
from ..shots import pack, unpack
from ..types import Entity, Source
from ..windows import merge
from .docs import (
    ENTS,
    DocSource,
    annotated_labels,
    gold_spans,
    labels_of,
    own_labels,
    write_ents,
    write_spans,
)
from .examples import Gold, Window, cut, golds_of, shots_of
from .saving import SavedPipe

Asked = tuple[Source, Labels]
Examples = Callable[[], Iterable[Example]]
Prediction = tuple[DocSource, list[Entity]]
Losses = dict[str, float]
Floats = NDArray[np.float32]


class GenerativeNER(SavedPipe):
    """Named entities, flat and nested, from a decoder LLM that marks them in a copy of the text.

    A document may have a label set of its own, in `doc._.ner_labels`, in training as well.

    labels: The label set, with definitions if it is a mapping. None: read from the training data.
    spans_key: Where spans are read from and written to: `doc.spans[spans_key]`. Their scores are in
        `doc.spans[spans_key].attrs["scores"]`. Those of an evaluation are called `spans_KEY_f` and so on: with
        another key than "sc", [training.score_weights] must name them.
    ents: Which of overlapping spans go to `doc.ents` as well: "outermost", "best" (by score) or "none".
    overwrite_ents: Whether they replace entities that are in `doc.ents` already, where they overlap.
    threshold: The least score of a span. It can only remove spans.
    window: How many tokens, white space apart, the model reads at once. Longer documents are cut at sentence ends.
    sampling: Turns a label set of the training data, given the component's as well, into the one to train on.
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
        sampling: Sampling | None = None,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        threshold, window = float(threshold), int(window)  # a configuration may hold "0.5"
        if ents not in ("none", *ENTS):
            raise ValueError(f'ents = "{ents}": choose one of {", ".join(("none", *ENTS))}')
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold = {threshold}: scores lie between 0 and 1")
        if window < 1:
            raise ValueError(f"window = {window}: the model reads at least one token")
        self.vocab = nlp.vocab
        self.model = model
        self.name = name
        self.scorer = scorer
        self.cfg: dict[str, Any] = {"calibration": None}
        self.spans_key, self._ents, self._overwrite_ents = spans_key, ents, overwrite_ents
        self.threshold, self._window, self._sampling = threshold, window, sampling
        self._configured = labels is not None
        self._rehearsal_model: Model[Any, Any] | None = None
        self._warned = False  # of gold spans that cannot be learnt
        self.set_labels(labels)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the labels."""
        return tuple(self.cfg["labels"])

    @property
    def label_data(self) -> dict[str, str]:
        """The labels with their definitions, as `initialize` takes them."""
        return dict(self.cfg["labels"])

    def set_labels(self, labels: Mapping[str, str] | Iterable[str] | None) -> None:
        """Use another label set from now on, also one never trained on."""
        self.cfg["labels"] = as_labels(labels)
        self.model.attrs["set_labels"](self.model, self.cfg["labels"])

    def add_label(self, label: str, definition: str = "") -> int:
        """Add a label. Returns: 1, or 0 if it was there already."""
        if label in self.cfg["labels"]:
            return 0
        self.set_labels({**self.cfg["labels"], label: definition})
        return 1

    def set_shots(self, docs: Iterable[Doc]) -> None:
        """Take the examples that the prompt shows from annotated documents: from `doc.spans[spans_key]`, else from
        `doc.ents`. They are saved with the component. Entities with labels outside the label set are not shown.

        Raises: ValueError if the prompt shows none, or there are too few; ImportError without bm25s: see `FewShot`.
        """
        if self.model.attrs["prompt"].shots is None:
            raise ValueError(f"[{self.name}] the prompt shows no examples: set `shots` in [model.prompt] as well")
        shots, lost = shots_of(docs, self.spans_key, self._window)
        if lost:
            warnings.warn(f"[{self.name}] spans of the examples that cannot be shown: {lost}", stacklevel=2)
        self.model.attrs["set_shots"](self.model, shots)
        self.cfg["shots"] = [pack(shot) for shot in self.model.attrs["shots"].pool]

    def calibrate(self, scaling: Platt | None) -> None:
        """Turn scores into probabilities by this scaling from now on, until the next training; None: leave them."""
        self.cfg["calibration"] = None if scaling is None else asdict(scaling)

    def train_drafts(self, examples: Iterable[Example]) -> None:
        """Train a small head to guess the model's answers from its hidden states: decoding becomes faster, its result
        does not change. To be done after all other training.

        Raises: ValueError if no example has spans.
        """
        from ..models.drafting import train_drafts

        golds = [gold for example in examples for gold in self._golds(example)[0]]
        train_drafts(self.model, golds)

    def predict(self, docs: Iterable[Doc]) -> list[Prediction]:
        """The sources of the documents and their entities.

        Raises: ValueError if there are no labels, or a document's own are empty; TypeError if these are none.
        """
        reads = [self._read(doc) for doc in docs]
        found = iter(self.model.predict([part for _, _, parts in reads for part in parts]))
        return [(read, merge([next(found) for _ in windows], windows)) for read, windows, _ in reads]

    def set_annotations(self, docs: Iterable[Doc], scores: Iterable[Prediction]) -> None:
        """Write the entities of each document to `doc.spans`, and to `doc.ents` if that is wanted."""
        scaling = as_platt(self.cfg["calibration"]) or np.asarray
        for doc, (read, entities) in zip(docs, scores, strict=True):
            calibrated = scaling([entity.score for entity in entities])
            scored = zip(entities, map(float, calibrated), strict=True)
            spans = [(read.span(doc, entity), score) for entity, score in scored if score >= self.threshold]
            write_spans(doc, self.spans_key, spans)
            if self._ents != "none":
                write_ents(doc, spans, self._ents, self._overwrite_ents)

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Apply the component to a stream of documents, in order. If a batch fails, its documents are tried one by
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
        """Learn from a batch of examples: from the spans in `reference.spans[spans_key]`, else from `reference.ents`.
        Examples without either are passed over.

        drop: Not used: dropout is a setting of the adapter, and of some base models (T5's `dropout_rate`).
        """
        validate_examples(examples, "GenerativeNER.update")
        sample = once_each(self._sampling, self.cfg["labels"]) if self._sampling else None
        learnt = [self._golds(example, sample) for example in examples]
        if not self._warned:
            lost = Counter(reason for _, lost in learnt for reason in lost)
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
        """Learn what the model predicted for these texts at the time of `nlp.resume_training`, so as not to forget it.

        sgd: An optimizer, or the collector of gradients that `nlp.rehearse` gives, which has its learning rate.
        """
        validate_examples(examples, "GenerativeNER.rehearse")
        if sgd and not isinstance(sgd, Optimizer):  # it collects gradients of thinc: ours stay in torch
            sgd = Adam(sgd.learn_rate, beta1=sgd.b1, beta2=sgd.b2, use_averages=False)
        golds = list[Gold]()
        if self._rehearsal_model is not None:
            known = self._rehearsal_model.attrs["labels"]
            asked = [part for example in examples for part in self._read(example.predicted, known)[2]]
            found = self._rehearsal_model.predict(asked)
            golds += [(source, entities, labels) for (source, labels), entities in zip(asked, found, strict=True)]
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
        labels: Mapping[str, str] | Iterable[str] | None = None,
        shots: str | Path | None = None,
    ) -> None:
        """Load the weights and settle the labels: those given here, else those of the configuration, else those added
        before and those of the data, in alphabetical order. Warns of gold spans that cannot be learnt.

        shots: A .spacy file with the examples for a prompt that shows some. None: those set before, else the data.

        Raises: ValueError if there are no labels, the weights cannot be loaded, or the tokenizer cannot write a label.
        """
        validate_get_examples(get_examples, "GenerativeNER.initialize")
        with self._unless_it_fails():
            if labels is not None:
                self.set_labels(labels)
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

    def take_labels(self, get_examples: Examples, labels: Mapping[str, str] | Iterable[str] | None = None) -> None:
        """Use other labels from now on to go on training: these, or those of the data, in alphabetical order. Warns of
        gold spans that cannot be learnt.

        Raises: ValueError if there are no labels.
        """
        with self._unless_it_fails():
            self.set_labels(labels_of(get_examples(), self.spans_key) if labels is None else labels)
            self._required_labels()
            self._check(get_examples)

    def use_cfg(self, cfg: dict[str, Any]) -> None:
        """Take over labels, calibration and examples that were saved. Raises: as `SavedPipe.use_cfg`."""
        if not isinstance(cfg["labels"], dict):
            raise TypeError("labels: expected names with definitions")
        as_platt(cfg["calibration"])
        self.cfg = cfg
        self.set_labels(cfg["labels"])
        self.model.attrs["set_shots"](self.model, map(unpack, cfg.get("shots", ())))

    def _learn(self, golds: list[Gold], sgd: Optimizer | None, losses: Losses | None) -> Losses:
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
    ) -> tuple[list[Gold], list[str]]:
        """What is learnt from an example, and what cannot be; see `golds_of`."""
        wanted = gold_spans(example.reference, self.spans_key)
        if wanted is None:
            return [], []
        labels = annotated_labels(example) or self._required_labels()
        return golds_of(example, wanted, self._window, self.model.attrs["format"], labels, sample)

    def _read(self, doc: Doc, labels: Labels | None = None) -> tuple[DocSource, list[Window], list[Asked]]:
        """The source of a document, its windows, and the parts of it in them, each with the labels to ask for: the
        document's own, else these, else the component's."""
        labels = own_labels(doc) or labels or self._required_labels()
        read, windows = cut(doc, self._window)
        return read, windows, [(read.source[start:end], labels) for start, end in windows]

    def _check(self, get_examples: Examples) -> None:
        self._warn(Counter(reason for example in get_examples() for reason in self._golds(example)[1]))
        self._warned = True

    def _warn(self, lost: Counter[str], advice: str = "") -> None:
        if lost:
            counts = ", ".join(f"{count} {reason}" for reason, count in lost.most_common())
            warnings.warn(f"[{self.name}] gold spans that cannot be learnt as they are: {counts}{advice}", stacklevel=3)
            self._warned = True

    def _required_labels(self) -> Labels:
        if not self.labels:
            raise ValueError(
                f"[{self.name}] has no labels: give `labels` in its configuration, or train it on data with annotated "
                f"spans in doc.spans[{self.spans_key!r}] or doc.ents"
            )
        labels: Labels = self.cfg["labels"]
        return labels
