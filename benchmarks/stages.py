"""The stages of a training in two: converted corpora, coarse-tuning, fine-tuning, scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spacy
import srsly
from spacy.tokens import DocBin
from spacy.util import load_model_from_config
from thinc.api import Config
from trainings import config_of, genner, trained

from spacy_genner.corpora.spacy_files import read_corpus
from spacy_genner.evaluation.running import annotated, evaluate

COMPONENT = "generative_ner"
_SPANS = "sc"


@dataclass(frozen=True)
class Part:
    """The files or the folder of a part of a corpus, in the folder of corpora, and how to convert
    them."""

    files: Sequence[str]
    options: Sequence[str] = ("--format", "columns")


PARTS = {
    ("wnut17", "train"): Part(["wnut17/wnut17train.conll"]),
    ("btc", "train"): Part(["btc/btc.train"]),
    ("wikigold", "train"): Part(["wikigold/wikigold.conll.txt"]),
    ("bc5cdr", "train"): Part(["bc5cdr/train.tsv"]),
    ("sec-fin", "train"): Part(["sec-fin/FIN5.train.txt"]),
    ("sec-fin", "test"): Part(["sec-fin/FIN3.test.txt"]),
    ("genia", "train"): Part(["genia"], ("--corpus", "genia", "--part", "train")),
    ("genia", "test"): Part(["genia"], ("--corpus", "genia", "--part", "test")),
}
SCHEMES = {"wikigold": "conll2003", "sec-fin": "conll2003"}
"""Corpora with the labels of another one."""


class Stages:
    """The stages, each in a folder of its own; what an earlier run has finished there is not done
    again.

    Args:
        corpora: The folder with the corpora as their sources give them.
        work: The folder to write to.
        definitions: A folder of JSON files: label → definition, or a list with the definition
            first.
        lm: Settings of the language model.
        test: How many sentences to score on.
        seed: Of the draws of sentences.
    """

    def __init__(
        self,
        corpora: Path,
        work: Path,
        definitions: Path | None,
        lm: dict[str, Any],
        test: int,
        seed: int,
    ) -> None:
        self._corpora, self._work, self._definitions = corpora, work, definitions
        self._lm, self._test, self._seed = lm, test, seed

    def coarse(self, name: str, corpora: Iterable[str], sentences: int, steps: int) -> Path:
        """Train on so many sentences of each corpus.

        Returns:
            The pipeline.
        """
        config = self._config("coarse", steps)
        config[
            "corpora"
        ] = {  # what is trained last counts: development data are not used, and cost only time
            "train": _merged({corpus: self._reader(corpus, sentences) for corpus in corpora}),
            "dev": _merged({corpus: self._reader(corpus, 1) for corpus in corpora}),
        }
        return trained(self._work / name, config)

    def fine(self, name: str, source: Path | None, target: str, sentences: int, steps: int) -> Path:
        """Train on so many sentences of a corpus, from a pipeline on or from scratch.

        Returns:
            The pipeline.
        """
        config = self._config("fine", steps)
        config["corpora"] = {
            "train": self._reader(target, sentences),
            "dev": self._reader(target, 1),
        }
        if source:
            config["paths"]["source"] = str(source)
        else:
            config["components"] = self._config("coarse", steps)["components"]
            config["initialize"] = {}
        return trained(self._work / name, config)

    def score(self, pipeline: Path | None, target: str) -> dict[str, Any]:
        """What a pipeline, or the base weights alone, finds in the test part of a corpus, asked for
        its labels."""
        if pipeline:
            nlp = spacy.load(pipeline)
        else:
            nlp = load_model_from_config(self._config("coarse", 1), auto_fill=True)
            nlp.get_pipe(COMPONENT).model.initialize()  # type: ignore[attr-defined]
        nlp.get_pipe(COMPONENT).set_labels(self._labels(target))  # type: ignore[attr-defined]
        found = evaluate(
            nlp, annotated(read_corpus(self._converted(target, "test"), nlp), _SPANS), _SPANS
        )
        total, nested = found.scores.total, found.scores.nesting["nested"]
        return {
            "p": total.p,
            "r": total.r,
            "f": total.f,
            "nested_f": nested.f,
            "scored": len(found.gold),
        }

    def _config(self, name: str, steps: int) -> Config:
        config = config_of(name, steps)
        if "model" in config["components"][COMPONENT]:
            config["components"][COMPONENT]["model"]["lm"] |= self._lm
        return config

    def _reader(self, corpus: str, sentences: int) -> dict[str, Any]:
        path = self._converted(corpus, "train")
        labels = self._labels(corpus)
        reader = {
            "@readers": "spacy_genner.LabelledCorpus.v1",
            "path": str(path),
            "limit": sentences,
        }
        return {**reader, "seed": self._seed, "labels": labels}

    def _labels(self, corpus: str) -> dict[str, str]:
        """The labels of the training part, as it has them or with definitions."""
        docs = (
            DocBin().from_disk(self._converted(corpus, "train")).get_docs(spacy.blank("en").vocab)
        )
        names = sorted({span.label_ for doc in docs for span in doc.spans[_SPANS]})
        file = self._definitions and self._definitions / f"{SCHEMES.get(corpus, corpus)}.json"
        known: dict[str, Any] = srsly.read_json(file) if file and file.exists() else {}
        texts = {name: known.get(name, "") for name in names}
        return {name: text if isinstance(text, str) else text[0] for name, text in texts.items()}

    def _converted(self, corpus: str, part: str) -> Path:
        limit = ("--limit", str(self._test)) if part == "test" else ()
        path = self._work / "corpus" / corpus / f"{part}{self._test if limit else ''}.spacy"
        if not path.exists():
            files = [self._corpora / file for file in PARTS[corpus, part].files]
            genner(
                "convert",
                *files,
                path,
                *PARTS[corpus, part].options,
                *limit,
                "--seed",
                str(self._seed),
            )
        return path


def _merged(readers: dict[str, Any]) -> dict[str, Any]:
    return {"@readers": "spacy_genner.MergedCorpora.v1", "temperature": 1.0, "corpora": readers}
