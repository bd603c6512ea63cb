"""A model gets no id and no name of a person; a server gets the ids again, and a screen the names."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.tools.people.fields import Fields
from supervisor.tools.people.people import WITHHELD, Known, People, UnknownReference

FIELDS = Fields(
    persons=frozenset({"person_id", "to_id", "from_id", "team", "hours", "who.id"}),
    names=frozenset({"name", "to_name", "from_name", "who.label"}),
)
ANN, BOB = "4f5a1c2e-0000-7000-8000-00000000a001", "9b2d7f10-0000-7000-8000-00000000b002"
ANN_REFERENCE, BOB_REFERENCE = "entity-4f5a1c2e", "entity-9b2d7f10"


def learned(value: Any, people: People | None = None) -> People:
    people = people or People()
    people.learn(value, FIELDS)
    return people


def both() -> People:
    return learned([{"person_id": ANN, "name": "Ann Lee"}, {"person_id": BOB, "name": "Dr. Bob Stone"}])


def test_a_model_gets_the_first_eight_characters_of_an_id_and_no_name() -> None:
    result = {"rows": [{"person_id": ANN, "name": "Ann Lee", "hours_worked": 81}]}
    people = learned(result)
    assert people.for_model(result, FIELDS) == {
        "rows": [{"person_id": ANN_REFERENCE, "name": ANN_REFERENCE, "hours_worked": 81}]
    }


def test_a_person_gets_names_in_the_place_of_ids() -> None:
    people = both()
    result = {"rows": [{"person_id": BOB, "name": "Dr. Bob Stone"}, {"person_id": "unnamed-1234567"}]}
    people.learn(result, FIELDS)
    assert people.for_person(result, FIELDS) == {
        "rows": [{"person_id": "Dr. Bob Stone", "name": "Dr. Bob Stone"}, {"person_id": "entity-67c61773"}]
    }


def test_a_person_gets_names_also_in_the_words_of_a_result() -> None:
    people = both()
    result = {"message": f"{ANN} takes over from {BOB}; {ANN.upper()} does not"}
    told = f"Ann Lee takes over from Dr. Bob Stone; {ANN.upper()} does not"
    assert people.for_person(result, FIELDS) == {"message": told}
    assert people.told(result["message"]) == told


def test_ids_stand_in_lists_and_as_keys_too() -> None:
    result = {"team": [ANN, [BOB]], "hours": {ANN: {"name": "Ann Lee", "total": 3}, BOB: 2}}
    people = learned(result)
    assert people.for_model(result, FIELDS) == {
        "team": [ANN_REFERENCE, [BOB_REFERENCE]],
        "hours": {ANN_REFERENCE: {"name": WITHHELD, "total": 3}, BOB_REFERENCE: 2},
    }


def test_each_of_two_names_belongs_to_the_id_whose_field_begins_alike() -> None:
    result = {"from_id": ANN, "to_id": BOB, "from_name": "Ann Lee", "to_name": "Bob Stone", "name": "Carl Ray"}
    people = learned(result)
    assert people.for_model(result, FIELDS) == {
        "from_id": ANN_REFERENCE,
        "to_id": BOB_REFERENCE,
        "from_name": ANN_REFERENCE,
        "to_name": BOB_REFERENCE,
        "name": WITHHELD,
    }
    assert people.hidden("Carl Ray is off") == f"{WITHHELD} is off"


def test_a_field_can_be_named_with_the_field_around_it() -> None:
    result = {"id": 7, "label": "a ward", "who": [{"id": ANN, "label": "Ann Lee"}]}
    people = learned(result)
    assert people.for_model(result, FIELDS) == {
        "id": 7,
        "label": "a ward",
        "who": [{"id": ANN_REFERENCE, "label": ANN_REFERENCE}],
    }


def test_numbers_are_ids_too_and_come_back_as_numbers() -> None:
    people = learned({"person_id": 17})
    reference = people.for_model({"person_id": 17, "count": 17}, FIELDS)
    assert reference["count"] == 17
    assert reference["person_id"].startswith("entity-")
    assert people.restored({"person": reference["person_id"]}) == {"person": 17}


def test_nothing_is_made_of_empty_values() -> None:
    result: dict[str, Any] = {
        "person_id": None,
        "team": [],
        "to_id": "",
        "name": "",
        "from_name": None,
        "from_id": True,
    }
    assert learned(result).for_model(result, FIELDS) == result


def test_whatever_stands_in_a_field_with_names_is_withheld() -> None:
    result = {"name": {"first": "Ann", "phone": 15550100}, "to_name": ["Bob"], "from_name": 5}
    assert learned(result).for_model(result, FIELDS) == {"name": WITHHELD, "to_name": WITHHELD, "from_name": WITHHELD}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Ann Lee works", f"{ANN_REFERENCE} works"),
        ("ann lee works", f"{ANN_REFERENCE} works"),
        ("Dr. Lee, then Stone.", f"Dr. {ANN_REFERENCE}, then {BOB_REFERENCE}."),
        (f"file_{ANN}.pdf", f"file_{ANN_REFERENCE}.pdf"),
        ("a stone on the lee side", "a stone on the lee side"),
        ("Leeds and Stonehenge", "Leeds and Stonehenge"),
        ("Dr. Bob Stone's shift", f"{BOB_REFERENCE}'s shift"),
    ],
)
def test_known_people_are_hidden_in_other_texts(text: str, told: str) -> None:
    assert both().hidden(text) == told


def test_a_name_of_one_word_is_hidden_as_it_is_written() -> None:
    people = learned({"person_id": ANN, "name": "May"})
    assert people.hidden("May may, MAY not") == f"{ANN_REFERENCE} may, MAY not"


def test_a_part_that_two_names_have_stands_for_neither() -> None:
    people = learned([{"person_id": ANN, "name": "Ann Lee"}, {"person_id": BOB, "name": "Bob Lee"}])
    assert people.hidden("Lee and Ann Lee") == f"{WITHHELD} and {ANN_REFERENCE}"


def test_two_people_of_one_name_are_told_apart_on_the_screen() -> None:
    people = learned([{"person_id": ANN, "name": "Ann Lee"}, {"person_id": BOB, "name": "Ann Lee"}])
    assert people.named({"a": ANN_REFERENCE, "b": BOB_REFERENCE}) == {
        "a": f"Ann Lee ({ANN_REFERENCE})",
        "b": f"Ann Lee ({BOB_REFERENCE})",
    }


def test_arguments_get_ids_for_the_server_and_names_for_the_person() -> None:
    people = both()
    written = {
        "from_person": ANN_REFERENCE,
        "more": [BOB_REFERENCE, 3],
        "why": f"{ANN_REFERENCE} asked, not x-entity-1",
    }
    assert people.restored(written) == {"from_person": ANN, "more": [BOB, 3], "why": f"{ANN} asked, not x-entity-1"}
    assert people.named(written) == {
        "from_person": "Ann Lee",
        "more": ["Dr. Bob Stone", 3],
        "why": "Ann Lee asked, not x-entity-1",
    }


@pytest.mark.parametrize(
    "written", ["entity-00000000", "entity-4f5a1c", "entity-4f5a1c2e-0000", "see entity-4f5a1c2f."]
)
def test_an_unknown_reference_is_an_error_that_names_it(written: str) -> None:
    with pytest.raises(UnknownReference, match=r"entity-[0-9a-f-]+ stands for nobody") as caught:
        both().restored({"person": written})
    assert caught.value.reference in written


def test_references_are_longer_where_two_ids_begin_alike() -> None:
    one, other = "0190b5c2-1111-7000-8000-000000000001", "0190b5c2-1112-7000-8000-000000000002"
    shown = learned([{"person_id": one}, {"person_id": other}]).for_model(
        [{"person_id": one}, {"person_id": other}], FIELDS
    )
    assert [row["person_id"] for row in shown] == ["entity-0190b5c2-1111", "entity-0190b5c2-1112"]


def test_a_reference_that_was_given_stays_when_a_like_id_comes_later() -> None:
    people = learned({"person_id": "0190b5c2-1111-7000-8000-000000000001"})
    later = {"person_id": "0190b5c2-1112-7000-8000-000000000002"}
    people.learn(later, FIELDS)
    assert people.restored("entity-0190b5c2") == "0190b5c2-1111-7000-8000-000000000001"
    assert people.for_model(later, FIELDS) == {"person_id": "entity-0190b5c2-1112"}


@pytest.mark.parametrize(
    "person", ["p-17", "ann.lee@example.org", "annlee01-2345", "abcdefgh-1234", "7 of nine (borg)"]
)
def test_an_id_that_is_short_or_tells_who_it_is_is_hashed(person: str) -> None:
    result = {"person_id": person, "name": "Ann Lee"}
    reference = learned(result).for_model(result, FIELDS)["person_id"]
    assert reference.removeprefix("entity-") not in person
    assert learned(result).restored(reference) == person


def test_what_is_kept_gives_the_same_references_after_a_restart() -> None:
    people = People()
    kept: list[Known] = []
    for result in ({"person_id": ANN}, {"person_id": ANN, "name": "Ann Lee"}, {"name": "Carl Ray"}, {"person_id": 3}):
        kept += people.learn(result, FIELDS)
        assert people.learn(result, FIELDS) == []
    again = People(kept)
    for text in ("Ann Lee", "Carl Ray", ANN):
        assert again.hidden(text) == people.hidden(text) != text
    assert again.named(ANN_REFERENCE) == "Ann Lee"
    assert again.for_model({"person_id": 3}, FIELDS) == people.for_model({"person_id": 3}, FIELDS)


WORDS = st.text(alphabet="abcdefghijklmnopqrstuvwxyzäéßø", min_size=3, max_size=9).map(str.capitalize)
NAMES = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
IDS = st.one_of(
    st.uuids().map(str),
    st.builds("{}-{}".format, st.sampled_from(["staff", "res"]), st.integers(1_000_000, 9_999_999)),
    st.builds("{}@example.org".format, WORDS),
)
PEOPLE = st.lists(st.tuples(IDS, NAMES), min_size=1, max_size=6, unique_by=lambda one: one[0])


@st.composite
def results(draw: st.DrawFn) -> tuple[list[tuple[str, str]], Any]:
    """Return people, and a result in which they stand in fields, in keys, and in any other text."""
    people = draw(PEOPLE)
    ids, names = st.sampled_from([one[0] for one in people]), st.sampled_from([one[1] for one in people])
    texts = st.one_of(st.text(max_size=20), st.builds("see {} and {}.".format, ids, names))
    plain = st.one_of(st.none(), st.booleans(), st.integers(), texts)
    record = st.fixed_dictionaries(
        {},
        optional={
            "person_id": ids,
            "name": names,
            "team": st.lists(ids, max_size=3),
            "hours": st.dictionaries(ids, st.integers(), max_size=3),
            "note": texts,
        },
    )
    nested = st.recursive(
        st.one_of(plain, record),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(["a", "b", "note"]), inner)
        ),
        max_leaves=12,
    )
    return people, {"rows": [{"person_id": person, "name": name} for person, name in people], "more": draw(nested)}


@settings(max_examples=300)
@given(results())
def test_no_id_and_no_name_ever_reaches_a_model(made: tuple[list[tuple[str, str]], Any]) -> None:
    people, result = made
    book = learned(result)
    told = json.dumps(book.for_model(result, FIELDS), ensure_ascii=False)
    references = [book.reference(person) for person, _ in people]
    for reference in sorted(references, key=len, reverse=True):
        told = told.replace(reference, "")
    for person, name in people:
        assert person not in told
        assert not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", told)


@settings(max_examples=200)
@given(PEOPLE)
def test_every_reference_leads_back_to_its_person(people: list[tuple[str, str]]) -> None:
    result = [{"person_id": person, "name": name} for person, name in people]
    book = learned(result)
    shown = book.for_model(result, FIELDS)
    references = [row["person_id"] for row in shown]
    assert len(set(references)) == len(people)
    assert book.restored(references) == [person for person, _ in people]
    assert all(len(reference) >= len("entity-") + 8 for reference in references)


def test_a_uuid_in_upper_case_is_another_id() -> None:
    upper = str(uuid.UUID(ANN)).upper()
    people = learned([{"person_id": ANN}, {"person_id": upper}])
    assert people.reference(ANN) != people.reference(upper)
