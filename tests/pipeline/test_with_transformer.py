"""`generative_ner` beside an encoder of spacy-transformers in one pipeline."""

from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example

pytest.importorskip("spacy_transformers")

TEXT = "The University of Edinburgh bought Acme."
SPANS = {"entities": [(4, 27, "ORG"), (35, 39, "ORG")]}


@pytest.fixture
def nlp(encoder: str, tiny) -> spacy.Language:
    nlp = spacy.blank("xx")
    nlp.add_pipe(
        "transformer", config={"model": {"name": encoder, "tokenizer_config": {"use_fast": True}}}
    )
    listener = {"@architectures": "spacy-transformers.TransformerListener.v1", "grad_factor": 1.0}
    nlp.add_pipe(
        "ner", config={"model": {"tok2vec": {**listener, "pooling": {"@layers": "reduce_mean.v1"}}}}
    )
    lm = {"name": tiny(), "dtype": "float32", "device": "cpu"}
    nlp.add_pipe("generative_ner", config={"model": {"lm": lm}})
    return nlp


def test_all_train_and_predict_in_one_pipeline(nlp: spacy.Language, tmp_path: Path):
    examples = [Example.from_dict(nlp.make_doc(TEXT), SPANS)]
    optimizer = nlp.initialize(lambda: examples)
    losses = nlp.update(examples, sgd=optimizer)
    assert set(losses) == {"transformer", "ner", "generative_ner"}
    assert all(loss > 0 for name, loss in losses.items() if name != "transformer")
    doc = nlp(TEXT)
    assert doc._.trf_data is not None
    assert "sc" in doc.spans

    nlp.to_disk(tmp_path)
    again = spacy.load(tmp_path)(TEXT)
    assert spans(again) == spans(doc)
    assert [ent.text for ent in again.ents] == [ent.text for ent in doc.ents]


def spans(doc: Doc) -> list[tuple[int, int, str, float]]:
    group = doc.spans["sc"]
    return [
        (s.start, s.end, s.label_, float(score))
        for s, score in zip(group, group.attrs["scores"], strict=True)
    ]
