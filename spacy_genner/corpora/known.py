"""The table of known corpora: where each comes from, how it is read and split, and what training
on it takes.

`genner convert --corpus NAME`, the project and the benchmarks share it. Its rows are in the file of
their domain, such as `known_general.py`. A corpus whose files no reader understands also needs a
function, in `source_files.py` or a file of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from .conversion import Output, convert_records
from .conversion_report import Report
from .known_biomedical import BIOMEDICAL
from .known_corpus import KnownCorpus
from .known_general import GENERAL
from .known_technical import TECHNICAL
from .offsets import Alignment

KNOWN: Mapping[str, KnownCorpus] = {**GENERAL, **BIOMEDICAL, **TECHNICAL}


def known_corpus(name: str) -> KnownCorpus:
    """Return a corpus of the table.

    Raises:
        ValueError: If the table has none of this name.
    """
    if name not in KNOWN:
        raise ValueError(f"corpus {name!r} is not known: choose one of {', '.join(KNOWN)}")
    return KNOWN[name]


def convert_known(
    name: str, part: str, folder: Path, nlp: Language, output: Output, alignment: Alignment
) -> tuple[list[Doc], Report]:
    """Convert a part of a known corpus into Docs.

    Args:
        folder: The folder with the files of this corpus.
        alignment: What happens to spans that start or end inside a token.

    Raises:
        ValueError: If the table has no such corpus.
        ValueError: If the corpus has no such part.
        ValueError: If something cannot be read; the error names its place.
        FileNotFoundError: If a file is not there.
    """
    parts = known_corpus(name).parts
    if part not in parts:
        raise ValueError(f"{name} has no part {part!r}: choose one of {', '.join(parts)}")
    return convert_records(parts[part](folder), nlp, output, alignment)
