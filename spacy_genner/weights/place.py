"""Where base weights are: from a name to the files of the model as they are at this moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .packages import PACKAGES, installed


@dataclass(frozen=True, slots=True)
class Place:
    """The place where base weights are.

    Attributes:
        name: What transformers loads the weights from: a folder, or the name of a model on the hub.
        gguf: The name of the GGUF file in that folder, or None for other kinds of files.
        revision: The commit on the hub, or None for a folder.
        origin: The folder or GGUF file; for a model on the hub, its folder in the cache.
        version: A value that changes when a file of a local folder changes. It is empty for a model
            on the hub, because a commit never changes.
    """

    name: str
    gguf: str | None
    revision: str | None
    origin: Path
    version: tuple[object, ...]


def place_of(name: str, revision: str | None) -> Place:
    """Find the base weights with a name.

    Args:
        name: A local folder or GGUF file; else a name that `spacy genner download` has installed;
            else a model on the hub, whose configuration is fetched.
        revision: A branch, tag or commit on the hub.

    Raises:
        ValueError: If the name can be downloaded, but has not been.
        OSError: If there is no such model on the hub, or it cannot be reached.
        HFValidationError: If the name cannot be that of a model on the hub.
        RuntimeError: If the name begins with `~` and a user whom the system does not know.
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


def _version(paths: Iterable[Path]) -> tuple[object, ...]:
    """Return a value that differs whenever the content of the files among some paths differs.

    Besides names, sizes and times of modification it holds the time of the last change of each
    inode and its number: a program can set the time of modification of a file back, but not these.
    """
    versions = []
    for path in paths:
        if path.is_file():
            stat = path.stat()
            versions.append(
                (path.name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
            )
    return tuple(sorted(versions))


def fetch(name: str, file: str, revision: str | None, offline: bool) -> Path | None:
    """Return the path of a file of a model on the hub, in its cache.

    Args:
        offline: Whether to look only in the cache.

    Returns:
        None if there is no such file or no such model, or if it is not in the cache and the hub
        cannot be reached.
    """
    from huggingface_hub.errors import HFValidationError
    from transformers.utils.hub import cached_file

    try:
        path = cached_file(
            name,
            file,
            revision=revision,
            local_files_only=offline,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
    except (OSError, HFValidationError):
        return None
    return Path(path) if path else None


def is_offline(name: str, file: str, revision: str | None) -> bool:
    """Return whether the hub does not answer one short request, for a file of a model."""
    from huggingface_hub import get_session, hf_hub_url

    try:
        get_session().head(hf_hub_url(name, file, revision=revision), timeout=10)
    except Exception:  # The versions of huggingface_hub use different HTTP libraries
        return True
    return False


def _on_the_hub(name: str, revision: str | None) -> Place:
    """Find a model on the hub.

    The revision is resolved to a commit once, so that all files are from the same one. One short
    request tests beforehand whether the hub answers. If it does not, the folder in the cache is
    used: transformers would wait half a minute for each file, even for those that no model needs.
    """
    from transformers.utils.hub import cached_file

    offline = is_offline(name, "config.json", revision)
    config: Any = cached_file(name, "config.json", revision=revision, local_files_only=offline)
    folder = Path(config).parent  # Its name is the commit
    if offline:
        return Place(str(folder), None, None, folder, ())
    return Place(name, None, folder.name, folder, ())
