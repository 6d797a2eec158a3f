"""Whether a trained pipeline knows names and labels by heart, or reads them.

Its F1 is compared with that on the same texts with other names, and with that under other names of
the labels. The latter is RQ3 of LLMs4NER (Zhan, Wang and Huang, arXiv 2601.17898), whose models are
trained with the renamed labels; here, a model is asked that may never have seen them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, product
from random import Random
from string import ascii_uppercase
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Corpus
from thinc.api import Model

from ..labels.label_set import Labels
from ..pipeline.docs import own_labels
from ..pipeline.extension import set_doc_labels
from .metrics import Name
from .running import Evaluation, evaluate
from .significance import Difference, counts_per_document, difference, per_document
from .swapping import Swapper, names_of, without

AS_IT_IS = "as it is"
TRAINING_NAMES = "names of the training data"
NEW_NAMES = "new names"
_WITH, _WITHOUT = "with definitions", "without definitions"
_CONTROLS = {
    NEW_NAMES: TRAINING_NAMES,
    f"labels A, B, … {_WITH}": f"labels {_WITH}",
    f"labels A, B, … {_WITHOUT}": f"labels {_WITHOUT}",
}
"""The runs that have a control, each with the name of that."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A pipeline that is probed, and how it is scored.

    Attributes:
        nlp: The pipeline.
        model: The network of the `generative_ner` in it that is probed.
        labels: The labels of that component, with their definitions.
        spans_key: The key of its spans.
        seen: The names of the training data.
        batch_size: The number of documents in a batch; None for the pipeline's own.
    """

    nlp: Language
    model: Model[Any, Any]
    labels: Labels
    spans_key: str
    seen: Set[Name]
    batch_size: int | None = None

    def labels_of(self, gold: Doc) -> Labels:
        """Return the labels that a gold document asks for."""
        return own_labels(gold) or self.labels

    def score(self, golds: Sequence[Doc], asked: Iterable[Labels]) -> Evaluation:
        """Score the pipeline on gold documents.

        Args:
            golds: The gold documents.
            asked: The label set to ask for, for each of them.
        """
        examples = list(Corpus("").make_examples(self.nlp, golds))  # no file is read
        for example, labels in zip(examples, asked, strict=True):
            set_doc_labels(example.predicted, labels or None)
        return evaluate(self.nlp, examples, self.spans_key, "spans", self.seen, self.batch_size)


def make_swappers(
    training: Iterable[Doc], others: Iterable[Doc], known: Set[Name], spans_key: str, seed: int
) -> dict[str, Swapper]:
    """Return what puts names of the training data, and what puts new names into gold documents.

    Args:
        training: The training documents.
        others: The gold documents that new names come from.
        known: The names that are not new.
        spans_key: The key of the spans in all of them.
        seed: The seed of the draws.
    """
    pools = {
        TRAINING_NAMES: names_of(training, spans_key),
        NEW_NAMES: without(names_of(others, spans_key), known),
    }
    return {run: Swapper(names, spans_key, Random(seed)) for run, names in pools.items()}


def probe_memorisation(
    subject: Subject,
    golds: Sequence[Doc],
    swappers: Mapping[str, Swapper],
    definitions: Labels,
) -> dict[str, Evaluation]:
    """Score a pipeline as it is, with other names in the texts, and with other names of the labels.

    The spans that it finds always have its own labels.

    Args:
        subject: The pipeline.
        golds: The gold documents, at least one.
        swappers: What puts other names into them, by the name of the run.
        definitions: The definitions of labels that have none. Nothing is asked with definitions if
            there are none here either.

    Returns:
        The evaluations by the name of the run, `AS_IT_IS` first.

    Raises:
        ValueError: If the pipeline has no labels.
        ValueError: If a swapper finds no name that it can swap.
    """
    asked = [subject.labels_of(gold) for gold in golds]
    texts = {AS_IT_IS: golds}
    for run, swapper in swappers.items():
        texts[run] = list(map(swapper, golds))
        if not swapper.swapped:
            raise ValueError(
                f"there are no {run} with the labels of the {swapper.kept.total()} names in the "
                f"{len(golds)} gold documents ({', '.join(swapper.kept)}): score others, or draw "
                "new names from others"
            )
    runs = {run: subject.score(changed, asked) for run, changed in texts.items()}
    runs.update(_label_runs(subject, golds, asked, definitions))
    return runs


def _label_runs(
    subject: Subject, golds: Sequence[Doc], asked: Sequence[Labels], definitions: Labels
) -> Iterator[tuple[str, Evaluation]]:
    """Ask for the labels with and without definitions, by their own names and by letters."""
    kinds = {
        _WITH: [_described(labels, definitions) for labels in asked],
        _WITHOUT: [dict.fromkeys(labels, "") for labels in asked],
    }
    if kinds[_WITH] == kinds[_WITHOUT]:
        del kinds[_WITH]
    label_words = letters(chain(subject.labels, *asked))
    for kind, labels in kinds.items():
        if labels != asked:
            yield f"labels {kind}", subject.score(golds, labels)
        with renamed(subject.model, label_words):
            yield f"labels A, B, … {kind}", subject.score(golds, labels)


def _described(labels: Labels, definitions: Labels) -> Labels:
    return {label: own or definitions.get(label, "") for label, own in labels.items()}


def differences(runs: Mapping[str, Evaluation]) -> dict[str, dict[str, Difference]]:
    """Compare the F1 of each run with that of the pipeline as it is, and that of its control.

    The control has the same change without what the run is about: names of the training data in
    the place of new ones, and the pipeline's own names of the labels with or without definitions.

    Returns:
        For each run, its differences to others by their names.
    """
    counts = {
        run: counts_per_document(per_document(found.documents)) for run, found in runs.items()
    }
    result: dict[str, dict[str, Difference]] = {}
    for run in runs:
        controls = {AS_IT_IS, _CONTROLS.get(run)} - {run}
        others = [other for other in runs if other in controls]
        result[run] = {other: difference(counts[run], counts[other]) for other in others}
    return result


def letters(labels: Iterable[str]) -> dict[str, str]:
    """Return A, B, C, …, each with the label that it stands for; AA, AB, … if there are too many
    labels for one letter each."""
    labels = list(dict.fromkeys(labels))
    length = 1
    while len(ascii_uppercase) ** length < len(labels):
        length += 1
    words = map("".join, product(ascii_uppercase, repeat=length))
    return dict(zip(words, labels, strict=False))


@contextmanager
def renamed(model: Model[Any, Any], label_words: Mapping[str, str]) -> Iterator[None]:
    """Give a network other words for its labels, and its own ones back afterwards."""
    attrs = model.attrs
    own = attrs["label_words"]
    try:
        attrs["label_words"] = dict(label_words)
        attrs["set_labels"](model, attrs["labels"])  # forgets the prompts with the former words
        yield
    finally:
        attrs["label_words"] = own
        attrs["set_labels"](model, attrs["labels"])
