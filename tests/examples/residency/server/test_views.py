"""Records as JSON."""

from __future__ import annotations

from dataclasses import replace

from examples.residency.analysis.effects import effects
from examples.residency.data.edits import Edit
from examples.residency.data.entities import PersonId
from examples.residency.rules.check import check_person
from examples.residency.rules.table import RuleId
from examples.residency.server import views
from tests.examples.residency.small import ANN, BOB, CALL, FIRST, roster, work

SHIFT = work(1, 6, 8)
OF = roster(work(0, 14, 10), SHIFT, work(0, 7, 24, CALL, person=BOB))


def test_a_shift_has_both_moments_with_their_offset_and_its_hours() -> None:
    assert views.shift(OF, SHIFT) == {
        "shift_id": SHIFT.id,
        "person_id": ANN,
        "person_name": "Ann Ito",
        "rotation": "ward",
        "kind": "day",
        "start": "2026-03-03T06:00+00:00",
        "end": "2026-03-03T14:00+00:00",
        "hours": 8.0,
    }


def test_a_finding_has_the_number_of_its_rule_and_its_sentence() -> None:
    (found,) = check_person(OF, ANN, FIRST, FIRST + 6)
    shown = views.finding(OF, found)
    assert (shown["section"], shown["binding"], shown["severity"]) == ("6.21", "should", "should")
    assert (shown["measured"], shown["limit"], shown["level"]) == (6.0, 8.0, "PGY-1")
    assert shown["violation_id"] == found.id
    assert shown["sentence"].startswith(ANN)


def test_the_reasons_of_a_change_say_what_it_mends_and_breaks() -> None:
    found = effects(OF, [Edit(SHIFT, replace(SHIFT, person_id=PersonId(BOB)))])
    assert [reason.partition(":")[0] for reason in views.reasons(OF, found)] == ["mends", "breaks"]
    assert views.effects(OF, found)["breaks_a_must"] is True
    assert views.reasons(OF, effects(OF, [])) == ["mends and breaks nothing"]


def test_a_rule_is_shown_with_the_note_that_it_is_to_be_checked() -> None:
    assert views.rule(RuleId.WEEKLY_HOURS)["note"] == "check against the current text"


def test_a_moment_is_utc() -> None:
    assert views.moment(0) == "1970-01-01T00:00:00Z"
