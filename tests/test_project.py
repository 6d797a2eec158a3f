"""The project and its configs: what `project.yml` runs fits the files that it names."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import srsly
from spacy.cli._util import parse_config_overrides
from spacy.schemas import ConfigSchemaTraining
from spacy.util import load_config, load_model_from_config, registry
from weasel.util import split_command, substitute_project_variables, validate_project_commands

ROOT = Path(__file__).parent.parent
PROJECT = substitute_project_variables(srsly.read_yaml(ROOT / "project.yml"))
COMMANDS = {command["name"]: command for command in PROJECT["commands"]}
TRAININGS = {
    name: arguments
    for name, command in COMMANDS.items()
    for arguments in map(split_command, command["script"])
    if "train" in arguments
}
needs_encoder = pytest.mark.skipif(
    not find_spec("spacy_transformers"), reason="needs spacy-transformers: STACK=4"
)


def config_and_overrides(arguments: list[str]) -> tuple[Path, dict[str, Any]]:
    """Of a `spacy genner train` command; its options have no dot in their names."""
    at = arguments.index("train") + 1
    options = zip(arguments[at + 1 :: 2], arguments[at + 2 :: 2], strict=True)
    overrides = [word for option in options for word in option if "." in option[0]]
    return ROOT / arguments[at], parse_config_overrides(overrides, env_var=None)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=needs_encoder if "encoder" in name else []) for name in TRAININGS],
)
def test_a_training_of_the_project_fits_its_config(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # spaCy's logger makes the folder of its file
    path, overrides = config_and_overrides(TRAININGS[name])
    config = load_config(path, overrides)
    nlp = load_model_from_config(config, auto_fill=True)
    assert nlp.pipe_names == config["nlp"]["pipeline"]
    filled = nlp.config.interpolate()
    assert registry.resolve(filled["training"], schema=ConfigSchemaTraining)["max_steps"] > 0
    assert filled["corpora"]["train"]["path"] in COMMANDS[name]["deps"]
    assert filled["corpora"]["dev"]["path"] in COMMANDS[name]["deps"]


def test_all_trainings_go_on_after_a_kill() -> None:
    command = ["python", "-m", "spacy", "genner", "train"]
    assert TRAININGS and all(arguments[:5] == command for arguments in TRAININGS.values())


@pytest.mark.parametrize(
    "path", sorted((ROOT / "configs").glob("*.cfg")), ids=lambda path: path.name
)
def test_every_config_is_used_or_chosen_by_a_variable(path: Path) -> None:
    used = {config_and_overrides(arguments)[0] for arguments in TRAININGS.values()}
    assert path in used or path.stem in (
        "gpu",
        "coarse",
        "fine",
    )  # these two: tests/benchmarks/test_coarse.py


def test_the_commands_and_workflows_are_valid() -> None:
    validate_project_commands(PROJECT)  # it exits with a message


@pytest.mark.parametrize("workflow", PROJECT["workflows"])
def test_a_step_needs_what_earlier_steps_or_the_repository_have(workflow: str) -> None:
    made = {asset["dest"] for asset in PROJECT["assets"]}
    for step in PROJECT["workflows"][workflow]:
        needed = (
            set(COMMANDS[step].get("deps", []))
            - made
            - {f"{PROJECT['vars']['encoder']}/config.json"}
        )
        assert [path for path in needed if not (ROOT / path).is_file()] == []
        made |= set(COMMANDS[step].get("outputs", []))
