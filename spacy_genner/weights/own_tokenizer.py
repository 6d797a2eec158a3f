"""The tokenizer of an adapter, where it is another one than that of its base."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .identity import tokenizer_hash
from .load import Base

TOKENIZER_FILES = (
    "tokenizer_config.json",
    "tokenizer.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "merges.txt",
    "special_tokens_map.json",
    "spiece.model",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
)
"""The files that a tokenizer may have. It always has the first one."""


@dataclass(frozen=True, eq=False)
class OwnTokenizer:
    """A tokenizer and its files.

    The files are kept as they are, because transformers 4 cannot read what transformers 5 writes.

    Attributes:
        tokenizer: A tokenizer from transformers.
        files: The content of each file by its name.
    """

    tokenizer: Any
    files: dict[str, bytes]

    def save(self, folder: Path) -> None:
        """Write the files to a new folder.

        Raises:
            OSError: If they cannot be written.
        """
        folder.mkdir()
        for name, content in self.files.items():
            (folder / name).write_bytes(content)


def own_tokenizer(folder: Path | None, base: Base, trust_remote_code: bool) -> OwnTokenizer | None:
    """Return the tokenizer of a folder; None if there is none, or if it is that of the base.

    Raises:
        ValueError: If it cannot be read.
    """
    from transformers import AutoTokenizer

    if folder is None or not (folder / TOKENIZER_FILES[0]).exists():
        return None
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, config=base.model.config, trust_remote_code=trust_remote_code
        )
        same = tokenizer_hash(tokenizer) == base.tokenizer_hash
    except Exception as error:  # Each kind of tokenizer has errors of its own.
        raise ValueError(f"the tokenizer in {folder} cannot be read: {error}") from error
    if same and tokenizer.chat_template == base.tokenizer.chat_template:
        return None
    files = [folder / name for name in TOKENIZER_FILES]
    content = {file.name: file.read_bytes() for file in files if file.exists()}
    return OwnTokenizer(tokenizer, content)
