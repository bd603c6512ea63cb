"""States, roles and reasons with their words on the wire."""

from __future__ import annotations

import pytest

from supervisor.protocol.status import (
    Direction,
    EndReason,
    OutboxState,
    Permissions,
    Role,
    SessionStatus,
    Target,
    TurnState,
)


def test_a_sessions_states_are_those_of_the_protocol() -> None:
    assert {str(status) for status in SessionStatus} == {
        "connecting",
        "active",
        "idle",
        "disconnecting",
        "disconnected",
        "error",
    }


def test_a_session_counts_until_it_is_disconnected_or_given_up() -> None:
    assert {status for status in SessionStatus if not status.live} == {
        SessionStatus.DISCONNECTED,
        SessionStatus.ERROR,
    }


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (EndReason.USER, "User requested"),
        (EndReason.IDLE, "Idle timeout"),
        (EndReason.SHUTDOWN, "Server shutdown"),
        (EndReason.BUDGET, "Budget exceeded"),
    ],
)
def test_the_reasons_of_the_protocol_are_its_words(reason: EndReason, sentence: str) -> None:
    assert reason == sentence


def test_only_what_was_ended_by_a_person_a_budget_or_giving_up_stays_closed() -> None:
    assert {reason for reason in EndReason if reason.on_purpose} == {
        EndReason.USER,
        EndReason.BUDGET,
        EndReason.FAILED,
    }


@pytest.mark.parametrize("status", [SessionStatus.DISCONNECTING, SessionStatus.DISCONNECTED])
def test_a_closed_session_resumes_by_itself_unless_it_was_closed_on_purpose(status: SessionStatus) -> None:
    assert status.resumes_by_itself("")
    for reason in EndReason:
        assert status.resumes_by_itself(reason.value) is not reason.on_purpose


def test_a_live_session_resumes_by_itself_and_one_in_error_does_not() -> None:
    for status in (SessionStatus.CONNECTING, SessionStatus.ACTIVE, SessionStatus.IDLE):
        assert status.resumes_by_itself("")
    assert not SessionStatus.ERROR.resumes_by_itself("")


def test_a_turn_that_waits_or_runs_is_not_final() -> None:
    assert {state for state in TurnState if not state.final} == {
        TurnState.PENDING,
        TurnState.RUNNING,
        TurnState.WAITING,
    }


def test_an_operator_may_not_prompt() -> None:
    assert {role for role in Role if role.may_prompt} == {Role.ADMIN, Role.COORDINATOR}


def test_administrators_and_operators_oversee_the_spending_of_all() -> None:
    assert {role for role in Role if role.oversees} == {Role.ADMIN, Role.OPERATOR}


@pytest.mark.parametrize(
    "kind", [SessionStatus, EndReason, TurnState, OutboxState, Role, Permissions, Target, Direction]
)
def test_no_two_states_share_a_word(kind: type[SessionStatus]) -> None:
    assert len(kind) == len(kind.__members__)


def test_the_words_that_the_database_and_config_keep() -> None:
    assert [str(direction) for direction in Direction] == ["to_claude", "from_claude"]
    assert [str(level) for level in Permissions] == ["ask", "edit", "full"]
    assert [str(target) for target in Target] == ["claude_code", "assistant", "refused", "command"]
