"""GENIA, read from the XML of its authors, with all levels of nesting."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree

from ..files.text_files import present, read_text
from .json_lines import Item
from .record import RawSpan, Record, raw_span
from .source_files import unpacked
from .source_parts import leave_out

LABELS = ("protein", "DNA", "RNA", "cell_line", "cell_type")
"""The labels of the literature. A class such as protein_molecule belongs to its first part."""
_NAME = "GENIAcorpus3.02"


def read_genia(folder: Path, part: str, without: Sequence[str] = ()) -> list[Item]:
    """Read the sentences of a part, in the order of the abstracts in `full/splits/PART.txt`.

    The texts are those of the original, which has no tokens. A term at any depth is a span if its
    class belongs to one of `LABELS`. Terms of other classes are ignored and counted as such, and so
    are coordinations, such as "T and B cells", whose members are discontinuous.

    Args:
        folder: Holds the splits, and in `full/` either the file GENIAcorpus3.02.xml or the archive
            of the authors, GENIAcorpus3.02.tgz.
        part: "train", "dev" or "test".
        without: Other parts, whose sentences are left out of this one.

    Raises:
        ValueError: If the archive or the XML is damaged.
        ValueError: If it lacks an abstract of a part.
    """
    abstracts = _abstracts(folder / "full")
    others = (_sentences(folder, other, abstracts) for other in without)
    return leave_out(_sentences(folder, part, abstracts), chain.from_iterable(others))


def _sentences(
    folder: Path, part: str, abstracts: Mapping[str, Sequence[Record]]
) -> Iterator[Record]:
    path = present(folder / "full" / "splits" / f"{part}.txt")
    names = read_text(path).split()
    if missing := [name for name in names if name not in abstracts]:
        raise ValueError(f"{path}: {_NAME}.xml has no abstract {missing[0]!r}")
    return chain.from_iterable(abstracts[name] for name in names)


def _abstracts(folder: Path) -> dict[str, list[Record]]:
    """Return the sentences of each abstract. One abstract occurs twice, and has all of them."""
    archive = folder / f"{_NAME}.tgz"
    if archive.exists():
        with unpacked(archive) as files:
            text = read_text(present(files / "GENIA_term_3.02" / f"{_NAME}.xml"))
    else:
        text = read_text(present(folder / f"{_NAME}.xml"))
    try:
        corpus = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"{folder}: {_NAME}.xml is not XML ({error})") from error
    abstracts = defaultdict[str, list[Record]](list)
    for article in corpus.iter("article"):
        name = article.findtext("articleinfo/bibliomisc", "").strip()
        for number, sentence in enumerate(article.iter("sentence"), 1):
            abstracts[name].append(_record(sentence, f"{name}, sentence {number}"))
    return abstracts


def _record(sentence: ElementTree.Element, place: str) -> Record:
    spans, ignored = list[RawSpan](), list[str]()
    for start, end, classes in _terms(sentence, 0):
        if label := _label(classes):
            spans.append(raw_span(place, start, end, label))
        elif classes:
            ignored.append("coordinations" if classes.startswith("(") else "terms of other classes")
    return Record(place, "".join(sentence.itertext()), [], spans, ignored=tuple(ignored))


def _terms(element: ElementTree.Element, start: int) -> Iterator[tuple[int, int, str]]:
    """Yield the start, the end and the class of each term inside an element, outer ones first.

    Args:
        element: A sentence, or a term.
        start: The character of the sentence where its text starts.
    """
    at = start + len(element.text or "")
    for child in element:
        end = at + len("".join(child.itertext()))
        if child.tag == "cons":
            yield at, end, child.get("sem", "")
        yield from _terms(child, at)
        at = end + len(child.tail or "")


def _label(classes: str) -> str | None:
    """Return the label of a class such as "G#protein_molecule"; None if it belongs to none."""
    name = classes.removeprefix("G#")
    return next((label for label in LABELS if f"{name}_".startswith(f"{label}_")), None)
