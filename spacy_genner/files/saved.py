"""Reading what was saved: every kind of damage is a ValueError that says where it is and what to
do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from srsly import msgpack

MODEL_FILES = (
    *("adapter_config.json", "adapter_model.safetensors", "model.safetensors"),
    *("base", "base.json", "draft_head.safetensors"),
)
"""All that a language model may write to a folder."""


@contextmanager
def reading(place: object) -> Iterator[None]:
    """Turns what goes wrong inside into a ValueError that names the place. A missing package or a
    lack of memory is no damage, and comes through as it is."""
    try:
        yield
    except (ImportError, MemoryError):
        raise
    except (
        Exception
    ) as error:  # each library below has errors of its own for a missing, truncated or foreign file
        raise ValueError(
            f"{place} cannot be read ({error}): copy or train the pipeline again"
        ) from error


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        ValueError: If the file is missing, corrupt, or holds something else.
    """
    with reading(path):
        data = path.read_bytes()
    return parse_object(data, path)


def parse_object(data: bytes, place: object) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ValueError: That names the place if it is corrupt or something else.
    """
    with reading(place):
        found = json.loads(data)
        if not isinstance(found, dict):
            raise ValueError(f"expected an object, found {type(found).__name__}")
        return found


def pack_parts(parts: Mapping[str, bytes]) -> bytes:
    """Named parts as one."""
    return bytes(msgpack.packb(dict(parts), use_bin_type=True))


def unpack_parts(data: bytes, place: object) -> dict[str, bytes]:
    """What was packed.

    Raises:
        ValueError: That names the place if it is corrupt or something else.
    """
    with reading(place):
        # with a hook of our own, no arrays are made; and unlike srsly's, this call leaves the
        # garbage collector alone
        parts = msgpack.unpackb(data, raw=False, object_pairs_hook=dict)
        match parts:
            case dict() if all(
                isinstance(name, str) and isinstance(part, bytes) for name, part in parts.items()
            ):
                return parts
        raise ValueError("expected parts with names")
