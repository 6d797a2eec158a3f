from formats import FORMATS, spelled

from tests.formats.table import TYPES


def test_every_registered_format_is_measured() -> None:
    assert sorted(FORMATS.values()) == sorted(each.__name__ for each in TYPES)


def test_names_are_spelled_as_in_the_results() -> None:
    """Cells that are measured already are found by these names."""
    names = ("InlineBracketed", "InlineXML", "BIO", "TypedList", "OffsetJSON")
    spelled_names = ["inline bracketed", "inline XML", "BIO", "typed list", "offset JSON"]
    assert [spelled(name) for name in names] == spelled_names
