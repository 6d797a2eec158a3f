import zlib
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

from spacy_genner.cli._pipelines import load, plain_errors
from spacy_genner.corpora.spacy_files import read_corpus
from spacy_genner.evaluation.spans import characters, layer, read_own_spans, read_spans
from spacy_genner.pipeline.docs import own_labels
from spacy_genner.types import Entity


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("en")


@pytest.fixture
def doc(nlp: Language) -> Doc:
    """Spans in doc.spans["sc"] out of order and one of them twice; another in doc.ents."""
    doc = nlp("The University of Edinburgh")
    doc.spans["sc"] = [
        Span(doc, *span) for span in ((3, 4, "GPE"), (0, 4, "ORG"), (0, 1, "X"), (3, 4, "GPE"))
    ]
    doc.ents = [Span(doc, 1, 2, "FAC")]
    return doc


def shown(found: list[tuple[Span, float | None]]) -> list[tuple[str, str, float | None]]:
    return [(span.text, span.label_, score) for span, score in found]


def test_spans_come_in_text_order_outer_ones_first_each_once(doc: Doc) -> None:
    texts = [
        ("The University of Edinburgh", "ORG", None),
        ("The", "X", None),
        ("Edinburgh", "GPE", None),
    ]
    assert shown(read_spans(doc, "spans", "sc")) == texts


def test_scores_stay_with_their_spans(doc: Doc) -> None:
    doc.spans["sc"].attrs["scores"] = np.array([0.25, 0.5, 0.75, 0.25], dtype="f")
    assert [(label, score) for _, label, score in shown(read_spans(doc, "spans", "sc"))] == [
        ("ORG", 0.5),
        ("X", 0.75),
        ("GPE", 0.25),
    ]


def test_scores_that_do_not_fit_are_left_out_with_a_warning(doc: Doc) -> None:
    doc.spans["sc"].attrs["scores"] = np.array([0.5])
    with pytest.warns(UserWarning, match="4 spans but 1 scores"):
        assert {score for *_, score in shown(read_spans(doc, "spans", "sc"))} == {None}


def test_ents_have_no_scores(doc: Doc) -> None:
    assert shown(read_spans(doc, "ents", "sc")) == [("University", "FAC", None)]


def test_a_document_without_the_group_has_no_spans(doc: Doc) -> None:
    assert read_spans(doc, "spans", "other") == []


def test_own_spans_are_the_group_if_there_is_one_even_if_empty(doc: Doc) -> None:
    assert len(read_own_spans(doc, "sc")) == 3
    assert shown(read_own_spans(doc, "other")) == [("University", "FAC", None)]
    doc.spans["other"] = []
    assert read_own_spans(doc, "other") == []


def test_one_document_with_the_group_decides_the_layer(nlp: Language, doc: Doc) -> None:
    assert layer([nlp("a"), doc], "sc") == "spans"
    assert layer([nlp("a"), doc], "other") == "ents"


def test_characters_do_not_depend_on_tokens(doc: Doc) -> None:
    assert characters(read_spans(doc, "ents", "sc")) == {Entity(4, 14, "FAC")}


def test_a_corpus_is_read_with_its_own_tokens_only_if_its_spaces_are_unknown(
    nlp: Language, tmp_path: Path
) -> None:
    words = ["don't", "stop"]
    docs = [Doc(nlp.vocab, words=words, spaces=[True, False]), Doc(nlp.vocab, words=words)]
    DocBin(docs=docs).to_disk(tmp_path / "a.spacy")
    known, unknown = read_corpus(tmp_path / "a.spacy", nlp)
    assert [token.text for token in known.predicted] == ["do", "n't", "stop"]
    assert [token.text for token in unknown.predicted] == words
    assert len(read_corpus(tmp_path, nlp, limit=1)) == 1


def test_documents_are_asked_for_what_they_were_annotated_with(
    nlp: Language, tmp_path: Path
) -> None:
    docs = [nlp("one"), nlp("two")]
    docs[1]._.genner_labels = ["ORG"]
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "a.spacy")
    assert [
        own_labels(example.predicted) for example in read_corpus(tmp_path / "a.spacy", nlp)
    ] == [None, {"ORG": ""}]


@pytest.mark.parametrize("content", [b"", b"hello", zlib.compress(b"abc"), zlib.compress(b"\x80")])
def test_a_file_that_is_no_spacy_file_is_named(
    content: bytes, nlp: Language, tmp_path: Path
) -> None:
    (tmp_path / "a.spacy").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.spacy: cannot be read as \.spacy data"):
        read_corpus(tmp_path / "a.spacy", nlp)


def test_a_corpus_without_tokens_is_an_error(nlp: Language, tmp_path: Path) -> None:
    DocBin(docs=[nlp(""), nlp("")]).to_disk(tmp_path / "a.spacy")
    with pytest.raises(ValueError, match="no document with a token"):
        read_corpus(tmp_path / "a.spacy", nlp)


def test_a_tokenizer_that_changes_the_text_is_an_error(nlp: Language, tmp_path: Path) -> None:
    DocBin(docs=[nlp("fine"), nlp("a  b")]).to_disk(tmp_path / "a.spacy")
    nlp.tokenizer = lambda text: Doc(
        nlp.vocab, words=text.split(), spaces=[False] * len(text.split())
    )
    with pytest.raises(
        ValueError, match=r"document 2: the pipeline's tokenizer changes 'a  b' to 'ab'"
    ):
        read_corpus(tmp_path / "a.spacy", nlp)


def test_a_pipeline_is_loaded_from_its_folder(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "model")
    assert load(str(tmp_path / "model")).lang == "en"


def test_a_missing_pipeline_ends_with_its_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as stop:
        load(str(tmp_path / "nope"))
    assert stop.value.code == 1 and "nope" in "".join(capsys.readouterr())


def test_only_errors_that_the_user_can_mend_are_plain() -> None:
    with pytest.raises(SystemExit), plain_errors():
        raise ValueError("mend it")
    with pytest.raises(ZeroDivisionError), plain_errors():
        _ = 1 / 0
