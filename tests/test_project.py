"""The project and its configs: what `project.yml` runs fits the files that it names."""

from importlib.util import find_spec
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import srsly
from spacy.cli._util import parse_config_overrides
from spacy.schemas import ConfigSchemaTraining
from spacy.util import load_config, load_model_from_config, registry
from weasel.util import split_command, substitute_project_variables, validate_project_commands

from scripts.with_corpus import filled, main
from spacy_genner.corpora.known import KNOWN

ROOT = Path(__file__).parent.parent
SCRIPT = ["python", "scripts/with_corpus.py"]
needs_encoder = pytest.mark.skipif(
    not find_spec("spacy_transformers"), reason="needs spacy-transformers: STACK=4"
)


def project(corpus: str) -> dict[str, Any]:
    """The project with its variables, for a corpus."""
    raw = srsly.read_yaml(ROOT / "project.yml")
    return substitute_project_variables(raw, {"vars.corpus": corpus})


def command_lines(command: dict[str, Any], corpus: str) -> list[list[str]]:
    """The arguments of its scripts, without "python -m"."""
    lines = []
    for line in map(split_command, command["script"]):
        if line[:2] == SCRIPT:
            assert line[2] == corpus
            lines.append(filled(corpus, line[3:]))
        else:
            assert line[:2] == ["python", "-m"]
            lines.append(line[2:])
    return lines


PROJECTS = {corpus: project(corpus) for corpus in KNOWN}
PROJECT = PROJECTS["wnut17"]
TRAININGS = {
    command["name"]: (arguments, command["deps"])
    for corpus, of_corpus in PROJECTS.items()
    for command in of_corpus["commands"]
    for arguments in command_lines(command, corpus)
    if arguments[:3] == ["spacy", "genner", "train"]
}


def config_and_overrides(arguments: list[str]) -> tuple[Path, dict[str, Any]]:
    """Of a `spacy genner train` command; its options have no dot in their names."""
    _, _, _, config, *words = arguments
    options = zip(words[::2], words[1::2], strict=True)
    overrides = [word for option in options for word in option if "." in option[0]]
    return ROOT / config, parse_config_overrides(overrides, env_var=None)


def test_each_corpus_has_trainings_of_its_own() -> None:
    kinds = ("train", "baseline", "causal", "bidirectional", "echo", "encoder-train")
    expected = {f"{corpus}-{kind}" for corpus in KNOWN for kind in kinds}
    assert TRAININGS.keys() == expected | {"demo-train"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=needs_encoder if "encoder" in name else [])
        for name in TRAININGS
        # a flat corpus, a nested one, and one in another language with another tokenizer
        if name.startswith(("demo", "wnut17", "genia", "stockmark-ja"))
    ],
)
def test_a_training_of_the_project_fits_its_config(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # spaCy's logger makes the folder of its file
    arguments, deps = TRAININGS[name]
    path, overrides = config_and_overrides(arguments)
    assert str(path.relative_to(ROOT)) in deps
    config = load_config(path, overrides)
    nlp = load_model_from_config(config, auto_fill=True)
    assert nlp.pipe_names == config["nlp"]["pipeline"]
    if corpus := next((corpus for corpus in KNOWN if name.startswith(f"{corpus}-")), None):
        blank = KNOWN[corpus].training.blank()
        assert nlp.lang == blank.lang and type(nlp.tokenizer) is type(blank.tokenizer)
    filled_config = nlp.config.interpolate()
    training = registry.resolve(filled_config["training"], schema=ConfigSchemaTraining)
    assert training["max_steps"] > 0
    assert filled_config["corpora"]["train"]["path"] in deps
    assert filled_config["corpora"]["dev"]["path"] in deps


@pytest.mark.parametrize("corpus", KNOWN)
def test_generative_ner_is_trained_as_the_table_says(corpus: str) -> None:
    row = KNOWN[corpus].training
    arguments, _ = TRAININGS[f"{corpus}-train"]
    assert arguments[arguments.index("--steps") + 1] == str(row.steps)
    _, overrides = config_and_overrides(arguments)
    assert overrides["training.eval_frequency"] == row.eval_frequency
    assert overrides["training.batcher.size"] == row.batch
    assert overrides["components.generative_ner.model.format.max_depth"] == row.max_depth


@pytest.mark.parametrize("corpus", KNOWN)
def test_what_is_trained_beside_it_suits_the_corpus(corpus: str) -> None:
    row = KNOWN[corpus].training
    path, _ = config_and_overrides(TRAININGS[f"{corpus}-baseline"][0])
    assert path.stem == row.baseline
    for kind, first in (("causal", "tok2vec"), ("encoder-train", "transformer")):
        _, overrides = config_and_overrides(TRAININGS[f"{corpus}-{kind}"][0])
        assert overrides["nlp.pipeline"] == [first, row.baseline]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "configs").glob("*.cfg")), ids=lambda path: path.name
)
def test_every_config_is_used_or_chosen_by_a_variable(path: Path) -> None:
    used = {config_and_overrides(arguments)[0] for arguments, _ in TRAININGS.values()}
    assert path in used or path.stem in (
        "gpu",
        "coarse",
        "fine",
    )  # these two: tests/benchmarks/test_coarse.py


