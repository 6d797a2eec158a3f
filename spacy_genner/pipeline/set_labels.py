"""The callback `spacy_genner.SetLabels.v1`: other labels for a component that was trained
before."""

from collections.abc import Callable
from itertools import islice

from spacy.language import Language
from spacy.util import resolve_dot_names

from .configurable import check_labels
from .generative_ner import GenerativeNER

_STREAMED = 100
"""How many examples of an endless stream are looked at, as in spaCy's own initialization."""


def make_set_labels(
    labels: dict[str, str] | list[str] | None = None, component: str = "generative_ner"
) -> Callable[[Language], Language]:
    """For [initialize.after_init]: spaCy does not initialize a component with a `source`, so it
    would keep its labels.

    Args:
        labels: The new ones; None: those of [training] train_corpus.
        component: Its name.
    """
    check_labels(labels)

    def set_labels(nlp: Language) -> Language:
        pipe = nlp.get_pipe(component)
        if not isinstance(pipe, GenerativeNER):
            raise ValueError(
                f"SetLabels.v1, component = {component!r}: give the name of a `generative_ner`"
            )
        training = nlp.config.interpolate()["training"]
        [corpus] = resolve_dot_names(nlp.config.interpolate(), [training["train_corpus"]])
        pipe.take_labels(
            lambda: islice(corpus(nlp), _STREAMED if training["max_epochs"] == -1 else None), labels
        )
        return nlp

    return set_labels
