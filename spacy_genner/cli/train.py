"""`python -m spacy genner train`: train like `spacy train`, and resume after a kill."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from spacy.cli._util import import_code, parse_config_overrides, setup_gpu, show_validation_error
from spacy.util import load_config
from typer import Argument, Context, Option

from ..printing import msg
from ..training.logger import first_is_best, remove_log, weighted
from ..training.step_count import schedule_ends_early, set_steps
from . import genner
from ._options import GpuId
from ._pipelines import plain_errors


@genner.command(
    "train", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)
def train_cli(
    context: Context,
    config: Annotated[Path, Argument(help="Config file.", exists=True, dir_okay=False)],
    output: Annotated[
        Path,
        Option("--output", "-o", help="Folder for model-best, model-last and checkpoint.pt."),
    ],
    code: Annotated[
        Path | None,
        Option("--code", "-c", help="Python file to import first; it may register functions."),
    ] = None,
    gpu_id: GpuId = -1,
    steps: Annotated[
        int | None,
        Option(
            help="Number of steps: sets [training] max_steps and, if the learning rate schedule "
            "has it, total_steps.",
            min=1,
        ),
    ] = None,
    seconds: Annotated[
        float, Option(help="Seconds of training between two checkpoints.", min=0)
    ] = 60,
) -> None:
    """Train like `spacy train`, and resume after a kill.

    If it is killed or fails, run the same command again to resume.

    Settings of the config can be overridden, as in `--paths.train train.spacy`. Any trainable
    component will do whose model is thinc's, or PyTorch's wrapped by thinc.

    A resumed training gives the same result as an uninterrupted one. There is one exception: on a
    GPU, dropout in thinc's own layers draws other random numbers. A checkpoint of another config or
    of other data is not used.

    The output_file of a ConsoleLogger (spaCy's or ours) is replaced. Other loggers log the part
    before the checkpoint a second time.

    The time that all updates and evaluations took is saved in the pipeline's meta.json:
    `evaluate` copies it into its metrics, where `compare` finds it.
    """
    overrides = parse_config_overrides(context.args)
    import_code(code)
    train(config, output, overrides, gpu_id, seconds, steps)


def train(
    config_path: Path,
    output: Path,
    overrides: Mapping[str, Any],
    gpu_id: int = -1,
    seconds: float = 60,
    steps: int | None = None,
) -> None:
    """Do what `spacy.cli.train.train` does, with checkpoints (see `Recording`)."""
    from spacy.training.initialize import init_nlp

    from ..training.recording import Recording, train_recorded

    if not output.exists():
        with plain_errors():
            output.mkdir(parents=True)
        msg.good(f"Created output directory: {output}")
    msg.info(f"Saving to output directory: {output}")
    setup_gpu(gpu_id)
    with show_validation_error(config_path):
        config = load_config(config_path, overrides=dict(overrides), interpolate=False)
    msg.divider("Initializing pipeline")
    with show_validation_error(config_path, hint_fill=False):
        nlp = init_nlp(config, use_gpu=gpu_id)
    msg.good("Initialized pipeline")
    if steps is not None:
        set_steps(nlp.config["training"], steps)
    training = nlp.config.interpolate()["training"]
    _warn(schedule_ends_early(training))
    msg.divider("Training pipeline")
    with plain_errors():
        recording = Recording(nlp, output, seconds)
        remove_log(training["logger"])
    with plain_errors((OSError,)):
        train_recorded(nlp, output, recording, gpu_id)
    if not training["logger"]["@loggers"].startswith("spacy_genner."):  # ours warns itself
        _warn(first_is_best(weighted(training["score_weights"], recording.evaluations)))


def _warn(text: str) -> None:
    if text:
        msg.warn(text)
