"""`python -m spacy genner train`: `spacy train`, but killed and run again it goes on where it
was."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import srsly
from spacy.cli._util import import_code, parse_config_overrides, setup_gpu, show_validation_error
from spacy.util import load_config
from typer import Argument, Context, Option

from ..files.writing import replacing
from ..printing import msg
from ..training.logger import first_is_best, weighted
from ..training.step_count import schedule_ends_early, set_steps
from . import genner
from ._pipelines import plain_errors


@genner.command(
    "train", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)
def train_cli(
    context: Context,
    config: Annotated[Path, Argument(help="Config file", exists=True, dir_okay=False)],
    output: Annotated[
        Path, Option("--output", "-o", help="Folder for model-best, model-last and checkpoint.pt")
    ],
    code: Annotated[
        Path | None,
        Option("--code", "-c", help="Python file to import first, with registered functions, say"),
    ] = None,
    gpu_id: Annotated[
        int, Option("--gpu-id", "-g", help="GPU of thinc's own layers; -1: CPU")
    ] = -1,
    steps: Annotated[
        int | None,
        Option(
            help="Sets [training] max_steps and, where there is one, total_steps of the schedule",
            min=1,
        ),
    ] = None,
    seconds: Annotated[
        float, Option(help="How long to train from one checkpoint to the next", min=0)
    ] = 60,
) -> None:
    """Train a pipeline as `spacy train` does; run again after a kill or an error, go on where it
    was.

    Settings of the config can be overridden, as in `--paths.train train.spacy`. All trainable
    components can be trained whose models are thinc's or, through thinc, PyTorch's. The result is
    that of a training without a break; dropout in thinc's own layers on a GPU alone draws other
    random numbers. A checkpoint of another config or of other data is not used. The output_file of
    a ConsoleLogger, spaCy's or ours, is replaced; other loggers get the part before the checkpoint
    a second time. How long all updates and evaluations took, stands in the pipeline's meta.json,
    and from there in what `evaluate` and `compare` say.
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
    """What `spacy.cli.train.train` does, with checkpoints; see `Recording`."""
    from spacy.training.initialize import init_nlp
    from spacy.training.loop import DIR_MODEL_BEST, DIR_MODEL_LAST
    from spacy.training.loop import train as train_nlp

    from ..training.recording import Recording

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
        _remove_log(training["logger"])
    with plain_errors((OSError,)):
        with recording:
            train_nlp(nlp, output, use_gpu=gpu_id, stdout=sys.stdout, stderr=sys.stderr)
        for name in (DIR_MODEL_BEST, DIR_MODEL_LAST):
            if (path := output / name / "meta.json").exists():
                _add_seconds(path, recording.seconds)
    if not training["logger"]["@loggers"].startswith("spacy_genner."):  # which says so itself
        _warn(first_is_best(weighted(training["score_weights"], recording.evaluations)))


def _add_seconds(path: Path, seconds: float) -> None:
    """How long training took, to a meta.json."""
    meta = srsly.read_json(path)
    meta["performance"]["training_seconds"] = seconds
    with replacing(path) as new:
        srsly.write_json(new, meta)


def _warn(text: str) -> None:
    if text:
        msg.warn(text)


def _remove_log(logger: Mapping[str, Any]) -> None:
    """The console logger writes to no file that exists: a second run would write none, and leave
    that of the first."""
    if ".ConsoleLogger." in logger["@loggers"] and logger.get("output_file"):
        Path(logger["output_file"]).unlink(missing_ok=True)
