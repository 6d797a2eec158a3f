from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from spacy_genner.labels.label_set import as_labels


def test_names_and_definitions_in_their_order() -> None:
    definitions = {"ORG": "a company", "GPE": "", "größe | x": "a size"}
    assert list(as_labels(definitions).items()) == list(definitions.items())
    assert as_labels(MappingProxyType(definitions)) == definitions


@pytest.mark.parametrize(
    "names", [["B", "A"], ("B", "A"), iter(["B", "A"]), {"B": 1, "A": 2}.keys()]
)
def test_a_list_of_names_has_no_definitions(names: Any) -> None:
    assert list(as_labels(names).items()) == [("B", ""), ("A", "")]


@pytest.mark.parametrize("labels", [None, [], {}, ()])
def test_nothing(labels: Any) -> None:
    assert as_labels(labels) == {}


def test_a_name_that_comes_twice_is_one_label() -> None:
    assert list(as_labels(["B", "A", "B"])) == ["B", "A"]


def test_the_result_is_a_copy() -> None:
    given = {"A": ""}
    as_labels(given)["B"] = ""
    assert given == {"A": ""}


@pytest.mark.parametrize(
    "names", [["ORG", "ORG "], ["\tORG", "GPE", "ORG"], {"a b": "", "a b\u3000": ""}]
)
def test_names_that_differ_only_at_their_edges_are_refused(names: Any) -> None:
    first, *_, last = names
    with pytest.raises(ValueError) as raised:
        as_labels(names)
    assert str(raised.value).startswith(
        f"the labels {first!r} and {last!r} differ only in white space at their edges"
    )


def test_white_space_inside_a_name_or_at_the_edges_of_one_alone_is_its_own() -> None:
    assert list(as_labels(["a b", "ab", " c ", "a  b"])) == ["a b", "ab", " c ", "a  b"]


@pytest.mark.parametrize(
    "labels", [["OR\ud800G"], {"ORG": "a \udfff company"}, ["ORG", "\ud83d\ude00"]]
)
def test_texts_that_cannot_be_encoded_are_refused(labels: Any) -> None:
    with pytest.raises(
        ValueError, match=r"label '.*' with the definition '.*': '\\u.*' is half of a character"
    ):
        as_labels(labels)


def test_one_string_is_not_a_list_of_letters() -> None:
    with pytest.raises(TypeError, match="'ORG' is one string: give a list"):
        as_labels("ORG")


@pytest.mark.parametrize("name", ["", " ", "\n\t", "\u3000"])
def test_an_empty_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is empty: give every label a name"):
        as_labels(["ORG", name])
    with pytest.raises(ValueError, match="is empty"):
        as_labels({name: "something"})


@pytest.mark.parametrize(
    "labels", [[1], [None], [["ORG"]], {1: "x"}, {"ORG": None}, {"ORG": 5}, {"ORG": ["x"]}]
)
def test_names_and_definitions_must_be_strings(labels: Any) -> None:
    with pytest.raises(TypeError, match=r"label .* must be strings"):
        as_labels(labels)
