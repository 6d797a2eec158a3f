"""What the commands need of any pipeline: load it, save it, find a component in it, and say what
went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spacy import util
from spacy.cli._util import setup_gpu
from spacy.language import Language

from ..files.writing import filling
from ..pipeline.generative_ner import GenerativeNER
from ..printing import msg
from ..weights.manifest import WeightsError

MENDABLE: tuple[type[Exception], ...] = (OSError, ValueError, WeightsError)
"""What the user can mend."""


@contextmanager
def plain_errors(kinds: tuple[type[Exception], ...] = MENDABLE) -> Iterator[None]:
    """Ends the command with the message of an error of these kinds, without a traceback."""
    try:
        yield
    except kinds as error:
        msg.fail(str(error), exits=1)


def load(model: str, gpu_id: int = -1) -> Language:
    """The pipeline from a folder or an installed package; ends the command with a message if it is
    not there."""
    setup_gpu(gpu_id, silent=True)
    with plain_errors():
        return util.load_model(model)


def save(nlp: Language, folder: Path) -> None:
    """Save a pipeline, whole or not at all.

    Raises:
        OSError: If it cannot be written.
    """
    with filling(folder, whole=nlp.component_names) as content:
        nlp.to_disk(content)


def generative_ner_of(nlp: Language, name: str) -> GenerativeNER:
    """A component by its name.

    Raises:
        ValueError: If there is none, or if it is another component.
    """
    if name not in nlp.pipe_names:
        raise ValueError(
            f"the pipeline has no component {name!r}, only {', '.join(nlp.pipe_names)}"
        )
    pipe = nlp.get_pipe(name)
    if not isinstance(pipe, GenerativeNER):
        raise ValueError(f"the component {name!r} is a {type(pipe).__name__}, no generative_ner")
    return pipe
