"""`python -m spacy genner export`: write training data for trainers elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from spacy import util
from spacy.cli._util import import_code, parse_config_overrides, show_validation_error
from spacy.language import Language
from thinc.api import Config, fix_random_seed
from typer import Argument, Context, Option

from ..corpora.spacy_files import read_corpus
from ..printing import msg
from . import genner
from ._options import Component
from ._pipelines import generative_ner_of, plain_errors


@genner.command(
    "export", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)
def export_cli(
    context: Context,
    config: Annotated[
        str,
        Argument(help="Config file of a training (.cfg), or a pipeline: a folder or a package."),
    ],
    data: Annotated[
        Path, Argument(help="Annotated documents, a .spacy file or a folder of them.", exists=True)
    ],
    output: Annotated[Path, Argument(help="JSONL file to write.", dir_okay=False)],
    component: Component = "generative_ner",
    code: Annotated[
        Path | None,
        Option("--code", "-c", help="Python file to import first; it may register functions."),
    ] = None,
) -> None:
    """Write prompts and answers as training data for TRL, transformers and the like.

    Each line is a JSON object for one prompt that `train` would learn from: `prompt` and
    `completion` are text, `input_ids` and `labels` are token ids.

    Settings of a config can be overridden, as in `--components.generative_ner.window 128`.
    """
    from ..training.exporting import export, initialize  # loads torch and transformers

    import_code(code)
    with plain_errors():
        nlp, training = _pipeline(config, parse_config_overrides(context.args))
        pipe = generative_ner_of(nlp, component)
        examples = read_corpus(data, nlp)
        fix_random_seed(nlp.config.interpolate()["training"]["seed"] or 0)  # for `sampling`
        if training is not None:
            initialize(nlp, training, component, examples)
        done = export(pipe, examples, output)
    if done.lost:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in done.lost.most_common())
        msg.warn(f"Gold spans that cannot be learnt, and are not in the file: {reasons}")
    msg.good(
        f"Wrote {done.prompts:,} prompts with {done.spans:,} spans and the labels "
        f"{', '.join(pipe.labels)} to {output}. The longest has {done.longest:,} token ids: a "
        "trainer must not truncate below that (max_length)"
    )


def _pipeline(source: str, overrides: dict[str, Any]) -> tuple[Language, Config | None]:
    """Return a pipeline, and the config of the training if it is yet to be initialized."""
    if not source.endswith(".cfg"):
        return util.load_model(source, config=overrides), None
    with show_validation_error(source):
        config = util.load_config(source, overrides=overrides, interpolate=False)
        return util.load_model_from_config(config, auto_fill=True), config
