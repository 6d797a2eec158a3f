import zlib
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin

from spacy_genner.corpora.spacy_files import read_corpus
from spacy_genner.pipeline.docs import own_labels


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("en")


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
