"""What the names in a config stand for: bases, and adapters to be plugged into them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..files.saved import read_object
from .adapter_config import CONFIG
from .adapters import WEIGHTS
from .own_tokenizer import TOKENIZER_FILES
from .packages import PACKAGES, installed
from .place import fetch, is_offline


class Named(NamedTuple):
    """What the name of a language model stands for.

    Attributes:
        base: The name of a base; see `load_base`.
        revision: The revision of the base on the hub.
        adapter: The folder of an adapter, if the name was that of one.
    """

    base: str
    revision: str | None
    adapter: Path | None = None


def named(name: str, revision: str | None) -> Named:
    """Return what the name of a language model stands for.

    Raises:
        ValueError: If it is that of an adapter that does not name its base.
    """
    folder = find_adapter(name, revision)
    if folder is None:
        return Named(name, revision)
    settings = read_object(folder / CONFIG)
    base = settings.get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise ValueError(
            f"{folder / CONFIG} does not name the base of the adapter: give the base as `name`, "
            f"and {name!r} as `adapter`"
        )
    return Named(base, settings.get("revision"), folder)


def adapter_folder(name: str, revision: str | None) -> Path:
    """Return the folder of an adapter.

    Args:
        name: A folder, or the name of an adapter on the hub, whose files are fetched.

    Raises:
        ValueError: If there is no such adapter.
    """
    folder = find_adapter(name, revision)
    if folder is None:
        raise ValueError(
            f"adapter = {name!r}: there is no such folder with {CONFIG}, and no such adapter on "
            "the Hugging Face hub, or the hub cannot be reached"
        )
    return folder


def find_adapter(name: str, revision: str | None) -> Path | None:
    """Return the folder of an adapter; None if there is no adapter with this name.

    Files of an adapter on the hub are fetched to its cache.
    """
    path = Path(name).expanduser()
    if path.exists() or name in PACKAGES or installed(name):
        return path.absolute() if (path / CONFIG).is_file() else None
    offline = is_offline(name, CONFIG, revision)
    config = fetch(name, CONFIG, revision, offline)
    if config is None:
        return None
    for file in (WEIGHTS, *TOKENIZER_FILES):
        fetch(name, file, config.parent.name, offline)  # The folder is named after the commit.
    return config.parent
