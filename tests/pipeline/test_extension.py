"""The label sets of documents, and extensions of others with the same name."""

import runpy
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from spacy_genner.pipeline import extension
from spacy_genner.pipeline.docs import own_labels
from tests.pipeline.scripted import TEXT, add_scripted, named

OLD = ("._.", "ner_labels", None, None)
THEIRS: list[dict[str, Any]] = [
    {"default": ["THEIRS"]},
    {"getter": lambda doc: ["THEIRS"]},
    {"default": None},
]


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("xx")


@pytest.fixture
def extensions() -> Iterator[None]:
    """Those that are registered are as before afterwards."""
    ours = Doc.get_extension("genner_labels")
    yield
    for name in ("genner_labels", "ner_labels"):
        if Doc.has_extension(name):
            Doc.remove_extension(name)
    _, _, getter, setter = ours
    Doc.set_extension("genner_labels", getter=getter, setter=setter)


@pytest.mark.usefixtures("extensions")
@pytest.mark.parametrize("theirs", THEIRS)
def test_an_extension_of_others_with_our_name_is_left_alone(
    nlp: Language, theirs: dict[str, Any]
) -> None:
    Doc.set_extension("genner_labels", force=True, **theirs)
    registered = Doc.get_extension("genner_labels")
    with pytest.warns(
        UserWarning,
        match=r"doc\._\.genner_labels is an extension of another package: it stays as it is",
    ):
        runpy.run_path(extension.__file__)  # as the first import does
    assert Doc.get_extension("genner_labels") == registered
    component = add_scripted(nlp)
    doc = nlp.make_doc("Leeds")
    if theirs == {"default": None}:
        doc._.genner_labels = ["THEIRS"]
    assert named(nlp(doc).spans["sc"]) == [("Leeds", "GPE")]
    doc.user_data["genner_labels"] = ["OURS"]
    component(doc)
    assert [labels for [(_, labels)] in component.model.attrs["batches"]] == [
        {"GPE": "", "ORG": ""},
        {"OURS": ""},
    ]


@pytest.mark.usefixtures("extensions")
@pytest.mark.parametrize("theirs", THEIRS)
def test_an_extension_of_others_with_the_former_name_is_not_read(
    nlp: Language, theirs: dict[str, Any]
) -> None:
    Doc.set_extension("ner_labels", **theirs)
    component = add_scripted(nlp)
    doc = nlp.make_doc(TEXT)
    doc.user_data[OLD] = ["THEIRS"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert doc._.genner_labels is None
        component(doc)
    assert {span.label_ for span in doc.spans["sc"]} == {"GPE", "ORG"}


def test_files_of_the_version_before_are_read_with_a_warning(nlp: Language) -> None:
    doc = nlp.make_doc("Leeds")
    doc.user_data[OLD] = {"SHIP": "it swims"}
    saved = DocBin(docs=[doc], store_user_data=True).to_bytes()
    [loaded] = DocBin().from_bytes(saved).get_docs(Vocab())
    with pytest.warns(
        FutureWarning,
        match=r"in doc\._\.ner_labels, .*: set doc\._\.genner_labels instead, and save",
    ):
        assert own_labels(loaded) == {"SHIP": "it swims"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded._.genner_labels = None
        assert own_labels(loaded) is None
        loaded._.genner_labels = ["GPE"]
        assert own_labels(loaded) == {"GPE": ""}
