"""The states of a session: which events lead from one to the next, and which never do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.protocol.status import EndReason, SessionStatus
from supervisor.sessions.lifecycle import (
    MAX_FAILURES,
    CloseAsked,
    CloseProcess,
    Event,
    Lifecycle,
    Opened,
    OpenFailed,
    Opening,
    ProcessExited,
    Record,
    TurnBegan,
    TurnEnded,
    WentQuiet,
)

S = SessionStatus

ON_PURPOSE = [reason for reason in EndReason if reason.on_purpose]
OTHERWISE = [reason for reason in EndReason if not reason.on_purpose]
WITH_PROCESS = [S.CONNECTING, S.ACTIVE, S.IDLE]


def test_a_session_opens_works_is_idle_works_and_closes() -> None:
    life = Lifecycle(S.CONNECTING)
    assert life.on(Opening()) == ()  # its record says so already
    assert life.on(Opened()) == (Record(S.ACTIVE),)
    assert life.on(TurnBegan()) == ()
    assert life.on(TurnEnded(well=True)) == ()
    assert life.on(WentQuiet()) == (Record(S.IDLE),)
    assert life.on(WentQuiet()) == ()
    assert life.on(TurnBegan()) == (Record(S.ACTIVE),)
    assert life.on(CloseAsked(EndReason.IDLE)) == (Record(S.DISCONNECTING), CloseProcess())
    assert life.on(ProcessExited()) == (Record(S.DISCONNECTED, "Idle timeout"),)
    assert life.resumes_by_itself


@pytest.mark.parametrize("reason", list(EndReason))
@pytest.mark.parametrize("status", WITH_PROCESS)
def test_closing_records_the_reason_once_no_process_is_left(status: SessionStatus, reason: EndReason) -> None:
    life = Lifecycle(status)
    assert life.on(CloseAsked(reason)) == (Record(S.DISCONNECTING), CloseProcess())
    assert life.on(ProcessExited("killed")) == (Record(S.DISCONNECTED, reason.value),)
    assert life.resumes_by_itself is not reason.on_purpose


@pytest.mark.parametrize("reason", ON_PURPOSE)
def test_a_session_without_a_process_is_ended_on_purpose_at_once(reason: EndReason) -> None:
    life = Lifecycle(S.DISCONNECTED, EndReason.IDLE.value)
    assert life.on(CloseAsked(reason)) == (Record(S.DISCONNECTED, reason.value),)
    assert not life.resumes_by_itself


@pytest.mark.parametrize("reason", OTHERWISE)
@pytest.mark.parametrize("stored", [EndReason.USER.value, EndReason.BUDGET.value, EndReason.CRASH.value])
def test_a_session_without_a_process_cannot_be_reaped_or_shut_down(stored: str, reason: EndReason) -> None:
    life = Lifecycle(S.DISCONNECTED, stored)
    assert life.on(CloseAsked(reason)) == ()
    assert life.reason == stored


def test_a_session_that_is_being_reaped_may_still_be_ended_on_purpose() -> None:
    life = Lifecycle(S.IDLE)
    life.on(CloseAsked(EndReason.IDLE))
    assert life.on(CloseAsked(EndReason.USER)) == (CloseProcess(),)
    assert life.on(ProcessExited()) == (Record(S.DISCONNECTED, "User requested"),)
    assert not life.resumes_by_itself


def test_a_session_that_is_being_ended_on_purpose_is_not_reaped_instead() -> None:
    life = Lifecycle(S.IDLE)
    life.on(CloseAsked(EndReason.USER))
    life.on(CloseAsked(EndReason.SHUTDOWN))
    assert life.on(ProcessExited()) == (Record(S.DISCONNECTED, "User requested"),)


@pytest.mark.parametrize("late", [OpenFailed("no CLI"), ProcessExited("killed")])
def test_a_start_that_fails_after_the_session_was_ended_changes_nothing_of_its_end(late: Event) -> None:
    life = Lifecycle(S.CONNECTING)
    life.on(CloseAsked(EndReason.USER))
    assert life.on(late) == (Record(S.DISCONNECTED, "User requested"),)
    assert life.failures == 0
    assert life.on(OpenFailed("again")) == ()
    assert not life.resumes_by_itself


@pytest.mark.parametrize("status", [S.DISCONNECTING, S.DISCONNECTED, S.ERROR])
def test_a_process_that_answers_after_the_end_was_asked_for_is_closed(status: SessionStatus) -> None:
    life = Lifecycle(status, EndReason.USER.value)
    assert life.on(Opened()) == (CloseProcess(),)
    assert life.status is status


@pytest.mark.parametrize("status", [s for s in S if s is not S.IDLE])
def test_a_turn_wakes_nothing_but_an_idle_session(status: SessionStatus) -> None:
    life = Lifecycle(status, EndReason.USER.value)
    assert life.on(TurnBegan()) == ()
    assert life.status is status


@pytest.mark.parametrize("status", WITH_PROCESS)
def test_a_process_that_dies_leaves_a_session_that_resumes_with_the_next_message(status: SessionStatus) -> None:
    life = Lifecycle(status)
    assert life.on(ProcessExited("signal 9")) == (Record(S.DISCONNECTED, "Process ended unexpectedly"),)
    assert life.resumes_by_itself
    assert life.on(ProcessExited("signal 9")) == ()


def test_a_session_gives_up_after_failing_repeatedly_and_says_why() -> None:
    life = Lifecycle(S.CONNECTING)
    for _ in range(MAX_FAILURES - 1):
        life.on(Opening())
        assert life.on(OpenFailed("no CLI")) == (Record(S.DISCONNECTED, "Connection failed"),)
        assert life.resumes_by_itself
    life.on(Opening())
    assert life.on(OpenFailed("no CLI")) == (Record(S.ERROR, "needs attention: failed repeatedly: no CLI"),)
    assert not life.resumes_by_itself


def test_a_turn_that_went_well_ends_the_row_of_failures() -> None:
    life = Lifecycle(S.ACTIVE)
    for _ in range(MAX_FAILURES * 2):
        life.on(TurnEnded(well=True))
        life.on(ProcessExited("signal 9"))
        life.on(Opening())
        life.on(Opened())
        life.on(TurnEnded(well=False))
        assert life.failures == 1
    assert life.status is S.ACTIVE


def test_a_session_that_gave_up_comes_back_when_a_person_connects_it() -> None:
    life = Lifecycle(S.ERROR, "needs attention: failed repeatedly: no CLI")
    assert life.on(Opening()) == (Record(S.CONNECTING),)
    assert life.on(Opened()) == (Record(S.ACTIVE),)
    assert life.resumes_by_itself


@pytest.mark.parametrize(
    ("status", "reason", "resumes"),
    [
        (S.CONNECTING, "", True),
        (S.ACTIVE, "", True),
        (S.IDLE, "", True),
        (S.DISCONNECTED, "", True),
        *((S.DISCONNECTED, reason.value, not reason.on_purpose) for reason in EndReason),
        *((S.DISCONNECTING, reason.value, not reason.on_purpose) for reason in EndReason),
        (S.ERROR, "needs attention: failed repeatedly: no CLI", False),
        (S.ERROR, "", False),
    ],
)
def test_what_is_stored_says_whether_a_session_resumes_by_itself(
    status: SessionStatus, reason: str, resumes: bool
) -> None:
    assert Lifecycle(status, reason).resumes_by_itself is resumes


WHY = st.sampled_from(["", "signal 9"])
EVENTS: dict[str, st.SearchStrategy[Event]] = {
    "opening": st.just(Opening()),
    "rest": st.one_of(
        st.just(Opened()),
        st.builds(OpenFailed, WHY),
        st.just(TurnBegan()),
        st.builds(TurnEnded, st.booleans()),
        st.just(WentQuiet()),
        st.builds(CloseAsked, st.sampled_from(list(EndReason))),
        st.builds(ProcessExited, WHY),
    ),
}
ANY_EVENT = st.one_of(EVENTS["opening"], EVENTS["rest"])

MOVES = {
    S.CONNECTING: {S.CONNECTING, S.ACTIVE, S.DISCONNECTING, S.DISCONNECTED, S.ERROR},
    S.ACTIVE: {S.CONNECTING, S.IDLE, S.DISCONNECTING, S.DISCONNECTED, S.ERROR},
    S.IDLE: {S.CONNECTING, S.ACTIVE, S.DISCONNECTING, S.DISCONNECTED, S.ERROR},
    S.DISCONNECTING: {S.CONNECTING, S.DISCONNECTED},
    S.DISCONNECTED: {S.CONNECTING, S.DISCONNECTED},
    S.ERROR: {S.CONNECTING, S.DISCONNECTED},
}
"""Where a session may go; back to `connecting` by `Opening` alone."""


@given(st.sampled_from(list(S)), st.lists(ANY_EVENT, max_size=30))
def test_no_sequence_of_events_leads_to_an_undefined_state(status: SessionStatus, events: list[Event]) -> None:
    life = Lifecycle(status)
    for event in events:
        before = life.status
        records = [effect for effect in life.on(event) if isinstance(effect, Record)]
        assert len(records) <= 1
        assert life.status in MOVES[before] | {before}
        if life.status is not before:
            assert records
        for record in records:
            assert record.status is life.status
        if life.status is S.CONNECTING and before is not S.CONNECTING:
            assert isinstance(event, Opening)
        if life.status is S.ERROR:
            assert not life.resumes_by_itself


@given(st.lists(ANY_EVENT, max_size=10), st.sampled_from(ON_PURPOSE), st.lists(EVENTS["rest"], max_size=30))
def test_a_session_ended_on_purpose_never_resumes_by_itself(
    before: list[Event], reason: EndReason, after: list[Event]
) -> None:
    life = Lifecycle(S.CONNECTING)
    for event in before:
        life.on(event)
    life.on(CloseAsked(reason))
    for event in after:
        assert not life.resumes_by_itself
        life.on(event)
        assert life.status in (S.DISCONNECTING, S.DISCONNECTED)
    life.on(ProcessExited())
    assert Lifecycle(life.status, life.reason).resumes_by_itself is False
