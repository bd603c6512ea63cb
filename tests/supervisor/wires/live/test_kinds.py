"""Which lists a commit or an event changes, and who may know of it."""

from __future__ import annotations

import pytest

from supervisor.people.identity import Caller, Directory
from supervisor.protocol import events
from supervisor.protocol.messages import UserId
from supervisor.protocol.status import Role
from supervisor.store.committed import Committed, Entry
from supervisor.store.records.accounts import User
from supervisor.wires.live.kinds import FOR_ADMINISTRATORS, Kind, may_know, of_commit, of_event

ANN = Caller(name="ann", user_id=UserId("ann"))


def test_a_write_and_an_entry_of_the_audit_trail_name_what_they_change() -> None:
    accepted = Committed(seconds=[0.1], entries=[Entry("message.accepted", "sms")], writes=["accept"])
    assert {Kind.MESSAGES, Kind.QUEUE, Kind.AUDIT} <= of_commit(accepted)
    assert of_commit(Committed(seconds=[0.1], entries=[], writes=["agents"])) == {Kind.AGENTS}
    assert of_commit(Committed(seconds=[0.1], entries=[], writes=["journal"])) == set()
    asked = Committed(seconds=[0.1], entries=[Entry("approval.asked", "")])
    assert of_commit(asked) == {Kind.APPROVALS, Kind.MESSAGES, Kind.AUDIT}
    put = Committed(seconds=[0.1], entries=[Entry("user.put", "")])
    assert of_commit(put) == {Kind.PEOPLE, Kind.TOKENS, Kind.AUDIT}


def test_events_of_agents_of_others_and_pieces_of_answers_change_nothing() -> None:
    said = events.AgentStateChanged(user_id="bob", agent="a", status="s", timestamp="t")
    assert of_event(said, ANN) == set()
    assert of_event(events.AgentStateChanged(user_id="ann", agent="a", status="s", timestamp="t"), ANN) == {Kind.AGENTS}
    resolved = events.ApprovalResolved(approval_id="a", decision="allow")
    assert of_event(resolved, ANN) == {Kind.APPROVALS, Kind.MESSAGES}
    delta = events.ClaudeCodeDelta(session_id="s", message_id="m", text="t")
    assert of_event(delta, ANN) == set()


@pytest.mark.parametrize(
    ("role", "known"),
    [
        (Role.ADMIN, set(Kind)),
        (Role.OPERATOR, set(Kind) - FOR_ADMINISTRATORS),
        (Role.COORDINATOR, set()),
    ],
)
def test_of_what_others_do_a_role_knows_what_its_pages_show(role: Role, known: set[Kind]) -> None:
    directory = Directory(operator_token="o", service_token=None, jwt_secret=b"x" * 32)
    directory.replace([User(id=UserId("ann"), name="Ann", role=role)], [])
    assert may_know(ANN, directory, set(Kind)) == known
