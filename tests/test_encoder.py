"""configs/encoder.cfg trains, flat and nested, and what it trained is scored as any pipeline is."""

from pathlib import Path

import pytest
import spacy
from spacy.cli.train import train
from spacy.tokens import DocBin

from spacy_genner.corpora.spacy_files import read_corpus
from spacy_genner.evaluation.running import evaluate

pytest.importorskip("spacy_transformers")

CONFIG = Path(__file__).parent.parent / "configs" / "encoder.cfg"
TEXT = "The University of Edinburgh bought Acme."
OUTER = [(4, 27, "ORG"), (35, 39, "ORG")]
INNER = [(18, 27, "GPE")]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """One sentence, as `genner convert` writes it: all spans in doc.spans, the outermost ones in
    doc.ents."""
    doc = spacy.blank("xx")(TEXT)
    doc.spans["sc"] = [doc.char_span(*span) for span in OUTER + INNER]
    doc.ents = [doc.char_span(*span) for span in OUTER]
    path = tmp_path / "corpus.spacy"
    DocBin(docs=[doc]).to_disk(path)
    return path


@pytest.mark.parametrize(
    ("component", "layer", "found"), [("ner", "ents", OUTER), ("spancat", "spans", OUTER + INNER)]
)
def test_it_learns_a_sentence(
    component: str,
    layer: str,
    found: list[tuple[int, int, str]],
    corpus: Path,
    encoder: str,
    tmp_path: Path,
) -> None:
    overrides = {
        "paths.train": str(corpus),
        "paths.dev": str(corpus),
        "paths.encoder": encoder,
        "nlp.pipeline": ["transformer", component],
        "training.eval_frequency": 20,
        "training.optimizer.learn_rate.total_steps": 60,
        "training.optimizer.learn_rate.warmup_steps": 5,
        "training.optimizer.learn_rate.initial_rate": 0.01,
    }
    train(CONFIG, tmp_path / "output", overrides=overrides)
    nlp = spacy.load(tmp_path / "output" / "model-best")
    assert nlp.pipe_names == ["transformer", component]
    result = evaluate(nlp, read_corpus(corpus, nlp))
    assert result.layers == {"gold": "spans", "predicted": layer}
    spans = [(span.start_char, span.end_char, span.label_) for span, _ in result.predicted[0]]
    assert sorted(spans) == sorted(found)
