"""Reading what was saved. Every kind of damage becomes a ValueError that says where it is and what
to do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from srsly import msgpack

MODEL_FILES = (
    "adapter_config.json",
    "adapter_model.safetensors",
    "model.safetensors",
    "base",
    "base.json",
    "draft_head.safetensors",
    "engine.json",
    "tokenizer",
)
"""All files and folders that a language model may write to a folder."""


@contextmanager
def reading(place: object, remedy: str = "copy or train the pipeline again") -> Iterator[None]:
    """Turn whatever goes wrong in a block into a ValueError that names the place it reads from.

    A missing package or a lack of memory is not damage: ImportError and MemoryError pass unchanged.

    Args:
        place: The place.
        remedy: What the user can do.

    Raises:
        ValueError: If the block raises any other exception.
    """
    try:
        yield
    except (ImportError, MemoryError):
        raise
    # Each library raises its own exceptions for a missing, truncated or foreign file.
    except Exception as error:
        raise ValueError(f"{place} cannot be read ({error}): {remedy}") from error


def read_object(path: Path) -> dict[str, Any]:
    """Read the JSON object in a file.

    Raises:
        ValueError: If the file is missing or corrupt, or holds something else.
    """
    with reading(path):
        data = path.read_bytes()
    return parse_object(data, path)


def parse_object(data: bytes, place: object) -> dict[str, Any]:
    """Parse a JSON object.

    Args:
        data: The JSON text in UTF-8.
        place: Where it comes from, for the error.

    Raises:
        ValueError: If the data are corrupt, or something else than an object.
    """
    with reading(place):
        found = json.loads(data)
        if not isinstance(found, dict):
            raise ValueError(f"expected an object, found {type(found).__name__}")
        return found


def pack_parts(parts: Mapping[str, bytes]) -> bytes:
    """Pack named parts into one."""
    return bytes(msgpack.packb(dict(parts), use_bin_type=True))


def unpack_parts(data: bytes, place: object) -> dict[str, bytes]:
    """Unpack what `pack_parts` packed.

    Args:
        data: The packed parts.
        place: Where they come from, for the error.

    Raises:
        ValueError: If the data are corrupt, or something else than packed parts.
    """
    with reading(place):
        # The hook keeps srsly from making arrays of what looks like packed ones. Unlike
        # `msgpack_loads`, this call does not switch the garbage collector off and on.
        parts = msgpack.unpackb(data, raw=False, object_pairs_hook=dict)
        match parts:
            case dict() if all(
                isinstance(name, str) and isinstance(part, bytes) for name, part in parts.items()
            ):
                return parts
        raise ValueError("expected named parts")
