"""Pipelines of rules, and gold documents on which they are half right."""

from __future__ import annotations

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

PATTERNS = [
    {"label": "ORG", "pattern": "University of Edinburgh"},
    {"label": "GPE", "pattern": "Edinburgh"},
    {"label": "GPE", "pattern": "Lothian"},
]
GOLD = {
    "The University of Edinburgh is old.": [
        ("University of Edinburgh", "ORG"),
        ("Edinburgh", "GPE"),
    ],
    "Lothian is near Leith.": [("Lothian", "ORG"), ("Leith", "GPE")],
    "Nothing here.": [],
}


def pipeline(ruler: str) -> Language:
    nlp = spacy.blank("en")
    config = {"spans_key": "sc", "annotate_ents": False} if ruler == "span_ruler" else {}
    nlp.add_pipe(ruler, config=config).add_patterns(PATTERNS)
    return nlp


def gold_docs(key: str | None = "sc") -> list[Doc]:
    """The gold documents with their spans under a key, or the outer ones in doc.ents."""
    nlp, docs = spacy.blank("en"), []
    for text, marks in GOLD.items():
        doc = nlp(text)
        at = [(text.index(words), text.index(words) + len(words), label) for words, label in marks]
        spans = [doc.char_span(start, end, label=label) for start, end, label in at]
        if key:
            doc.spans[key] = spans
        else:
            doc.ents = spacy.util.filter_spans(spans)
        docs.append(doc)
    return docs


def examples(nlp: Language, key: str | None = "sc") -> list[Example]:
    return [Example(nlp.make_doc(doc.text), doc) for doc in gold_docs(key)]
