"""spaCy's own components on a decoder: a row for each token, training, storage, processes."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Corpus, Example
from spacy.util import fix_random_seed, registry
from thinc.api import Adam

from spacy_genner.cli.train import train as train_config
from spacy_genner.pipeline.decoder_tok2vec import Tok2Vec, build_decoder_tok2vec
from spacy_genner.pipeline.docs import Reading
from tests.pipeline.scripted import named

CONFIG = Path(__file__).parents[2] / "configs" / "tok2vec.cfg"
nlp_en = spacy.blank("xx")
TEXTS = ["The University of Edinburgh bought it.", "", " \n ", "Hi  there\n\n, you", "Leeds " * 9]
MODES: dict[str, dict[str, Any]] = {
    "causal": {"attention": "causal"},
    "bidirectional": {"attention": "bidirectional"},
    "echo": {"echo": True},
}
modes = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)


@pytest.fixture
def tok2vec(tiny_lm: Callable[..., Any]) -> Callable[..., Tok2Vec]:
    def make(**settings: Any) -> Tok2Vec:
        fix_random_seed(0)
        return build_decoder_tok2vec(tiny_lm(), **settings).initialize()

    return make


def words_of(model: Tok2Vec, doc: Doc) -> Any:
    """The rows of the words of one document that is no longer than a window, straight from the
    encoder."""
    return model.layers[0].predict([Reading(line_breaks=False)(doc).source])


@modes
def test_every_token_has_one_row(tok2vec: Callable[..., Tok2Vec], mode: dict[str, Any]) -> None:
    model = tok2vec(**mode)
    docs = list(map(nlp_en, TEXTS))
    predicted, (trained, _) = model.predict(docs), model.begin_update(docs)
    for doc, rows, same in zip(docs, predicted, trained, strict=True):
        space = np.array([token.is_space for token in doc], dtype=bool)
        assert rows.shape == same.shape == (len(doc), 32)
        assert not rows[space].any()
        if not space.all():
            np.testing.assert_allclose(rows[~space], words_of(model, doc), atol=2e-4, rtol=1e-3)
            np.testing.assert_allclose(rows, same, atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize("texts", [[], [""], ["", " "]])
def test_documents_without_words(tok2vec: Callable[..., Tok2Vec], texts: list[str]) -> None:
    docs = [Doc(nlp_en.vocab, words=[text] if text else []) for text in texts]
    rows, backprop = tok2vec().begin_update(docs)
    assert [row.shape for row in rows] == [(len(doc), 32) for doc in docs]
    assert not any(row.any() for row in rows)
    assert backprop(rows) == []


def test_a_long_document_is_read_in_windows(tok2vec: Callable[..., Tok2Vec]) -> None:
    """Each as if it were a document of its own; they end where sentences end, and nothing is left
    out. Where they share a word, the left one counts up to the middle."""
    model = tok2vec(window=5)
    doc = nlp_en("One two three . Four five\nsix . " + "seven " * 12)
    source = Reading(line_breaks=False)(doc).source
    windows = {(0, 4): 4, (4, 8): 4, (8, 13): 4, (12, 17): 4, (16, 20): 4}
    parts = [
        model.layers[0].predict([source[slice(*window)]])[:count]
        for window, count in windows.items()
    ]
    expected = np.concatenate(parts)
    (rows,) = model.predict([doc])
    np.testing.assert_allclose(np.delete(rows, 6, axis=0), expected, atol=2e-4, rtol=1e-3)


def test_gradients_go_to_the_words(tok2vec: Callable[..., Tok2Vec]) -> None:
    """Those of a batch with white space and windows are those of its words; what white space gets
    is lost to nobody."""
    model, other = tok2vec(window=3), tok2vec()
    doc = nlp_en("One two\n\nthree four five six")
    rows, backprop = model.begin_update([nlp_en(""), doc])
    backprop([rows[0], np.cos(rows[1])])
    sources = [
        Reading(line_breaks=False)(doc).source[start:end] for start, end in ((0, 2), (2, 4), (4, 6))
    ]
    words, backprop_words = other.layers[0].begin_update(sources)
    backprop_words(np.cos(words))
    found, expected = (
        dict(m.layers[0].shims[0].lm.model.named_parameters()) for m in (model, other)
    )
    assert any(weight.grad is not None and weight.grad.any() for weight in expected.values())
    for name, weight in expected.items():
        if weight.grad is not None:
            np.testing.assert_allclose(found[name].grad, weight.grad, atol=1e-4, rtol=1e-3)


def test_the_width_is_known(tok2vec: Callable[..., Tok2Vec], tiny_lm: Callable[..., Any]) -> None:
    assert build_decoder_tok2vec(tiny_lm(), width=32).get_dim("nO") == 32, (
        "before the weights are loaded"
    )
    assert build_decoder_tok2vec(tiny_lm()).has_dim("nO") is None
    assert tok2vec().get_dim("nO") == tok2vec(width=32).get_dim("nO") == 32


def test_another_width_is_refused(tok2vec: Callable[..., Tok2Vec]) -> None:
    with pytest.raises(
        ValueError,
        match="width = 96: the language model's hidden states have 32 numbers: set width = ",
    ):
        tok2vec(width=96)


def test_no_window(tok2vec: Callable[..., Tok2Vec]) -> None:
    with pytest.raises(ValueError, match="window = 0: the model reads at least one token"):
        tok2vec(window=0)


DATA: list[tuple[str, list[tuple[int, int, str]]]] = [
    ("The University of Edinburgh is old", [(4, 27, "ORG")]),
    ("Acme bought it in Leeds", [(0, 4, "ORG"), (18, 23, "GPE")]),
    ("nothing\n\nhere", []),
    ("Leeds", [(0, 5, "GPE")]),
    ("", []),
]


def examples(nlp: Language) -> list[Example]:
    """Entities; the same as spans, with one more inside; and tags."""
    result = []
    for text, ents in DATA:
        doc = nlp.make_doc(text)
        doc.ents = [doc.char_span(*ent) for ent in ents]
        doc.spans["sc"] = [*doc.ents, *([doc[3:4]] if len(doc) > 4 else [])]
        for span in doc.spans["sc"]:
            span.label_ = span.label_ or "INNER"
        for token in doc:
            token.tag_ = token.shape_[:2]
        result.append(Example(nlp.make_doc(text), doc))
    return result


@pytest.fixture
def blank(tiny: Callable[..., str]) -> Callable[..., Language]:
    """`blank(*components, listen=…, lm=…, **settings)`: spaCy's own components on a tiny
    decoder."""

    def make(
        *components: str, listen: bool = True, lm: dict[str, Any] | None = None, **settings: Any
    ) -> Language:
        decoder = {
            "@architectures": "spacy_genner.DecoderTok2Vec.v1",
            "lm": {
                "@misc": "spacy_genner.CausalLM.v1",
                "name": tiny(),
                "dtype": "float32",
                "device": "cpu",
                **(lm or {}),
            },
            "width": 32,
            **settings,
        }
        listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 32}
        nlp = spacy.blank("xx")
        if listen:
            nlp.add_pipe("tok2vec", config={"model": decoder})
        for name in components:
            nlp.add_pipe(
                name, config={"model": {**MODELS[name], "tok2vec": listener if listen else decoder}}
            )
        return nlp

    return make


MODELS: dict[str, dict[str, Any]] = {
    "ner": {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "hidden_width": 16,
    },
    "spancat": {"@architectures": "spacy.SpanCategorizer.v1"},
    "tagger": {"@architectures": "spacy.Tagger.v2"},
}


def train(nlp: Language, steps: int = 40) -> Language:
    golds = examples(nlp)
    nlp.initialize(lambda: golds)
    sgd = Adam(0.01, use_averages=False)
    for _ in range(steps):
        nlp.update(golds, sgd=sgd)
    return nlp


def found(nlp: Language) -> list[Any]:
    docs = nlp.pipe([text for text, _ in DATA])
    return [
        (named(doc.ents), sorted(named(doc.spans.get("sc", []))), [token.tag_ for token in doc])
        for doc in docs
    ]


@modes
@pytest.mark.parametrize(
    "listen", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["listener", "direct"]
)
def test_ner_learns_and_is_loaded(
    blank: Callable[..., Language], mode: dict[str, Any], listen: bool, tmp_path: Path
) -> None:
    nlp = train(blank("ner", listen=listen, **mode))
    golds = examples(nlp)
    assert nlp.evaluate(golds)["ents_f"] == 1.0
    nlp.to_disk(tmp_path / "saved")
    loaded = spacy.load(tmp_path / "saved")
    assert loaded.evaluate(examples(nlp))["ents_f"] == 1.0
    assert (
        found(spacy.blank("xx").from_config(nlp.config).from_bytes(nlp.to_bytes()))
        == found(loaded)
        == found(nlp)
    )
    rows = [[doc.tensor for doc in which.pipe(text for text, _ in DATA)] for which in (nlp, loaded)]
    assert all(np.array_equal(one, other) for one, other in zip(*rows, strict=True))
    train(loaded, steps=1)  # from the beginning


@pytest.mark.parametrize("tuning", ["LoRA", "FullTuning"])
def test_several_components_share_it(
    blank: Callable[..., Language], tuning: str, tmp_path: Path
) -> None:
    lm = {"tuning": {"@misc": f"spacy_genner.{tuning}.v1"}}
    nlp = train(blank("ner", "spancat", "tagger", lm=lm), steps=60)
    scores = nlp.evaluate(examples(nlp))
    assert (scores["ents_f"], scores["spans_sc_f"]) == (1.0, 1.0)
    assert scores["tag_acc"] > 0.9
    nlp.to_disk(tmp_path)
    assert found(spacy.load(tmp_path)) == found(nlp)


def test_the_decoder_itself_learns(blank: Callable[..., Language]) -> None:
    nlp = blank("ner")
    nlp.initialize(lambda: examples(nlp))
    shim = nlp.get_pipe("tok2vec").model.layers[0].shims[0]
    before = {name: weight.detach().clone() for name, weight in shim.lm.model.named_parameters()}
    for _ in range(
        3
    ):  # the gradient of lora_A is 0 while lora_B is, and that is while spaCy's last layer is
        nlp.update(examples(nlp), sgd=Adam(0.01, use_averages=False))
    changed = {
        name for name, weight in shim.lm.model.named_parameters() if not weight.equal(before[name])
    }
    assert changed == {name for name in before if "lora_" in name}


def test_a_frozen_decoder_stays(blank: Callable[..., Language]) -> None:
    nlp = blank("ner")
    golds = [
        example for example in examples(nlp) if len(example.x)
    ]  # spaCy asks each document for a vector
    nlp.initialize(lambda: golds)
    (before,) = nlp.get_pipe("tok2vec").predict([nlp.make_doc(TEXTS[0])])
    for _ in range(3):
        nlp.update(
            golds, sgd=Adam(0.1, use_averages=False), exclude=["tok2vec"], annotates=["tok2vec"]
        )
    assert np.array_equal(nlp.get_pipe("tok2vec").predict([nlp.make_doc(TEXTS[0])])[0], before)


def test_an_annotating_decoder_learns_as_well(blank: Callable[..., Language]) -> None:
    nlp = blank("ner")
    golds = examples(nlp)
    nlp.initialize(lambda: golds)
    for _ in range(40):
        nlp.update(golds, sgd=Adam(0.01, use_averages=False), annotates=["tok2vec"])
    shim = nlp.get_pipe("tok2vec").model.layers[0].shims[0]
    assert shim.moments["state"][0]["step"] == 40


def test_two_components_on_one_base_share_its_weights(blank: Callable[..., Language]) -> None:
    nlp = train(blank("ner", "tagger", listen=False), steps=1)
    lms = [
        shim.lm.model.named_parameters()
        for name in ("ner", "tagger")
        for node in nlp.get_pipe(name).model.walk()
        for shim in node.shims
    ]
    one, other = map(dict, lms)
    for name in one:
        assert (one[name].data_ptr() == other[name].data_ptr()) == ("lora_" not in name), name


def test_a_pipe_is_sourced_with_its_decoder(blank: Callable[..., Language]) -> None:
    nlp = train(blank("ner"))
    nlp.replace_listeners("tok2vec", "ner", ["model.tok2vec"])
    other = spacy.blank("xx")
    other.add_pipe("ner", source=nlp)
    assert found(other) == found(nlp)


def test_a_bundled_base_needs_no_other(blank: Callable[..., Language], tmp_path: Path) -> None:
    nlp = train(blank("ner", lm={"bundle_base": True}), steps=3)
    nlp.to_disk(tmp_path)
    config = {"components.tok2vec.model.lm.name": "no/such-model"}
    assert found(spacy.load(tmp_path, config=config)) == found(nlp)


def test_another_base_is_refused(
    blank: Callable[..., Language], tiny: Callable[..., str], tmp_path: Path
) -> None:
    train(blank("ner"), steps=1).to_disk(tmp_path)
    with pytest.raises(ValueError, match="has another fingerprint: get the same base weights"):
        spacy.load(tmp_path, config={"components.tok2vec.model.lm.name": tiny("qwen3")})


def test_settings_can_be_overridden_when_it_is_loaded(
    blank: Callable[..., Language], tmp_path: Path
) -> None:
    nlp = train(blank("ner"), steps=1)
    nlp.to_disk(tmp_path)
    text = DATA[0][0]
    rows = [
        spacy.load(tmp_path, config={"components.tok2vec.model.window": w})(text).tensor
        for w in (256, 2)
    ]
    assert np.array_equal(rows[0], nlp(text).tensor)
    assert not np.allclose(rows[0], rows[1], atol=1e-3)


def test_pickling(tok2vec: Callable[..., Tok2Vec]) -> None:
    model = tok2vec()
    (rows,) = pickle.loads(pickle.dumps(model)).predict([nlp_en(TEXTS[0])])
    assert np.array_equal(rows, model.predict([nlp_en(TEXTS[0])])[0])


@pytest.mark.parametrize(
    ("component", "mode", "score"),
    [
        ("ner", {"components.tok2vec.model.attention": "causal"}, "ents_f"),
        ("ner", {"components.tok2vec.model.attention": "bidirectional"}, "ents_f"),
        ("ner", {"components.tok2vec.model.echo": True}, "ents_f"),
        ("spancat", {}, "spans_sc_f"),
    ],
)
def test_the_config_trains(
    component: str, mode: dict[str, Any], score: str, tiny: Callable[..., str], tmp_path: Path
) -> None:
    golds = [example.reference for example in examples(nlp_en) if example.reference]
    DocBin(docs=golds, store_user_data=True).to_disk(tmp_path / "data.spacy")
    decoder = "components.tok2vec.model"
    overrides = {
        "paths.train": str(tmp_path / "data.spacy"),
        "paths.dev": str(tmp_path / "data.spacy"),
        "nlp.pipeline": ["tok2vec", component],
        f"{decoder}.lm.name": tiny(),
        f"{decoder}.lm.dtype": "float32",
        f"{decoder}.width": 32,
        "training.optimizer.learn_rate.initial_rate": 0.01,
        "training.optimizer.learn_rate.total_steps": 40,
        "training.eval_frequency": 20,
        **mode,
    }
    train_config(CONFIG, tmp_path / "output", overrides)
    nlp = spacy.load(tmp_path / "output" / "model-best")
    assert nlp.config.interpolate()["components"]["tok2vec"]["model"]["echo"] == (
        f"{decoder}.echo" in mode
    )
    assert nlp.evaluate(list(Corpus(tmp_path / "data.spacy")(nlp)))[score] == 1.0


def test_it_is_registered() -> None:
    assert registry.architectures.get("spacy_genner.DecoderTok2Vec.v1") is build_decoder_tok2vec


SCRIPT = """
import multiprocessing, sys
import numpy, spacy, torch

TEXTS = ["The University of Edinburgh bought it in Leeds. " * times for times in (1, 6, 2, 6, 3, 6)]

if __name__ == "__main__":
    torch.set_num_threads(2)  # threads of the parent are what a fork does not survive
    multiprocessing.set_start_method(sys.argv[1])
    nlp = spacy.load(sys.argv[2])
    one, two = (list(nlp.pipe(TEXTS, batch_size=3, n_process=number)) for number in (1, 2))
    assert all(abs(a.tensor - b.tensor).max() < 1e-3 for a, b in zip(one, two, strict=True))
    assert [[e.label_ for e in doc.ents] for doc in one] == [[e.label_ for e in doc.ents] for doc in two]
    assert any(doc.ents for doc in one)
"""


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_two_processes_find_what_one_does(
    method: str, blank: Callable[..., Language], tmp_path: Path
) -> None:
    if method == "fork" and sys.platform != "linux":
        pytest.skip("a fork with threads is safe on Linux only")
    train(blank("ner")).to_disk(tmp_path / "saved")
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, str(tmp_path / "script.py"), method, str(tmp_path / "saved")]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr
