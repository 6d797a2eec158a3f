"""The pipeline component `generative_ner`."""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from time import perf_counter
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Model

from ..decoding.calibration import as_platt
from ..labels.label_sampling import Sampling
from ..models.stats import Stats
from ..types import Entity
from ..windows import merge
from .docs import ENTS, DocSource, Reading, own_labels, unblocked, write_ents, write_spans
from .groups import groups
from .learning import LearningPipe
from .parts import Parts, find_all
from .saved_settings import Threshold, as_threshold, lowest_score

Prediction = tuple[DocSource, list[Entity]]


class GenerativeNER(LearningPipe):
    """Named entities, flat and nested, from a decoder LLM that marks them in a copy of the text.

    A document may have a label set of its own, in `doc._.genner_labels`, also in training. How the
    component learns is in `LearningPipe`; how its settings are changed and saved, in
    `AdjustablePipe`.

    Args:
        model: The network; see `build_generative_ner`.
        labels: The label set, with definitions if it is a mapping. None: taken from the training
            data.
        spans_key: The key of `doc.spans` under which spans are read and written. Their scores are
            in `doc.spans[spans_key].attrs["scores"]`. The scores of an evaluation are called
            `spans_KEY_f` and so on: with a key other than "sc", [training.score_weights] must name
            them.
        ents: Which of overlapping spans go to `doc.ents` as well: "outermost", "best" (by score) or
            "none".
        overwrite_ents: Whether they replace the entities that are in `doc.ents` already, where they
            overlap with them.
        threshold: The lowest score of a span, or that of the spans of each label; those of a label
            that is not named are all kept. It can only remove spans.
        window: The maximum number of tokens, not counting white space, that the model reads at
            once; fewer if they do not fit into its positions. Longer documents are cut where
            sentences begin, or else where lines begin, or else anywhere, with an overlap.
        sentence_starts: Whether no span may cross a token that is known to start a sentence, as in
            spaCy's own `ner`.
        line_breaks: Whether the model sees line breaks and blank lines. This setting and
            `sentence_starts` take effect in `initialize`, and are saved.
        sampling: Returns the label set to train on, given that of an example and that of the
            component. None: train on that of the example.
        scorer: The function with which `nlp.evaluate` scores the component.
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
        threshold: Threshold = 0.0,
        window: int = 256,
        sentence_starts: bool = True,
        line_breaks: bool = True,
        sampling: Sampling | None = None,
        scorer: Callable[..., dict[str, Any]] | None = None,
    ) -> None:
        window = int(window)  # a config may hold "256"
        choices = ("none", *ENTS)
        if ents not in choices:
            raise ValueError(f'ents = "{ents}": choose one of {", ".join(choices)}')
        if window < 1:
            raise ValueError(f"window = {window}: the model reads at least one token")
        self._configured_reading = Reading(sentence_starts, line_breaks)
        cfg = {
            "calibration": None,
            "scoring": "own",
            "template": model.attrs["prompt"].file,
            **asdict(self._configured_reading),
            "threshold": as_threshold(threshold),
            "spans_key": spans_key,
        }
        super().__init__(nlp, model, name, cfg, labels)
        self.scorer = scorer
        self._ents = ents
        self._overwrite_ents = overwrite_ents
        self._window = window
        self._sampling = sampling

    @property
    def stats(self) -> Stats:
        """What the component has done so far in this process."""
        stats: Stats = self.model.attrs.setdefault("stats", Stats())
        return stats

    def parts(self, doc: Doc) -> Parts:
        """Return a document in the parts in which it is read, with the labels to ask for.

        Raises:
            ValueError: If there are no labels, if the document's own label set is empty, or if the
                language model has too few positions for the prompt.
            TypeError: If what the document has as its label set is not one.
        """
        return self._parts(doc, own_labels(doc) or self._required_labels())

    def predict(self, docs: Iterable[Doc]) -> list[Prediction]:
        """Return the source of each document, and its entities.

        Warns about entities that are dropped because they cross a place where a text had to be cut.

        Raises:
            ValueError: If there are no labels, if a document's own label set is empty, or if the
                language model has too few positions for a prompt.
            TypeError: If what a document has as its label set is not one.
        """
        began = perf_counter()
        parts = [self.parts(doc) for doc in docs]
        predictions, dropped = list[Prediction](), 0
        for part, by_window in zip(parts, find_all(parts, self.model.predict), strict=True):
            entities, across = merge(list(by_window.values()), list(by_window))
            predictions.append((part.read, entities))
            dropped += len(across)
        if dropped:
            warnings.warn(
                f"[{self.name}] {dropped} entities were dropped, as they cross the place where a "
                "text had to be cut: set a larger `window`",
                stacklevel=2,
            )
        self.stats.add(documents=len(parts), seconds=perf_counter() - began)
        return predictions

    def set_annotations(self, docs: Iterable[Doc], scores: Iterable[Prediction]) -> None:
        """Write the entities of each document to `doc.spans`, and to `doc.ents` unless the setting
        `ents` is "none"."""
        scaling = as_platt(self.cfg["calibration"]) or np.asarray
        threshold = self.threshold
        for doc, (read, entities) in zip(docs, scores, strict=True):
            calibrated = scaling([entity.score for entity in entities])
            found = [
                (read.span(doc, entity), float(score))
                for entity, score in zip(entities, calibrated, strict=True)
                if score >= lowest_score(threshold, entity.label)
            ]
            spans = unblocked(doc, found)
            write_spans(doc, self.spans_key, spans)
            if self._ents != "none":
                write_ents(doc, spans, self._ents, self._overwrite_ents)

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Apply the component to a stream of documents, in order.

        A batch ends before it has `batch_size` documents if more of them would not make decoding
        faster, so that the first documents come out early. If a batch fails, its documents are
        tried one by one, so that the error handler gets, and the stream loses, only those that
        fail.
        """
        for docs in groups(stream, len, self._group_words(), batch_size):
            try:
                self.set_annotations(docs, self.predict(docs))
            except Exception:
                yield from super().pipe(docs, batch_size=1)
            else:
                yield from docs

    def _group_words(self) -> float:
        """Return the number of words that a batch has at most."""
        measure = self.model.attrs.get("group_words")
        return math.inf if measure is None else float(measure(self.model))

    def score(self, examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
        """Return the scores of examples that carry predictions."""
        scores: dict[str, Any] = super().score(examples, spans_key=self.spans_key, **kwargs)
        return scores