def test_the_commands_and_workflows_are_valid() -> None:
    validate_project_commands(srsly.read_yaml(ROOT / "project.yml"))  # it exits with a message
    for of_corpus in PROJECTS.values():
        validate_project_commands(of_corpus)


def test_each_corpus_has_assets_that_the_table_names() -> None:
    assert {Path(asset["dest"]).parts[1] for asset in PROJECT["assets"]} == set(KNOWN)
    for asset in PROJECT["assets"]:
        sources = KNOWN[Path(asset["dest"]).parts[1]].sources
        address = asset["url"] if "url" in asset else asset["git"]["repo"]
        owner_and_name = "/".join(address.split("/")[3:5])
        assert any(f"/{owner_and_name}/" in source for source in sources)
        if "url" in asset:  # a repository cannot be cloned at a commit
            assert any(source.split("/")[-1] in address for source in sources)


@pytest.mark.parametrize("corpus", KNOWN)
@pytest.mark.parametrize("workflow", PROJECT["workflows"])
def test_a_step_needs_what_earlier_steps_or_the_repository_have(workflow: str, corpus: str) -> None:
    of_corpus = PROJECTS[corpus]
    commands = {command["name"]: command for command in of_corpus["commands"]}
    made = {f"assets/{corpus}", f"{of_corpus['vars']['encoder']}/config.json"}
    for step in of_corpus["workflows"][workflow]:
        needed = set(commands[step].get("deps", [])) - made
        assert [path for path in needed if not (ROOT / path).is_file()] == []
        made |= set(commands[step].get("outputs", []))


@pytest.mark.parametrize("corpus", KNOWN)
def test_what_a_corpus_writes_has_its_name(corpus: str) -> None:
    for command in PROJECTS[corpus]["commands"]:
        if command["name"].startswith(f"{corpus}-"):
            assert all(corpus in output for output in command["outputs"])


def test_unknown_corpora_and_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="corpus 'wnut' is not known"):
        filled("wnut", ["{steps}"])
    with pytest.raises(ValueError, match=r"\{step\} is not a setting: choose from part, documents"):
        filled("wnut17", ["{step}"])
    assert filled("genia", ["{baseline}.cfg", "--steps", "{steps}"]) == [
        "spancat.cfg",
        "--steps",
        "225",
    ]


@pytest.mark.parametrize("arguments", [[], ["genia"]])
def test_the_script_says_what_it_takes(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["with_corpus.py", *arguments])
    assert main() == 2
    printed = capsys.readouterr().err
    assert "usage: python with_corpus.py CORPUS MODULE" in printed
    assert "wnut17, btc" in printed and "max_depth, baseline" in printed


def test_the_script_names_an_unknown_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["with_corpus.py", "genia", "spacy", "{step}"])
    assert main() == 1
    assert "{step} is not a setting" in capsys.readouterr().err


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (3, 3), (-9, 137)])
def test_the_script_ends_as_what_it_runs(
    code: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["with_corpus.py", "genia", "spacy"])
    monkeypatch.setattr("subprocess.run", lambda words: CompletedProcess(words, code))
    assert main() == expected
