"""The destination of a message: its session, stored or new, and what follows from its project."""

from __future__ import annotations

from supervisor.people.projects import Project
from supervisor.protocol.messages import ProjectName, SessionId, UserId
from supervisor.protocol.status import Permissions
from supervisor.routing.destination import Destination
from supervisor.store.records.session import NewSession
from supervisor.turns.lanes.name import LaneName

ALICE = UserId("alice")


def project(*, concurrent: bool = False) -> Project:
    return Project(
        name=ProjectName("site"),
        path="/srv/site",
        permissions=Permissions.EDIT,
        model=None,
        concurrent=concurrent,
        users=frozenset({"alice"}),
    )


def new_session(*, shared: bool = False) -> NewSession:
    return NewSession(
        id=SessionId("s1"),
        user_id=ALICE,
        project=ProjectName("site"),
        project_path="/srv/site",
        conversation_id="c1",
        shared=shared,
    )


def test_a_new_session_gives_the_destination_its_id_and_says_whether_it_is_shared() -> None:
    lane = LaneName.of_session(SessionId("s1"))
    destination = Destination(lane=lane, project=project(), new_session=new_session(shared=True))
    assert (destination.session_id, destination.shared) == ("s1", True)
    assert not Destination(lane=lane, project=project(), new_session=new_session()).shared


def test_turns_of_a_project_exclude_each_other_unless_it_is_concurrent() -> None:
    lane = LaneName.of_session(SessionId("s1"))
    assert Destination(lane=lane, project=project()).exclusive
    assert not Destination(lane=lane, project=project(concurrent=True)).exclusive


def test_a_message_for_the_assistant_has_neither_session_nor_project() -> None:
    destination = Destination(lane=LaneName.of_assistant(ALICE, "sms"))
    assert (destination.session_id, destination.project_name) == (None, "")
    assert (destination.shared, destination.exclusive) == (False, False)
