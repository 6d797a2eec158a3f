"""A pipeline whose model has its own system prompt, chat arguments, words for labels, or answers
that do not say the label: in the config, in training, and saved."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli.init_config import fill_config
from spacy.language import Language
from spacy.util import fix_random_seed, load_config, load_model_from_config

from tests.pipeline.scripted import marked, named
from tests.pipeline.test_as_spacy import ALIKE, examples

NAME = "generative_ner"
WORDS = {"place": "LOC", "two places": "DOUBLE_LOC", "human": "PERSON", "man": "PERSON"}
SYSTEM = 'You "find":\n{% for label in labels %}{{ label }} = 100 %{% endfor %}\n'
BASE = """\
[nlp]
lang = "xx"
pipeline = ["generative_ner"]

[components]

[components.generative_ner]
factory = "generative_ner"

[components.generative_ner.model]
@architectures = "spacy_genner.GenerativeNER.v1"

[components.generative_ner.model.label_words]
person = "PER"
natural person = "PER"
company (or firm) = "ORG"
1 = "1"

[components.generative_ner.model.prompt]
@misc = "spacy_genner.Instruction.v1"
chat = true
system = "Find: {{ labels }}\\n"

[components.generative_ner.model.prompt.chat_arguments]
enable_thinking = false
reasoning_effort = "low"
"""


def test_fill_config_keeps_what_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "base.cfg").write_text(BASE)
    fill_config(tmp_path / "config.cfg", tmp_path / "base.cfg", silent=True)
    filled = load_config(tmp_path / "config.cfg")
    model = filled["components"][NAME]["model"]
    words = {"person": "PER", "natural person": "PER", "company (or firm)": "ORG", "1": "1"}
    assert model["label_words"] == words
    assert model["prompt"]["system"] == "Find: {{ labels }}\n"
    arguments = {"enable_thinking": False, "reasoning_effort": "low"}
    assert model["prompt"]["chat_arguments"] == arguments
    attrs = load_model_from_config(filled).get_pipe(NAME).model.attrs
    assert attrs["label_words"] == words
    assert attrs["prompt"].chat_arguments == arguments


def test_a_filled_config_can_be_filled_further(tmp_path: Path) -> None:
    """Where it says null, a value may be written in one line."""
    head, _ = BASE.split("[components.generative_ner.model]")
    (tmp_path / "base.cfg").write_text(head)
    fill_config(tmp_path / "filled.cfg", tmp_path / "base.cfg", silent=True)
    text = (tmp_path / "filled.cfg").read_text()
    for empty, given in (
        ("label_words = null", 'label_words = {"company": "ORG"}'),
        ("chat_arguments = null", 'chat_arguments = {"enable_thinking": false}'),
        ("chat = false", "chat = true"),
    ):
        assert f"\n{empty}\n" in text
        text = text.replace(f"\n{empty}\n", f"\n{given}\n")
    (tmp_path / "base.cfg").write_text(text)
    fill_config(tmp_path / "config.cfg", tmp_path / "base.cfg", silent=True)
    nlp = load_model_from_config(load_config(tmp_path / "config.cfg"))
    attrs = nlp.get_pipe(NAME).model.attrs
    assert attrs["label_words"] == {"company": "ORG"}
    assert attrs["prompt"].chat_arguments == {"enable_thinking": False}


def test_the_settings_survive_saving(add_tiny: Callable[..., Any], tmp_path: Path) -> None:
    nlp = spacy.blank("xx")
    prompt = {
        "@misc": "spacy_genner.Instruction.v1",
        "chat": True,
        "system": SYSTEM,
        "chat_arguments": {"enable_thinking": False, "documents": ["a", {"b": None}]},
    }
    pipe = add_tiny(nlp, model={"label_words": WORDS, "prompt": prompt})
    pipe.model.shims[0].reset()  # load the language model; its tokenizer has no chat template
    nlp.to_disk(tmp_path / "saved")
    loaded = spacy.load(tmp_path / "saved").get_pipe(NAME).model.attrs
    assert loaded["label_words"] == WORDS
    assert loaded["prompt"] == pipe.model.attrs["prompt"]
    assert loaded["prompt"].system == SYSTEM
    nlp.config.to_disk(tmp_path / "config.cfg")
    again = load_model_from_config(load_config(tmp_path / "config.cfg"))
    assert again.get_pipe(NAME).model.attrs["prompt"] == loaded["prompt"]
    assert again.get_pipe(NAME).model.attrs["label_words"] == WORDS


@pytest.mark.parametrize("word", ["per:son", "a=b", "[x]", "#x", ";x", " y"])
def test_words_that_a_config_cannot_hold_are_refused(
    add_tiny: Callable[..., Any], word: str
) -> None:
    with pytest.raises(ValueError, match=r"would read this back as something else.* itself as a "):
        add_tiny(spacy.blank("xx"), model={"label_words": {"x": "X", word: "Y"}})


@pytest.mark.parametrize("word", ["per:son", "a=b"])
def test_a_config_file_that_cuts_a_word_short_is_refused(word: str, tmp_path: Path) -> None:
    (tmp_path / "config.cfg").write_text(BASE.replace("natural person", word))
    with pytest.raises(ValueError, match="it holds no word that contains : or ="):
        load_model_from_config(load_config(tmp_path / "config.cfg"), auto_fill=True)


FORMAT = {"@misc": "spacy_genner.InlineBracketed.v1"}
SINGLY = {**FORMAT, "opening": "@@", "closing": "##", "names_labels": False}


@pytest.fixture(params=[FORMAT, SINGLY], ids=["all labels", "one label at a time"])
def trained(request: pytest.FixtureRequest, add_tiny: Callable[..., Any]) -> Language:
    """A pipeline that knows its training data by heart, by the words of the model."""
    fix_random_seed(0)
    nlp = spacy.blank("xx")
    add_tiny(nlp, labels=None, model={"label_words": WORDS, "format": request.param})
    optimizer = nlp.initialize(lambda: examples(nlp))
    optimizer.learn_rate = 0.01
    for _ in range(50):
        losses = nlp.update(examples(nlp), sgd=optimizer)
    assert losses[NAME] < 0.1
    return nlp


def test_documents_have_labels_and_no_words(trained: Language, tmp_path: Path) -> None:
    pipe = trained.get_pipe(NAME)
    assert pipe.labels == ("DOUBLE_LOC", "LOC", "PERSON")
    docs = list(trained.pipe(ALIKE))
    found = [marked(doc) for doc in docs]
    assert [span[:3] for span in found[0]] == [(2, 3, "LOC"), (2, 5, "DOUBLE_LOC"), (4, 5, "LOC")]
    assert named(docs[2].ents) == [("Shaka Khan", "PERSON")]
    assert "man" not in trained.vocab.strings
    scores = trained.evaluate(examples(trained))
    assert scores["spans_sc_f"] == scores["spans_sc_nested_f"] == 1.0
    trained.to_disk(tmp_path)
    assert [marked(doc) for doc in spacy.load(tmp_path).pipe(ALIKE)] == found


def test_a_draft_head_changes_no_result(trained: Language) -> None:
    expected = [marked(doc) for doc in trained.pipe(ALIKE)]
    trained.get_pipe(NAME).train_drafts(examples(trained))
    found = [marked(doc) for doc in trained.pipe(ALIKE)]
    assert [[span[:3] for span in row] for row in found] == [
        [span[:3] for span in row] for row in expected
    ]


def test_rehearsal_is_by_the_labels(trained: Language) -> None:
    optimizer = trained.resume_training()
    losses = trained.rehearse(examples(trained), sgd=optimizer)
    assert 0 < losses[NAME] < 0.5


def test_a_word_for_a_label_that_is_not_asked_for(add_tiny: Callable[..., Any]) -> None:
    with pytest.warns(UserWarning, match="label_words has words for ORGG, which `labels` does not"):
        add_tiny(spacy.blank("en"), model={"label_words": {"company": "ORGG", "place": "GPE"}})
