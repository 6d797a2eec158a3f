"""Examples in the prompt: where they come from, and that they go with the pipeline."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from thinc.api import Config

from spacy_genner.models.generative import speller_of
from tests.pipeline.scripted import add_scripted

TEXTS = {
    "Acme is in Leeds": [(0, 4, "ORG"), (11, 16, "GPE")],
    "Leeds beat Hull": [(0, 5, "GPE"), (11, 15, "GPE")],
    "nothing to see": [],
    "Ann left Acme": [(0, 3, "PER"), (9, 13, "ORG")],
}
ANSWERS = [
    "[Acme | ORG] is in [Leeds | GPE]",
    "[Leeds | GPE] beat [Hull | GPE]",
    "nothing to see",
    "Ann left [Acme | ORG]",
]


def annotated(nlp: Language, text: str) -> Doc:
    doc = nlp.make_doc(text)
    doc.ents = [doc.char_span(*span) for span in TEXTS[text]]
    return doc


def examples(nlp: Language) -> list[Example]:
    return [Example(nlp.make_doc(text), annotated(nlp, text)) for text in TEXTS]


def showing(count: int = 9, nearest: bool = False) -> dict[str, Any]:
    return {
        "prompt": {
            "shots": {"@misc": "spacy_genner.FewShot.v1", "count": count, "nearest": nearest}
        }
    }


def shown(nlp: Language, text: str = "Tim is in York") -> list[str]:
    """The answers in the prompt of a text."""
    component: Any = nlp.get_pipe("generative_ner")
    [(read, _)] = component.predict([nlp.make_doc(text)])
    job = speller_of(component.model).job(read.source)
    prompt = component.model.shims[0].lm.base.tokenizer.decode([*job.prefix, *job.body])
    return [part.split("\n")[0].strip() for part in prompt.split("Answer:\n")[1:-1]]


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("xx")


def test_from_documents(nlp: Language, add_tiny: Callable[..., Any]) -> None:
    component = add_tiny(nlp, model=showing())
    component.set_shots(annotated(nlp, text) for text in TEXTS)
    assert shown(nlp) == ANSWERS
    component.set_labels(["PER"])
    assert shown(nlp)[3] == "[Ann | PER] left Acme"


def test_from_the_training_data(nlp: Language, add_tiny: Callable[..., Any]) -> None:
    add_tiny(nlp, model=showing(2))
    nlp.initialize(lambda: examples(nlp))
    assert shown(nlp) == ANSWERS[:2]


def test_those_that_were_given_stay_when_training_starts(
    nlp: Language, add_tiny: Callable[..., Any]
) -> None:
    add_tiny(nlp, model=showing()).set_shots([annotated(nlp, "Ann left Acme")])
    nlp.initialize(lambda: examples(nlp))
    assert shown(nlp) == ANSWERS[3:]


def test_from_a_file_at_initialization(
    nlp: Language, add_tiny: Callable[..., Any], tmp_path: Path
) -> None:
    DocBin(docs=[annotated(nlp, "Leeds beat Hull")]).to_disk(tmp_path / "shots.spacy")
    add_tiny(nlp, model=showing())
    nlp.config["initialize"]["components"] = {
        "generative_ner": {"shots": str(tmp_path / "shots.spacy")}
    }
    nlp.initialize(lambda: examples(nlp))
    assert shown(nlp) == ANSWERS[1:2]


def test_a_saved_pipeline_needs_no_file(
    nlp: Language, add_tiny: Callable[..., Any], tmp_path: Path
) -> None:
    DocBin(docs=[annotated(nlp, text) for text in TEXTS]).to_disk(tmp_path / "shots.spacy")
    component = add_tiny(nlp, model=showing(2, nearest=True))
    component.initialize(lambda: examples(nlp), shots=tmp_path / "shots.spacy")
    before = shown(nlp)
    nlp.to_disk(tmp_path / "saved")
    (tmp_path / "shots.spacy").unlink()
    assert shown(spacy.load(tmp_path / "saved")) == before
    other = spacy.blank("xx")
    add_tiny(other, model=showing(2, nearest=True))
    assert shown(other.from_bytes(nlp.to_bytes())) == before
    again = spacy.load(
        tmp_path / "saved", config={"components.generative_ner.model.prompt.shots": None}
    )
    assert shown(again) == []


def test_the_nearest_in_training_are_other_texts(
    nlp: Language, add_tiny: Callable[..., Any]
) -> None:
    component = add_tiny(nlp, model=showing(2, nearest=True))
    optimizer = nlp.initialize(lambda: examples(nlp))
    for text, answer in zip(TEXTS, ANSWERS, strict=True):
        assert len(shown(nlp, text)) == 2
        assert answer not in shown(nlp, text)
    losses = component.update(examples(nlp), sgd=optimizer)
    assert losses["generative_ner"] > 0


def test_a_text_with_other_tokens_is_the_same_text(
    nlp: Language, add_tiny: Callable[..., Any]
) -> None:
    component = add_tiny(nlp, model=showing(2, nearest=True))
    split = Doc(nlp.vocab, words=["Leeds", "beat", "Hu", "ll"], spaces=[True, True, False, False])
    split.ents = [Span(split, 0, 1, "GPE"), Span(split, 2, 4, "GPE")]
    component.set_shots([split, *(annotated(nlp, text) for text in TEXTS)])
    assert ANSWERS[1] in shown(nlp, "Leeds beat York")
    assert ANSWERS[1] not in shown(nlp, "Leeds beat Hull")


def test_long_documents_are_shown_in_windows(nlp: Language, add_tiny: Callable[..., Any]) -> None:
    component = add_tiny(nlp, model=showing(), window=2)
    doc = nlp.make_doc("Acme Ltd is in Leeds")
    doc.spans["sc"] = [
        doc.char_span(0, 8, "ORG"),
        doc.char_span(12, 20, "GPE"),
        doc.char_span(15, 20, "GPE"),
    ]
    with pytest.warns(
        UserWarning, match=r"spans of the examples that are not shown: 1 across windows$"
    ):
        component.set_shots([doc])
    assert shown(nlp) == ["[Acme Ltd | ORG]", "is in", "[Leeds | GPE]"]


@pytest.mark.parametrize("given", ["docs", "data"])
def test_what_is_not_in_the_label_set_is_counted(
    nlp: Language, add_tiny: Callable[..., Any], given: str
) -> None:
    component = add_tiny(nlp, labels=["GPE"], model=showing(2))
    with pytest.warns(
        UserWarning, match=r"spans of the examples that are not shown: 1 with an unknown label$"
    ):
        if given == "docs":
            component.set_shots(annotated(nlp, text) for text in TEXTS)  # of the four two are shown
        else:
            nlp.initialize(lambda: examples(nlp))


def test_without_a_label_set_none_is_unknown(
    nlp: Language, add_tiny: Callable[..., Any], recwarn: pytest.WarningsRecorder
) -> None:
    add_tiny(nlp, labels=None, model=showing(2)).set_shots(annotated(nlp, text) for text in TEXTS)
    assert not [warning for warning in recwarn if "unknown label" in str(warning.message)]


def test_documents_without_annotation_are_no_examples(
    nlp: Language, add_tiny: Callable[..., Any]
) -> None:
    component = add_tiny(nlp, model=showing())
    component.set_shots([nlp.make_doc("Acme")])
    with pytest.raises(ValueError, match="the prompt shows examples, but there are none"):
        component.predict([nlp.make_doc("Acme")])


def test_no_examples_yet(nlp: Language, add_tiny: Callable[..., Any]) -> None:
    add_tiny(nlp, model=showing())
    with pytest.raises(
        ValueError, match=r"give annotated documents to the component's `set_shots`"
    ):
        nlp("Acme")


def test_a_prompt_without_a_place_for_them(nlp: Language, tmp_path: Path) -> None:
    component = add_scripted(nlp)
    with pytest.raises(
        ValueError, match=r"generative_ner\] the prompt shows no examples: set `shots`"
    ):
        component.set_shots([annotated(nlp, "Acme is in Leeds")])
    DocBin(docs=[]).to_disk(tmp_path / "shots.spacy")
    with pytest.raises(ValueError, match="the prompt shows no examples"):
        component.initialize(lambda: examples(nlp), shots=tmp_path / "shots.spacy")


def test_too_few_to_choose_among(nlp: Language, add_tiny: Callable[..., Any]) -> None:
    component = add_tiny(nlp, model=showing(4, nearest=True))
    with pytest.raises(ValueError, match="count = 4 needs more than 4 different examples"):
        component.set_shots(annotated(nlp, text) for text in TEXTS)
    assert "shots" not in component.cfg


def test_broken_examples_in_a_saved_pipeline(
    nlp: Language, add_tiny: Callable[..., Any], tmp_path: Path
) -> None:
    add_tiny(nlp, model=showing()).set_shots([annotated(nlp, "Ann left Acme")])
    nlp.to_disk(tmp_path)
    cfg = json.loads((tmp_path / "generative_ner" / "cfg").read_text())
    cfg["shots"][0]["spaces"].pop()
    (tmp_path / "generative_ner" / "cfg").write_text(json.dumps(cfg))
    with pytest.raises(ValueError, match=r"cfg cannot be read \(a Source has 3 words but 2 spaces"):
        spacy.load(tmp_path)


def test_the_config_of_a_pipeline_with_shots(nlp: Language, add_tiny: Callable[..., Any]) -> None:
    add_tiny(nlp, model=showing(3, nearest=True))
    config = Config().from_str(nlp.config.to_str())
    assert (
        config["components"]["generative_ner"]["model"]["prompt"]["shots"]
        == showing(3, nearest=True)["prompt"]["shots"]
    )
