"""A name of base weights → the files of the model, as they are at this moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .packages import PACKAGES, installed


@dataclass(frozen=True, slots=True)
class Place:
    """Where base weights are.

    Attributes:
        name: What transformers loads from: a folder, or a model on the hub.
        gguf: The file in the folder, if it is one.
        revision: The commit on the hub.
        origin: The folder or GGUF file; for a model on the hub, its folder in the cache.
        version: Changes when a file there changes. A commit on the hub never does.
    """

    name: str
    gguf: str | None
    revision: str | None
    origin: Path
    version: tuple[object, ...]


def place_of(name: str, revision: str | None) -> Place:
    """Where the base weights with a name are.

    Args:
        name: A local folder or GGUF file, else a name that `spacy genner download` has installed,
            else a model on the hub, of which the configuration is fetched.

    Raises:
        ValueError: For a name that can be downloaded and is not.
        OSError or HFValidationError: If there is no such model on the hub.
    """
    path = Path(name).expanduser()
    if path.suffix == ".gguf" and path.is_file():
        path = path.absolute()
        return Place(str(path.parent), path.name, None, path, _version([path]))
    folder = path if path.is_dir() else installed(name)
    if folder:
        folder = folder.absolute()
        return Place(str(folder), None, None, folder, _version(folder.iterdir()))
    if name in PACKAGES:
        raise ValueError(
            f"the weights {name!r} are not on this machine: run `python -m spacy genner download "
            f"{name}`"
        )
    return _on_the_hub(name, revision)


def _version(files: Iterable[Path]) -> tuple[object, ...]:
    """Names, sizes and times of files, and what a file system knows them by: no two contents have
    the same."""
    stats = [(file.name, file.stat()) for file in files if file.is_file()]
    return tuple(
        sorted((name, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for name, s in stats)
    )


def _on_the_hub(name: str, revision: str | None) -> Place:
    """The commit that a revision is at, so that all files are of one; if the hub gives no answer,
    its folder in the cache. It is asked once: transformers would ask for half a minute for each
    file, even those that no model needs."""
    from huggingface_hub import get_session, hf_hub_url
    from transformers.utils.hub import cached_file

    try:
        get_session().head(hf_hub_url(name, "config.json", revision=revision), timeout=10)
        offline = False
    except Exception:  # each version of the client has an HTTP library of its own
        offline = True
    config: Any = cached_file(name, "config.json", revision=revision, local_files_only=offline)
    folder = Path(config).parent  # named by the commit
    return (
        Place(str(folder), None, None, folder, ())
        if offline
        else Place(name, None, folder.name, folder, ())
    )
