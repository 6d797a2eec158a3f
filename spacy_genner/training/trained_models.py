"""The models that a training changes."""

from __future__ import annotations

from typing import Any

from spacy.language import Language
from thinc.api import Config, Model


def trained_models(nlp: Language, config: Config) -> dict[str, Model[Any, Any]]:
    """Return the models of the pipes that are trained, by the names of the pipes.

    Args:
        nlp: The pipeline.
        config: Its config, interpolated.

    Raises:
        ValueError: If no pipe is trained.
        ValueError: If the model of a trained pipe is not one of thinc's.
        ValueError: If training has no seed.
    """
    frozen = config["training"]["frozen_components"]
    pipes: dict[str, Any] = {name: pipe for name, pipe in nlp.pipeline if name not in frozen}
    models = {
        name: pipe.model for name, pipe in pipes.items() if getattr(pipe, "is_trainable", False)
    }
    if others := sorted(name for name, model in models.items() if not isinstance(model, Model)):
        raise ValueError(
            f"{', '.join(others)}: only the training of components with a thinc Model can be "
            "resumed after a kill. List the others in [training] frozen_components, or train with "
            "`spacy train`"
        )
    if not models:
        raise ValueError(
            "there is nothing to train in the pipeline: check [nlp] pipeline and [training] "
            "frozen_components"
        )
    if config["training"]["seed"] is None:
        raise ValueError(
            "[training] seed = null: without a seed, training cannot be resumed after a kill. Set "
            "it to a number"
        )
    return models
