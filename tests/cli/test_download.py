from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from spacy.cli._util import app
from typer.testing import CliRunner

import spacy_genner.cli  # noqa: F401  (registers the commands)
from spacy_genner.files.checksums import sha256
from spacy_genner.weights import packages
from spacy_genner.weights.packages import PACKAGES, Package


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; "tiny" is the only known name, and comes without a network."""
    wheel = tmp_path / "tiny-1.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny/config.json", "{}")
    tiny = Package("two bytes", "tiny==1", sha256(wheel), "tiny", "MIT", 7)
    monkeypatch.setattr(packages, "PACKAGES", {"tiny": tiny})
    monkeypatch.setattr(
        packages, "fetch", lambda requirement, folder: Path(shutil.copy(wheel, folder))
    )
    monkeypatch.setenv("SPACY_GENNER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and printed text, its lines joined since messages are wrapped to the terminal."""
    result = CliRunner().invoke(app, ["genner", "download", *arguments])
    return result.exit_code, " ".join(result.output.split())


def test_a_download_prints_its_folder(cache: Path) -> None:
    code, output = run("tiny")
    assert code == 0, output
    assert "Weights 'tiny' are ready" in output
    assert output.endswith(str(cache / "tiny"))
    assert (cache / "tiny" / "config.json").read_text() == "{}"


def test_a_second_run_succeeds_too(cache: Path) -> None:
    assert run("tiny") == run("tiny")


@pytest.mark.parametrize("arguments", [(), ("--list",), ("-l",), ("tiny", "--list")])
def test_the_list_shows_size_licence_and_state_and_fetches_nothing(
    cache: Path, arguments: tuple[str, ...]
) -> None:
    code, output = run(*arguments)
    assert code == 0
    assert "tiny two bytes 7 MB MIT not downloaded" in output
    assert not cache.exists()


def test_the_list_shows_where_weights_lie(cache: Path) -> None:
    run("tiny")
    assert str(cache / "tiny") in run("--list")[1]


def test_an_unknown_name_fails_and_names_the_known_ones(cache: Path) -> None:
    code, output = run("smol")
    assert code == 1
    assert "no weights are known as 'smol': choose one of tiny" in output


@pytest.mark.parametrize("flag", ["--force", "-f"])
def test_a_corrupt_folder_fails_and_force_repairs_it(cache: Path, flag: str) -> None:
    run("tiny")
    (cache / "tiny" / "config.json").write_text("")
    code, output = run("tiny")
    assert code == 1
    assert "run `python -m spacy genner download tiny --force`" in output
    assert run("tiny", flag)[0] == 0
    assert run("tiny")[0] == 0


def test_the_real_list_names_all_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACY_GENNER_CACHE", str(tmp_path))
    code, output = run()
    assert code == 0
    assert all(f"{name} {package.about}" in output for name, package in PACKAGES.items())


def test_the_commands_load_nothing_heavy() -> None:
    script = "import sys, spacy_genner.cli; print({'transformers', 'peft', 'gguf', 'tokenizers'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
