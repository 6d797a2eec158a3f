"""The callback `spacy_genner.SetLabels.v1`, which gives a trained component other labels."""

from collections.abc import Callable
from itertools import islice

from spacy.language import Language
from spacy.util import resolve_dot_names

from .configurable import check_labels
from .generative_ner import GenerativeNER

_STREAMED = 100
"""The number of examples that are read of an endless stream, as in spaCy's own initialization."""


def make_set_labels(
    labels: dict[str, str] | list[str] | None = None, component: str = "generative_ner"
) -> Callable[[Language], Language]:
    """Make a callback for [initialize.after_init] that gives a trained component new labels.

    spaCy does not initialize a component that has a `source`, so it would keep its old labels.

    Args:
        labels: The new labels; None: those of the examples in [training] train_corpus.
        component: The name of the component.

    Raises:
        ValueError: If a config file cannot hold the labels; when the callback is called, if
            the component is not a `generative_ner`.
    """
    check_labels(labels)

    def set_labels(nlp: Language) -> Language:
        pipe = nlp.get_pipe(component)
        if not isinstance(pipe, GenerativeNER):
            raise ValueError(
                f"SetLabels.v1, component = {component!r}: give the name of a `generative_ner`"
            )
        config = nlp.config.interpolate()
        [corpus] = resolve_dot_names(config, [config["training"]["train_corpus"]])
        endless = config["training"]["max_epochs"] == -1
        pipe.take_labels(lambda: islice(corpus(nlp), _STREAMED if endless else None), labels)
        return nlp

    return set_labels
