"""A result is shown in a view: the fields about people change, all else stays."""

from __future__ import annotations

from supervisor.tools.people.fields import Fields, Json, PersonId
from supervisor.tools.people.view import seen

FIELDS = Fields(persons=frozenset({"person_id", "team"}), names=frozenset({"name"}))


class Marked:
    """Marks what it is asked about."""

    def person(self, person: PersonId) -> str:
        return f"<{person}>"

    def name(self, value: Json, person: PersonId | None) -> Json:
        return f"[{value} of {person}]"

    def text(self, text: str) -> str:
        return text.upper()


def test_each_kind_of_value_is_shown_in_its_way() -> None:
    value = {
        "person_id": "a",
        "name": "Ann",
        "team": ["b", {"name": "Carl"}, [3], None],
        "rows": [{"team": {"d": {"name": "Dan"}, "": 1}}, "text", 1.5, True, None],
    }
    assert seen(value, FIELDS, Marked()) == {
        "PERSON_ID": "<a>",
        "NAME": "[Ann of a]",
        "TEAM": ["<b>", {"NAME": "[Carl of None]"}, ["<3>"], None],
        "ROWS": [{"TEAM": {"<d>": {"NAME": "[Dan of None]"}, "": 1}}, "TEXT", 1.5, True, None],
    }


def test_empty_names_and_what_is_no_id_stay() -> None:
    value = {"name": "", "person_id": None, "team": [True, ""]}
    assert seen(value, FIELDS, Marked()) == {"NAME": "", "PERSON_ID": None, "TEAM": [True, ""]}
