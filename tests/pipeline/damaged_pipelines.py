"""Random damage to saved components, as disks, networks and editors do it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

Files = dict[str, bytes]
OTHERS: list[Any] = [
    None,
    True,
    -1,
    0,
    3,
    1.5,
    float("nan"),
    "",
    "x",
    "\ud800",
    [],
    {},
    [[]],
    {"a": 1},
    [None],
]
"""Values to put where another one was expected. Larger numbers would be sizes that nobody has the
memory for."""


def truncated(random: Random, data: bytes) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def flipped(random: Random, data: bytes) -> bytes:
    changed = bytearray(data or b"\0")
    for _ in range(random.choice([1, 1, 2, 8])):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def flipped_at_the_start(random: Random, data: bytes) -> bytes:
    """Where lengths, types and names are."""
    return flipped(random, data[:200]) + data[200:]


def lengthened(random: Random, data: bytes) -> bytes:
    return data + random.randbytes(random.randint(1, 20))


def garbled(random: Random, data: bytes) -> bytes:
    start, size = random.randrange(len(data) + 1), random.randint(1, 30)
    return data[:start] + random.randbytes(size) + data[start + size :]


def retyped(random: Random, data: bytes) -> bytes:
    """Another value somewhere in JSON."""
    try:
        whole = [json.loads(data)]
    except ValueError:
        return garbled(random, data)
    place: Any = whole
    key: Any = 0
    while isinstance(place[key], dict | list) and place[key] and random.random() < 0.8:
        place = place[key]
        key = (
            random.choice(list(place)) if isinstance(place, dict) else random.randrange(len(place))
        )
    if isinstance(place, dict) and random.random() < 0.3:
        del place[key]
    else:
        place[key] = random.choice(OTHERS)
    return json.dumps(whole[0] if whole else None).encode()


DAMAGES: list[Callable[[Random, bytes], bytes]] = [
    *[truncated, flipped, flipped_at_the_start, lengthened, garbled, retyped, retyped]
]


def files_of(folder: Path) -> Files:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def damaged(random: Random, files: Files) -> Files:
    """Some files otherwise, removed, or in each other's place."""
    changed = dict(files)
    for _ in range(random.choice([1, 1, 1, 2])):
        name = random.choice(sorted(changed))
        what = random.random()
        if what < 0.06:
            del changed[name]
        elif what < 0.15:
            other = random.choice(sorted(changed))
            changed[name], changed[other] = changed[other], changed[name]
        else:
            changed[name] = random.choice(DAMAGES)(random, changed[name])
    return changed


def write(folder: Path, files: Files, before: Files) -> None:
    """Turn a folder with some files into one with others."""
    for name in before.keys() - files.keys():
        (folder / name).unlink()
    for name, content in files.items():
        if before.get(name) != content:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).unlink(
                missing_ok=True
            )  # weights in memory may be those of the old file
            (folder / name).write_bytes(content)
