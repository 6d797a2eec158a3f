"""The label set of a document, `doc._.genner_labels`.

It is a list of names, or a dict of names and definitions; None means the labels of the component.
It is stored in `doc.user_data["genner_labels"]`, and saved with that.
"""

from __future__ import annotations

import warnings
from typing import Any

from spacy.tokens import Doc

LABELS = "genner_labels"
_OLD = "ner_labels"  # the name up to version 0.1


def get_doc_labels(doc: Doc) -> Any:
    """Return what was set as the label set of a document, unchecked; None if nothing was."""
    data: dict[Any, Any] = doc.user_data
    if LABELS in data or Doc.has_extension(_OLD):
        return data.get(LABELS)
    given = data.get(("._.", _OLD, None, None))
    if given is not None:
        warnings.warn(
            f"a document has its label set in doc._.{_OLD}, which the next version will not read: "
            f"set doc._.{LABELS} instead, and save the document again",
            FutureWarning,
            stacklevel=2,
        )
    return given


def set_doc_labels(doc: Doc, labels: Any) -> None:
    """Give a document a label set of its own."""
    doc.user_data[LABELS] = labels


if Doc.has_extension(LABELS):
    warnings.warn(
        f"doc._.{LABELS} is an extension of another package: it stays as it is, and is not read. "
        f"Give a document its label set as doc.user_data[{LABELS!r}] instead",
        stacklevel=2,
    )
else:
    Doc.set_extension(LABELS, getter=get_doc_labels, setter=set_doc_labels)
