"""`spacy train` on an encoder–decoder model that knows nothing: it learns a part of the bundled
corpus by heart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli.init_config import fill_config
from spacy.cli.train import train
from spacy.tokens import Doc, DocBin
from spacy.training import Example

from spacy_genner.decoding.greedy import GreedyDecoder
from tests.pipeline.scripted import marked
from tests.pipeline.training_config import training_config
from tests.tiny_t5 import FLAN, save_model, save_tokenizer

CORPUS = Path(__file__).parent.parent.parent / "assets" / "corpus" / "train.jsonl"
SENTENCES = 50
SIZES = {"d_model": 128, "d_kv": 32, "d_ff": 256, "num_layers": 2, "initializer_factor": 1.0}


def corpus() -> list[Doc]:
    nlp, docs = spacy.blank("xx"), []
    for line in CORPUS.read_text(encoding="utf8").splitlines()[:SENTENCES]:
        record = json.loads(line)
        doc = nlp(record["text"])
        doc.spans["sc"] = [
            doc.char_span(span["start"], span["end"], span["label"]) for span in record["spans"]
        ]
        docs.append(doc)
    return docs


def run(tmp_path: Path, max_steps: int, sizes: dict[str, Any]) -> Path:
    """Train a model from nothing. Returns: the folder of the pipeline."""
    docs = corpus()
    DocBin(docs=docs).to_disk(tmp_path / "data.spacy")
    (tmp_path / "t5").mkdir()
    texts = [
        *(doc.text for doc in docs),
        "[ | ]",
        "Copy the text and mark each entity as Labels: Text: Answer:",
    ]
    texts += sorted({span.label_ for doc in docs for span in doc.spans["sc"]})
    save_model(tmp_path / "t5", "t5", save_tokenizer(tmp_path / "t5", texts, 400), **sizes)
    tuning = {"@misc": "spacy_genner.FullTuning.v1"}
    lm = {
        "@misc": "spacy_genner.Seq2SeqLM.v1",
        "name": str(tmp_path / "t5"),
        "bundle_base": True,
        "tuning": tuning,
    }
    batcher = {"@batchers": "spacy.batch_by_sequence.v1", "size": 25}
    training = {"max_steps": max_steps, "eval_frequency": 100, "batcher": batcher}
    config = training_config(tmp_path / "data.spacy", lm, training)
    config["training"]["optimizer"]["learn_rate"] = 0.001
    config.to_disk(tmp_path / "base.cfg")
    fill_config(tmp_path / "train.cfg", tmp_path / "base.cfg", silent=True)
    train(tmp_path / "train.cfg", tmp_path / "out")
    return tmp_path / "out" / "model-best"


def spans(doc: Doc) -> list[tuple[int, int, str]]:
    return [span[:3] for span in marked(doc)]


@pytest.mark.slow
def test_it_learns_fifty_sentences_by_heart(tmp_path: Path) -> None:
    nlp = spacy.load(run(tmp_path, 200, {**SIZES, **FLAN, "dropout_rate": 0.0}))
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in corpus()]
    assert nlp.evaluate(examples)["spans_sc_f"] >= 0.9
    texts = [doc.text for doc in corpus()]
    found = [spans(doc) for doc in nlp.pipe(texts)]
    nlp.get_pipe("generative_ner").model.attrs["decoder"] = GreedyDecoder()
    assert [spans(doc) for doc in nlp.pipe(texts)] == found


def test_a_pipeline_is_trained_saved_and_loaded(tmp_path: Path) -> None:
    folder = run(tmp_path, 3, {"dropout_rate": 0.0})
    texts = [doc.text for doc in corpus()][:5]
    found = [marked(doc) for doc in spacy.load(folder).pipe(texts)]
    (tmp_path / "t5").rename(tmp_path / "gone")
    assert [marked(doc) for doc in spacy.load(folder).pipe(texts)] == found
