"""What the commands do with pipelines: load, run and save them, find a component, and report
errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spacy import util
from spacy.cli._util import setup_gpu
from spacy.language import Language
from spacy.tokens import Doc

from ..corpora.spacy_files import read_corpus
from ..evaluation.running import Outcomes, annotated, evaluate, outcomes
from ..files.writing import filling
from ..pipeline.generative_ner import GenerativeNER
from ..printing import msg
from ..weights.manifest import WeightsError

MENDABLE: tuple[type[Exception], ...] = (OSError, ValueError, WeightsError)
"""The kinds of errors that the user can fix."""


@contextmanager
def plain_errors(kinds: tuple[type[Exception], ...] = MENDABLE) -> Iterator[None]:
    """End the command on an error of these kinds: print its message, without a traceback."""
    try:
        yield
    except kinds as error:
        msg.fail(str(error), exits=1)


def load(model: str, gpu_id: int = -1) -> Language:
    """Load a pipeline; if that fails, end the command with a message.

    Args:
        model: A folder, the name of an installed package, or a config file, whose name ends in
            ".cfg". From a config the pipeline is built as it is, with nothing initialized, so that
            a language model that was trained elsewhere can be used at once.
        gpu_id: The GPU of thinc's own layers; -1 for the CPU.
    """
    with plain_errors():
        return build(model, gpu_id)


def build(model: str, gpu_id: int = -1) -> Language:
    """Load a pipeline; see `load`.

    Raises:
        OSError: If there is no such pipeline.
        ValueError: If it cannot be loaded.
    """
    setup_gpu(gpu_id, silent=True)
    return _built(model) if model.endswith(".cfg") else util.load_model(model)


def _built(config: str) -> Language:
    """Return the pipeline that a config file describes, with its language models loaded and nothing
    initialized.

    Raises:
        OSError: If there is no such file.
        ValueError: If the config is wrong.
    """
    try:
        nlp = util.load_model_from_config(util.load_config(config), auto_fill=True)
        for _, pipe in nlp.pipeline:
            if isinstance(pipe, GenerativeNER):
                shim: Any = pipe.model.shims[0]
                _ = shim.lm.weights  # loaded now, so that an error does not wait for the first text
        return nlp
    except ValueError as error:
        raise ValueError(f"{config}: {str(error).strip()}") from error


def save(nlp: Language, folder: Path) -> None:
    """Save a pipeline, completely or not at all.

    Raises:
        OSError: If it cannot be written.
    """
    with filling(folder, whole=nlp.component_names) as content:
        nlp.to_disk(content)


def read_before(nlp: Language, name: str, doc: Doc) -> Doc:
    """Return a document as the component with this name gets it: with the annotation of all
    components that come before it."""
    for other, pipe in nlp.pipeline:
        if other == name:
            break
        doc = pipe(doc)
    return doc


def generative_ner_of(nlp: Language, name: str) -> GenerativeNER:
    """Return the generative_ner component with this name.

    Raises:
        ValueError: If there is no component with this name.
        ValueError: If the component is of another kind.
    """
    if name not in nlp.pipe_names:
        raise ValueError(
            f"the pipeline has no component {name!r}, only {', '.join(nlp.pipe_names)}: give the "
            "name of one as --component"
        )
    pipe = nlp.get_pipe(name)
    if not isinstance(pipe, GenerativeNER):
        raise ValueError(
            f"the component {name!r} is a {type(pipe).__name__}: give the name of a "
            "generative_ner as --component"
        )
    return pipe


def all_outcomes(nlp: Language, pipe: GenerativeNER, data: Path) -> Outcomes:
    """Return the outcomes of all spans that a component finds in gold documents.

    The threshold of the component is 0 afterwards.

    Raises:
        OSError: If the documents cannot be read.
        ValueError: If they have no gold annotation.
        ValueError: If no spans are found in them, or spans without scores.
    """
    pipe.threshold = 0.0
    examples = annotated(read_corpus(data, nlp), pipe.spans_key)
    found = outcomes(evaluate(nlp, examples, pipe.spans_key, "spans"))
    if not found.scored:
        raise ValueError(
            f"the pipeline finds no spans with scores in {len(examples)} documents: give others, "
            f"train longer, or remove a component that changes doc.spans[{pipe.spans_key!r}]"
        )
    return found
