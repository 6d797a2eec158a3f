"""The table of known corpora: where each comes from, how it is read and split, and what training
on it takes.

`genner convert --corpus NAME`, the project and the benchmarks share it. A new corpus is a row of
`KNOWN`; one whose files no reader understands also needs a function in `source_files.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from .conversion import Output
from .conversion_report import Report
from .offsets import Alignment
from .source_files import read_litbank, read_mspt, read_re3d, read_tasteset
from .source_parts import EVERY_FIFTH, ColumnFiles, Documents, JsonFile, Part, by_fifths


@dataclass(frozen=True, slots=True)
class Training:
    """What a training on a corpus takes.

    Attributes:
        part: The part to train on.
        documents: How many of its documents, drawn at random.
        dev_documents: How many documents of the development part to evaluate on, drawn likewise.
        batch: The number of documents in a step: 16 sentences, or whole documents with about 500
            tokens together.
        steps: The number of steps.
        eval_frequency: The number of steps from one evaluation to the next.
        max_depth: How deep the answers nest.
        baseline: The component of spaCy to compare with: `ner`, or `spancat` for a nested corpus.
    """

    part: str
    documents: int
    dev_documents: int
    batch: int
    steps: int
    eval_frequency: int
    max_depth: int
    baseline: str


@dataclass(frozen=True, slots=True)
class KnownCorpus:
    """A public corpus.

    Attributes:
        title: What it is.
        sources: The addresses that its files come from, each with the commit. The project fetches
            MSPT and LitBank from the branch `master`, which may have moved on since that commit.
        licence: The licence of the annotations, and that of the texts where it is another one.
        citation: The paper to cite, or the holder of the rights.
        split: Where the division into parts comes from.
        parts: The parts by name.
        training: What a training on it takes.
    """

    title: str
    sources: Sequence[str]
    licence: str
    citation: str
    split: str
    parts: Mapping[str, Part]
    training: Training


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
    return parts[part].convert(folder, nlp, output, alignment)


KNOWN: Mapping[str, KnownCorpus] = {
    "wnut17": KnownCorpus(
        title="WNUT 2017: new and rare entities in social media, flat",
        sources=[
            "https://github.com/leondz/emerging_entities_17/tree/"
            "e52a2d2a71ac1a051ca2d532eef28653c5c02603"
        ],
        licence="CC BY 4.0",
        citation="Derczynski, Nichols, van Erp and Limsopatham (2017): Results of the WNUT2017 "
        "Shared Task on Novel and Emerging Entity Recognition",
        split="official",
        parts={
            "train": ColumnFiles(["wnut17train.conll"]),
            "dev": ColumnFiles(["emerging.dev.conll"]),
            "test": ColumnFiles(["emerging.test.annotated"]),
        },
        training=Training(
            part="train",
            documents=3394,
            dev_documents=200,
            batch=16,
            steps=300,
            eval_frequency=100,
            max_depth=1,
            baseline="ner",
        ),
    ),
    "genia": KnownCorpus(
        title="GENIA: molecular biology, nested; five labels",
        sources=[
            "https://github.com/matirojasg/nested-ner-mlc/tree/"
            "6a19f0cd0248ca868c5bc140b457a154414c6e24",
            "https://github.com/yhcc/CNN_Nested_NER/tree/d1c9fae196e2d7692f3d5afd86694dd933b08d71",
        ],
        licence="annotations: CC BY 3.0; abstracts: terms of PubMed",
        citation="Kim, Ohta, Tateisi and Tsujii (2003): GENIA corpus, a semantically annotated "
        "corpus for bio-textmining",
        split="that of Rojas et al. (2022) for training, where no entity lies in one of its own "
        "label, and of Yan et al. (2023) for development and testing",
        parts={
            "train": ColumnFiles(
                [
                    f"mlc/{label}_train.conll"
                    for label in ("DNA", "RNA", "cell_line", "cell_type", "protein")
                ],
                merge=True,
            ),
            "dev": JsonFile("yan2022/dev.jsonlines"),
            "test": JsonFile("yan2022/test.jsonlines"),
        },
        training=Training(
            part="train",
            documents=1800,
            dev_documents=200,
            batch=16,
            steps=225,
            eval_frequency=75,
            max_depth=4,
            baseline="spancat",
        ),
    ),
    "tasteset": KnownCorpus(
        title="TASTEset: ingredients of recipes, flat",
        sources=[
            "https://github.com/taisti/TASTEset-2.0/tree/adf9da58737c891559e779658a7ce2b98f805657"
        ],
        licence="MIT",
        citation="Wróblewska, Kaliska, Pawłowski, Wiśniewski, Sosnowski and Ławrynowicz (2022): "
        "TASTEset, Recipe Dataset and Food Entities Recognition Benchmark",
        split=EVERY_FIFTH,
        parts=by_fifths(read_tasteset),
        training=Training(
            part="fit",
            documents=600,
            dev_documents=200,
            batch=8,
            steps=300,
            eval_frequency=100,
            max_depth=1,
            baseline="ner",
        ),
    ),
    "re3d": KnownCorpus(
        title="RE3D: news and statements on defence and security, nested",
        sources=["https://github.com/dstl/re3d/tree/b061ff06713cad4df7e5cfaed3fd07bf15b2598c"],
        licence="one for each publisher: OGL v3.0, CC BY 3.0 AU, CC BY-SA 3.0, public domain, or "
        "reuse with acknowledgement",
        citation="Defence Science and Technology Laboratory, Aleph Insights and Committed Software "
        "(2017): Relationship and Entity Extraction Evaluation Dataset",
        split=EVERY_FIFTH,
        parts=by_fifths(read_re3d),
        training=Training(
            part="fit",
            documents=54,
            dev_documents=18,
            batch=2,
            steps=300,
            eval_frequency=100,
            max_depth=4,
            baseline="spancat",
        ),
    ),
    "mspt": KnownCorpus(
        title="Materials Science Procedural Text Corpus: paragraphs on syntheses, flat",
        sources=[
            "https://github.com/olivettigroup/annotated-materials-syntheses/tree/"
            "dd6abd1774c8c573fa99ef937ee2c44301e021cc"
        ],
        licence="MIT",
        citation="Mysore et al. (2019): The Materials Science Procedural Text Corpus",
        split="official",
        parts={
            part: Documents(partial(read_mspt, names=f"ner-{part}-fnames.txt"))
            for part in ("train", "dev", "test")
        },
        training=Training(
            part="train",
            documents=200,
            dev_documents=15,
            batch=2,
            steps=300,
            eval_frequency=100,
            max_depth=1,
            baseline="ner",
        ),
    ),
    "litbank": KnownCorpus(
        title="LitBank: the beginnings of a hundred works of fiction, nested",
        sources=[
            "https://github.com/dbamman/litbank/tree/3e50db0ffc033d7ccbb94f4d88f6b99210328ed8"
        ],
        licence="CC BY 4.0; the texts are in the public domain",
        citation="Bamman, Popat and Shen (2019): An Annotated Dataset of Literary Entities",
        split=EVERY_FIFTH,
        parts=by_fifths(read_litbank),
        training=Training(
            part="fit",
            documents=60,
            dev_documents=20,
            batch=1,
            steps=300,
            eval_frequency=100,
            max_depth=4,
            baseline="spancat",
        ),
    ),
}
