"""People are found by what is written of their name."""

from __future__ import annotations

import pytest

from examples.residency.analysis.names import find_people
from tests.examples.residency.small import roster


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("Dr. Smith", ["Bob Smith"]),
        ("bob", ["Bob Smith"]),
        ("Ito", ["Ann Ito", "Cat Ito"]),
        ("Cat Ito", ["Cat Ito"]),
        ("smi", ["Bob Smith"]),
        ("Smyth", ["Bob Smith"]),
        ("Smíth", ["Bob Smith"]),
        ("Nobody", []),
        ("Dr.", []),
        ("", []),
    ],
)
def test_a_person_is_found_by_name(written: str, names: list[str]) -> None:
    assert [person.name for person in find_people(roster().people, written)] == names
