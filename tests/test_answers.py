"""Accounts of repairs."""

from dataclasses import fields

from spacy_genner.answers import Repairs


def test_accounts_add_up_field_by_field() -> None:
    names = [field.name for field in fields(Repairs)]
    first = Repairs(**{name: i for i, name in enumerate(names)})
    total = sum([first, first, Repairs(missing=100)], Repairs())
    assert [getattr(total, name) for name in names] == [
        2 * i + 100 * (name == "missing") for i, name in enumerate(names)
    ]


def test_nothing_repaired_is_the_empty_account() -> None:
    assert sum([Repairs(), Repairs()], Repairs()) == Repairs() != Repairs(unread=1)
