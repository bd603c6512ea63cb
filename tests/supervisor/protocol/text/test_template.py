"""Templates: what a call makes of the fields, and clauses as sentences."""

from __future__ import annotations

import pytest

from supervisor.protocol.text.template import as_sentences, listed, sentence


def test_numbers_get_their_noun_and_money_its_form() -> None:
    told = sentence("Dropped {dropped:queued message} of {who}. That cost {nanos:$}.")
    assert told(dropped=1, who="bob", nanos=1_500_000_000) == "Dropped 1 queued message of bob. That cost $1.50."
    assert told(dropped=2, who="bob", nanos=0) == "Dropped 2 queued messages of bob. That cost $0.00."


def test_braces_in_a_value_are_text() -> None:
    assert sentence("{quoted} was dropped.")(quoted="{code:$} {0.__class__}") == "{code:$} {0.__class__} was dropped."


def test_a_field_without_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        sentence("{code} is open.")()


def test_fields_are_named_with_their_format() -> None:
    assert sentence("{a} and {b:file} for {c:$}.").fields == {"a": "", "b": "file", "c": "$"}


@pytest.mark.parametrize(
    ("parts", "read"),
    [
        (("it failed", "bring it back"), "It failed. Bring it back."),
        (("It failed.", "", "Why?"), "It failed. Why?"),
        (("`xswarm doctor` says why",), "`xswarm doctor` says why."),
        ((), ""),
    ],
)
def test_clauses_become_sentences(parts: tuple[str, ...], read: str) -> None:
    assert as_sentences(*parts) == read


@pytest.mark.parametrize(
    ("items", "read"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_items_are_listed(items: list[str], read: str) -> None:
    assert listed(items) == read
