"""Readers of corpora with different label sets.

Each example asks for the labels that it was annotated with.
"""

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    """The reader of one corpus.

    Each text gets the label set of the corpus in `doc._.genner_labels`. A text that already has a
    label set there keeps those labels that the corpus has, too; it is left out if there are none.

    Attributes:
        path: A .spacy file, or a folder of them.
        labels: The label set, a list of names or names with definitions, or a JSON file with it.
            None for the labels of the spans.
        mapping: New labels for old ones, or a JSON file with them. Spans whose label becomes null
            are left out.
        limit: The maximum number of documents, drawn at random; 0 for all. The labels are those of
            all documents in any case.
        seed: The seed of the draw.
        spans_key: The key of the spans in `doc.spans`; `doc.ents` are used where it is missing.

    Raises:
        ValueError: If there are labels that a config file cannot hold.
        ValueError: If, on reading, there are no documents, or no labels.
        ValueError: If, on reading, a span has a label that is not in the label set.

    Warns:
        UserWarning: If the mapping has labels that the corpus lacks.
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
        """Read the examples from the file; each call reads them again."""
        examples = list(Corpus(self.path)(nlp))
        if not examples:
            raise ValueError(f"{self.path}: there is no document with a token in it")
        if mapping := _content(self.mapping):
            self._map_labels(examples, mapping)
        labels = self._labels(examples)
        for example in sample(examples, self.limit or None, self.seed):
            own = own_labels(example.reference) or labels
            asked = {label: definition for label, definition in labels.items() if label in own}
            if asked:
                set_doc_labels(example.predicted, asked)
                yield example

    def _map_labels(self, examples: Sequence[Example], mapping: Mapping[str, str | None]) -> None:
        """Map the labels in the gold documents."""
        found = labels_of(examples, self.spans_key)
        if unknown := sorted(mapping.keys() - found):
            warnings.warn(
                f"{self.path}: mapping of {', '.join(unknown)}: the labels of the corpus are "
                f"{', '.join(found)}",
                stacklevel=2,
            )
        for example in examples:
            _rename(example.reference, self.spans_key, mapping)

    def _labels(self, examples: Sequence[Example]) -> Labels:
        """Return the label set of the corpus, after checking that it has the labels of all spans.

        Raises:
            ValueError: If there are no labels.
            ValueError: If a span has another label.
        """
        given = _content(self.labels)
        labels = labels_of(examples, self.spans_key) if given is None else as_labels(given)
        if not labels:
            raise ValueError(
                f"{self.path}: no document has a span, so there are no labels: give `labels`"
            )
        found = set[str]()
        for example in examples:
            spans = gold_spans(example.reference, self.spans_key) or ()
            found.update(span.label_ for span in spans if span.label_.strip())
        if lacking := sorted(found - labels.keys()):
            raise ValueError(
                f"{self.path} has spans of {', '.join(lacking)}, which are not in `labels`: add "
                "them, or map them to null"
            )
        return labels


@dataclass(frozen=True, slots=True)
class MergedCorpora:
    """The reader of several corpora at once, shuffled.

    Attributes:
        corpora: The readers of the corpora, by name.
        temperature: How even the parts of the corpora are. Each part is proportional to
            size ** (1 / temperature): with 1 the parts are like the sizes, with a larger number
            they are more alike. Examples of a corpus with too few of them come again.
        size: The number of examples in an epoch; 0 for as many as there are in all corpora. Every
            reading gives the same epoch.
        endless: Whether to give one epoch after the other, each drawn again. This is for training
            data with [training] max_epochs = -1, and not for development data.
        seed: The seed of the draws.

    Raises:
        ValueError: If there are no corpora, or one of them is not a reader.
        ValueError: If a number is out of its range.
        ValueError: If, on reading, a corpus has no examples.
        ValueError: If, on reading, `endless` does not fit [training] max_epochs.
    """

    corpora: dict[str, Any]
    temperature: float = 1.0
    size: int = 0
    endless: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.corpora:
            raise ValueError(
                "corpora is empty: name at least one, as in [corpora.train.corpora.NAME]"
            )
        if others := [name for name, reader in self.corpora.items() if not callable(reader)]:
            raise ValueError(
                f"corpora {', '.join(others)}: give each a reader, such as "
                "spacy_genner.LabelledCorpus.v1"
            )
        if not self.temperature > 0:
            raise ValueError(
                f"temperature = {self.temperature}: give a number above 0, or 1 to keep the sizes "
                "as they are"
            )
        if self.size < 0:
            raise ValueError(f"size = {self.size}: give a number of examples, or 0 for all")

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """Read the examples of one epoch, or without end."""
        if self.endless and nlp.config.interpolate()["training"]["max_epochs"] >= 0:
            raise ValueError(
                "endless = true: spaCy would read for ever, unless [training] max_epochs = -1"
            )
        random = Random(self.seed)
        corpora = {name: list(reader(nlp)) for name, reader in self.corpora.items()}
        if empty := [name for name, examples in corpora.items() if not examples]:
            raise ValueError(f"corpora {', '.join(empty)}: there is no example in them")
        sizes = [len(examples) for examples in corpora.values()]
        counts = proportions(sizes, self.temperature, self.size)
        decks = [_deck(examples, random) for examples in corpora.values()]
        while True:
            epoch: list[Example] = []
            for deck, count in zip(decks, counts, strict=True):
                epoch += islice(deck, count)
            random.shuffle(epoch)
            yield from epoch
            if not self.endless:
                return


def proportions(sizes: Sequence[int], temperature: float, total: int = 0) -> list[int]:
    """Return whole numbers in proportion to size ** (1 / temperature), rounded to add up exactly.

    Args:
        sizes: The sizes.
        temperature: A number above 0.
        total: The sum of the result; 0 for the sum of the sizes.
    """
    total = total or sum(sizes)
    weights = [(size / max(sizes)) ** (1 / temperature) for size in sizes]
    exact = [total * weight / sum(weights) for weight in weights]
    counts = [math.floor(share) for share in exact]
    # What is left by rounding down goes to those that lost most.
    by_loss = sorted(range(len(sizes)), key=lambda i: counts[i] - exact[i])
    for i in by_loss[: total - sum(counts)]:
        counts[i] += 1
    return counts


def _deck(examples: Sequence[Example], random: Random) -> Iterator[Example]:
    """Yield all examples, shuffled, again and again."""
    while True:
        yield from random.sample(examples, len(examples))


def _content(setting: object) -> Any:
    """Return a setting, or the content of the JSON file that it names."""
    return srsly.read_json(setting) if isinstance(setting, str | Path) else setting


def _rename(doc: Doc, spans_key: str, mapping: Mapping[str, str | None]) -> None:
    """Map the labels of a document's spans, of its entities, and of its own label set."""

    def renamed(spans: Iterable[Span]) -> list[Span]:
        result = []
        for span in spans:
            label = mapping.get(span.label_, span.label_)
            if label is not None:
                new = Span(doc, span.start, span.end, label, kb_id=span.kb_id, span_id=span.id)
                result.append(new)
        return result

    if spans_key in doc.spans:
        doc.spans[spans_key] = renamed(doc.spans[spans_key])
    if doc.has_annotation("ENT_IOB"):
        missing = [doc[token.i : token.i + 1] for token in doc if not token.ent_iob]
        doc.set_ents(renamed(doc.ents), missing=missing, blocked=blocked(doc))
    if own := own_labels(doc):
        labels: Labels = {}
        for old, definition in own.items():
            new = mapping.get(old, old)
            if new is not None:
                labels[new] = definition
        set_doc_labels(doc, labels or None)
