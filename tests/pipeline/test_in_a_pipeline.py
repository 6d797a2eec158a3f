"""The component among others: rules, linking, selection, storage."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.kb import InMemoryLookupKB
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from tests.pipeline.scripted import SCRIPT, TEXT, add_scripted, marked, named

RULES = [
    {"label": "RULE", "pattern": "of Edinburgh", "id": "r1"},
    {"label": "RULE", "pattern": "not", "id": "r2"},
]


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("xx")


def with_ruler(nlp: Language, first: bool, overwrite: bool) -> Doc:
    """A text with rules before or after the component; whichever comes second may overwrite or
    not."""
    add_scripted(nlp, overwrite_ents=overwrite)
    ruler = nlp.add_pipe("entity_ruler", config={"overwrite_ents": overwrite}, first=first or None)
    ruler.add_patterns(RULES)
    return nlp(TEXT)


@pytest.mark.parametrize(("first", "overwrite"), [(True, False), (False, True)])
def test_rules_win_where_they_come_first_or_overwrite(
    nlp: Language, first: bool, overwrite: bool
) -> None:
    doc = with_ruler(nlp, first, overwrite)
    assert named(doc.ents) == [
        ("of Edinburgh", "RULE"),
        ("Edinburgh", "GPE"),
        ("not", "RULE"),
        ("Leeds", "GPE"),
    ]
    assert [ent.id_ for ent in doc.ents] == ["r1", "", "r2", ""]
    assert len(doc.spans["sc"]) == 4


@pytest.mark.parametrize(("first", "overwrite"), [(False, False), (True, True)])
def test_rules_yield_where_they_come_last_or_are_overwritten(
    nlp: Language, first: bool, overwrite: bool
) -> None:
    doc = with_ruler(nlp, first, overwrite)
    org = ("University of Edinburgh", "ORG")
    assert named(doc.ents) == [org, ("Edinburgh", "GPE"), ("not", "RULE"), ("Leeds", "GPE")]
    assert [ent.id_ for ent in doc.ents] == ["", "", "r2", ""]


def test_an_entity_in_the_place_of_a_rule_is_not_that_of_the_rule(nlp: Language) -> None:
    nlp.add_pipe("entity_ruler").add_patterns(
        [{"label": "RULE", "pattern": "University", "id": "r1"}]
    )
    add_scripted(nlp, overwrite_ents=True)
    first = nlp(TEXT).ents[0]
    assert (first.label_, first.id_) == ("ORG", "")


@pytest.mark.parametrize(
    "copy", [lambda doc: doc, lambda doc: Doc(doc.vocab).from_bytes(doc.to_bytes())]
)
@pytest.mark.parametrize("default", ["missing", "outside"])
@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("ents", "entities"),
    [
        ("outermost", ["University", "Edinburgh"]),
        ("best", ["University", "Edinburgh"]),
        ("none", []),
    ],
)
def test_blocked_tokens_are_in_no_span_and_stay_blocked(
    nlp: Language,
    ents: str,
    entities: list[str],
    overwrite: bool,
    default: str,
    copy: Callable[[Doc], Doc],
) -> None:
    add_scripted(
        nlp, script=[*SCRIPT, ["University", "ORG", 0.1]], ents=ents, overwrite_ents=overwrite
    )
    doc = nlp.make_doc(TEXT)
    doc.set_ents([], blocked=[doc[2:4], doc[10:11]], default=default)  # of Edinburgh, Leeds
    doc = copy(nlp(copy(doc)))
    assert named(doc.spans["sc"]) == [("University", "ORG"), ("Edinburgh", "GPE")]
    assert [ent.text for ent in doc.ents] == entities
    assert [token.i for token in doc if token.ent_iob_ == "B" and not token.ent_type_] == [2, 3, 10]


def test_an_entity_linker_finds_the_entities(nlp: Language) -> None:
    def knowledge(vocab: Vocab) -> InMemoryLookupKB:
        base = InMemoryLookupKB(vocab, entity_vector_length=1)
        base.add_entity("Q39121", freq=1, entity_vector=[1.0])
        base.add_alias("Leeds", ["Q39121"], [1.0])
        return base

    nlp.add_pipe("sentencizer")
    add_scripted(nlp)
    nlp.add_pipe("entity_linker", config={"incl_context": False}).set_kb(knowledge)
    doc = nlp(TEXT)
    assert [(ent.text, ent.kb_id_) for ent in doc.ents] == [
        ("University of Edinburgh", "NIL"),
        ("Edinburgh", "NIL"),
        ("Leeds", "Q39121"),
    ]


def test_it_can_be_disabled_selected_and_removed(nlp: Language) -> None:
    add_scripted(nlp)
    with nlp.select_pipes(disable="generative_ner"):
        assert not nlp(TEXT).spans
    nlp.disable_pipe("generative_ner")
    assert not nlp(TEXT).spans
    nlp.enable_pipe("generative_ner")
    assert len(nlp(TEXT).spans["sc"]) == 4
    assert not next(nlp.pipe([TEXT], disable=["generative_ner"])).spans
    nlp.remove_pipe("generative_ner")
    assert not nlp(TEXT).spans


def test_spans_and_scores_survive_a_doc_bin(nlp: Language) -> None:
    add_scripted(nlp)
    docs = list(nlp.pipe([TEXT, "", "none"]))
    data = DocBin(docs=docs, store_user_data=True).to_bytes()
    read = list(DocBin().from_bytes(data).get_docs(Vocab()))
    assert [marked(doc) for doc in read] == [marked(doc) for doc in docs]
    assert [named(doc.ents) for doc in read] == [named(doc.ents) for doc in docs]
    assert all(doc.spans["sc"].attrs["scores"].dtype == np.float32 for doc in read)


@pytest.mark.parametrize(
    "copy", [lambda doc: Doc(doc.vocab).from_bytes(doc.to_bytes()), Doc.copy], ids=["bytes", "copy"]
)
def test_spans_and_scores_survive_a_copy(nlp: Language, copy: Callable[[Doc], Doc]) -> None:
    add_scripted(nlp)
    doc = nlp(TEXT)
    assert marked(copy(doc)) == marked(doc)


def test_two_pipes_write_under_two_keys(nlp: Language) -> None:
    add_scripted(nlp, "one", [["University of Edinburgh", "ORG", 1.0]], spans_key="one")
    add_scripted(nlp, "two", [["Edinburgh", "GPE", 0.5]], spans_key="two")
    doc = nlp(TEXT)
    assert named(doc.spans["one"]) == [("University of Edinburgh", "ORG")]
    assert named(doc.spans["two"]) == [("Edinburgh", "GPE"), ("Edinburgh", "GPE")]
    assert named(doc.ents) == [("University of Edinburgh", "ORG"), ("Edinburgh", "GPE")]


def test_two_pipes_on_one_base_share_its_weights(
    nlp: Language, add_tiny: Callable[..., Any]
) -> None:
    one, two = (add_tiny(nlp, name, spans_key=name, labels=[name]) for name in ("one", "two"))
    doc = nlp(TEXT)
    assert {label for _, _, label, _ in marked(doc, "one")} == {"one"}
    assert {label for _, _, label, _ in marked(doc, "two")} == {"two"}
    weights = [
        dict(component.model.shims[0].lm.model.named_parameters()) for component in (one, two)
    ]
    for name in weights[0]:
        shared = weights[0][name].data_ptr() == weights[1][name].data_ptr()
        assert shared == ("lora_" not in name), name


def test_a_component_can_be_sourced_from_another_pipeline(
    nlp: Language, add_tiny: Callable[..., Any]
) -> None:
    add_tiny(nlp, labels={"MyLabel": "a definition"}, spans_key="mine", threshold=0.3)
    other = spacy.blank("xx")
    other.add_pipe("generative_ner", source=nlp, name="theirs")
    assert other.get_pipe("theirs").label_data == {"MyLabel": "a definition"}
    assert marked(other(TEXT), "mine") == marked(nlp(TEXT), "mine") != []


def test_the_example_of_the_documentation(nlp: Language, add_tiny: Callable[..., Any]) -> None:
    add_tiny(nlp, labels={"ORG": "a company or institution", "GPE": "a country, city or state"})
    doc = nlp("The University of Edinburgh bought it.")
    group = doc.spans["sc"]
    pairs = list(zip(group, group.attrs["scores"], strict=True))
    assert pairs and all(0 <= score <= 1 for _, score in pairs)
    assert doc.ents and {ent.label_ for ent in doc.ents} <= {"ORG", "GPE"}


@pytest.mark.parametrize("language", ["xx", "zh", "ar", "de"])
def test_any_language_of_spacy_will_do(language: str, add_tiny: Callable[..., Any]) -> None:
    nlp = spacy.blank(language)
    add_tiny(nlp)
    doc = nlp("東京大学 القاهرة naïve Straße")
    assert all(0 <= start < end <= len(doc) for start, end, _, _ in marked(doc))
