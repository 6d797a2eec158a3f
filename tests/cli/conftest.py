from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin, Span

from tests.cli.tiny_training import CONFIG, SENTENCES, Training


@pytest.fixture(scope="session")
def training(tiny: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Training:
    """A training of a tiny language model on six sentences."""
    folder: Path = tmp_path_factory.mktemp("training")
    nlp = spacy.blank("en")
    docs = []
    for text, entity in SENTENCES:
        doc = nlp(text)
        doc.spans["sc"] = [Span(doc, *entity, label="ORG")] if entity else []
        doc.ents = doc.spans["sc"]
        for token in doc:
            token.tag_, token.lemma_ = "X" if token.ent_type_ else token.shape_, f"be{token.text}"
        docs.append(doc)
    DocBin(docs=docs).to_disk(folder / "train.spacy")
    DocBin(docs=[*docs[1:3], nlp("words that are only here")]).to_disk(folder / "dev.spacy")
    (folder / "config.cfg").write_text(CONFIG, encoding="utf8")
    names = {"paths.train": "train.spacy", "paths.dev": "dev.spacy", "paths.log": "log.jsonl"}
    overrides = {key: str(folder / name) for key, name in names.items()}
    return Training(folder / "config.cfg", {**overrides, "components.generative_ner.model.lm.name": tiny()})
