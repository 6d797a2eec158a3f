"""Readers of corpora with different label sets: each example asks for the labels that it was
annotated with."""

import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import srsly
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Corpus, Example

from ..labels.label_set import Labels, as_labels
from ..pipeline.configurable import check_labels
from ..pipeline.docs import blocked, gold_spans, labels_of, own_labels
from ..pipeline.extension import set_doc_labels
from .sampling import sample


@dataclass(frozen=True, slots=True)
class LabelledCorpus:
    """The reader of one corpus, each text with the label set of the corpus in
    `doc._.genner_labels`, or with those of it that it has there already. A text that has none of
    them is left out.

    Attributes:
        path: A .spacy file, or a folder of them.
        labels: The label set, or a JSON file with it: a list of names, or names with definitions.
            None: those of the spans.
        mapping: New labels for old ones, or a JSON file with them; null: spans with the old one are
            left out.
        limit: How many documents, drawn at random with `seed`; 0: all. The labels are those of all
            of them.
        spans_key: The spans are in `doc.spans[spans_key]`, or else in `doc.ents`.

    Raises:
        ValueError: For labels that a configuration file cannot hold. When it reads.
        ValueError: For spans whose label is not in the label set, and if there are no documents or
            no labels. Warns of a mapping of labels that are not there.
    """

    path: Path
    labels: dict[str, str] | list[str] | Path | None = None
    mapping: dict[str, str | None] | Path | None = None
    limit: int = 0
    seed: int = 0
    spans_key: str = "sc"

    def __post_init__(self) -> None:
        if not isinstance(self.labels, str | Path):
            check_labels(self.labels)
        if isinstance(self.mapping, dict):
            check_labels({old: new or "" for old, new in self.mapping.items()})

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """The examples, read anew."""
        examples = list(Corpus(self.path)(nlp))
        labels = self._labels(examples)
        for example in sample(examples, self.limit or None, self.seed):
            own = own_labels(example.reference) or labels
            if asked := {label: definition for label, definition in labels.items() if label in own}:
                set_doc_labels(example.predicted, asked)
                yield example

    def _labels(self, examples: Sequence[Example]) -> Labels:
        """The label set of the corpus, in which labels are mapped from now on."""
        if not examples:
            raise ValueError(f"{self.path}: there is no document with a token in it")
        if mapping := _content(self.mapping):
            if unknown := sorted(mapping.keys() - (found := labels_of(examples, self.spans_key))):
                message = (
                    f"{self.path}: mapping of {', '.join(unknown)}: "
                    f"the labels are {', '.join(found)}"
                )
                warnings.warn(message, stacklevel=2)
            for example in examples:
                _rename(example.reference, self.spans_key, mapping)
        given = _content(self.labels)
        labels = labels_of(examples, self.spans_key) if given is None else as_labels(given)
        if not labels:
            raise ValueError(f"{self.path}: no document has a span: give `labels`")
        spans = (
            span
            for example in examples
            for span in gold_spans(example.reference, self.spans_key) or ()
        )
        if lacking := sorted(
            {span.label_ for span in spans if span.label_.strip()} - labels.keys()
        ):
            raise ValueError(
                f"{self.path} has spans of {', '.join(lacking)}, not in `labels`: add, or map to "
                "null"
            )
        return labels


@dataclass(frozen=True, slots=True)
class MergedCorpora:
    """The reader of several corpora at once, shuffled.

    Attributes:
        corpora: Their readers, by name.
        temperature: Each has a part that is proportional to its size ** (1 / temperature): 1 as
            they are, the more the more alike. What there is not enough of comes again.
        size: How many examples an epoch has; 0: as many as there are in all. Every reading gives
            the same epoch.
        endless: One epoch after the other, each drawn anew, for [training] max_epochs = -1; not for
            development data.

    Raises:
        ValueError: For numbers out of their range, no corpora, and corpora without examples.
    """

    corpora: dict[str, Any]
    temperature: float = 1.0
    size: int = 0
    endless: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.corpora:
            raise ValueError("corpora is empty: name at least one, [corpora.train.corpora.NAME]")
        if others := [name for name, reader in self.corpora.items() if not callable(reader)]:
            raise ValueError(
                f"corpora {', '.join(others)}: give each a reader, spacy_genner.LabelledCorpus.v1 "
                "say"
            )
        if not self.temperature > 0:
            raise ValueError(
                f"temperature = {self.temperature}: give a number above 0, 1 for the sizes as "
                "they are"
            )
        if self.size < 0:
            raise ValueError(f"size = {self.size}: give a number of examples, or 0 for all")

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """The examples: of one epoch, or without end."""
        if self.endless and nlp.config.interpolate()["training"]["max_epochs"] >= 0:
            raise ValueError(
                "endless = true: spaCy would read for ever, unless [training] max_epochs = -1"
            )
        random = Random(self.seed)
        corpora = {name: list(reader(nlp)) for name, reader in self.corpora.items()}
        if empty := [name for name, examples in corpora.items() if not examples]:
            raise ValueError(f"corpora {', '.join(empty)}: there is no example")
        counts = proportions(
            [len(examples) for examples in corpora.values()], self.temperature, self.size
        )
        decks = [_deck(examples, random) for examples in corpora.values()]
        while True:
            epoch = [
                example
                for deck, count in zip(decks, counts, strict=True)
                for example in islice(deck, count)
            ]
            random.shuffle(epoch)
            yield from epoch
            if not self.endless:
                return


def proportions(sizes: Sequence[int], temperature: float, total: int = 0) -> list[int]:
    """How many of each, in proportion to size ** (1 / temperature), to the nearest whole numbers
    with this total.

    Args:
        total: 0: the sum of the sizes.
    """
    weights = [(size / max(sizes)) ** (1 / temperature) for size in sizes]
    exact = [(total or sum(sizes)) * weight / sum(weights) for weight in weights]
    counts = [math.floor(share) for share in exact]
    by_rest = sorted(range(len(sizes)), key=lambda i: counts[i] - exact[i])
    for i in by_rest[: (total or sum(sizes)) - sum(counts)]:
        counts[i] += 1
    return counts


def _deck(examples: Sequence[Example], random: Random) -> Iterator[Example]:
    """All, shuffled, again and again."""
    while True:
        yield from random.sample(examples, len(examples))


def _content(setting: object) -> Any:
    """A setting, or what is in the JSON file that it names."""
    return srsly.read_json(setting) if isinstance(setting, str | Path) else setting


def _rename(doc: Doc, spans_key: str, mapping: dict[str, str | None]) -> None:
    """Map labels in a document: of its spans, of its entities, and of its own label set."""

    def renamed(spans: Iterable[Span]) -> list[Span]:
        labels = ((span, mapping.get(span.label_, span.label_)) for span in spans)
        return [
            Span(doc, span.start, span.end, label, kb_id=span.kb_id, span_id=span.id)
            for span, label in labels
            if label is not None
        ]

    if spans_key in doc.spans:
        doc.spans[spans_key] = renamed(doc.spans[spans_key])
    if doc.has_annotation("ENT_IOB"):
        missing = [doc[token.i : token.i + 1] for token in doc if not token.ent_iob]
        doc.set_ents(renamed(doc.ents), missing=missing, blocked=blocked(doc))
    if own := own_labels(doc):
        labels = ((mapping.get(label, label), definition) for label, definition in own.items())
        set_doc_labels(
            doc, {label: definition for label, definition in labels if label is not None} or None
        )
