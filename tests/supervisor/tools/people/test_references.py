"""The reference of a person is the shortest beginning of the id that tells nobody apart wrongly."""

from __future__ import annotations

import pytest

from supervisor.tools.people.references import REFERENCE, new_reference

ID = "0190b5c2-1111-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("others", "taken", "reference"),
    [
        ([], [], "entity-0190b5c2"),
        ([ID], [], "entity-0190b5c2"),
        (["0190b5c2-2"], [], "entity-0190b5c2-1"),
        (["0190b5c2-1112-7000-8000-000000000001"], [], "entity-0190b5c2-1111"),
        ([], ["entity-0190b5c2"], "entity-0190b5c2-1"),
        ([f"{ID}9"], [], "entity-736f737c"),
    ],
)
def test_it_is_as_long_as_it_must_be(others: list[str], taken: list[str], reference: str) -> None:
    assert new_reference(ID, [], others, taken) == reference


@pytest.mark.parametrize(
    ("person", "names"),
    [
        ("17", []),
        ("abcdefghij", []),
        ("ann@example.org1", []),
        ("r2-lee-00001", ["Ann Lee"]),
        ("", []),
        ("-2345678901", []),
    ],
)
def test_an_id_that_may_tell_who_it_is_is_hashed(person: str, names: list[str]) -> None:
    reference = new_reference(person, names, [], [])
    assert len(reference) == len("entity-") + 8
    assert not person or person[:8] not in reference
    assert REFERENCE.fullmatch(reference)
    assert new_reference(person, names, [], [reference]).startswith(reference)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("entity-0190b5c2", ["entity-0190b5c2"]),
        ("(entity-0190b5c2-1), entity-x.", ["entity-0190b5c2-1", "entity-x"]),
        ("identity-0190b5c2 my-entity-1 entity-", []),
    ],
)
def test_references_are_found_in_a_text(text: str, found: list[str]) -> None:
    assert REFERENCE.findall(text) == found
