"""Who has a session on their page, and who writes in it: without a socket."""

from __future__ import annotations

from supervisor.protocol.messages import SessionId
from supervisor.wires.chat.rooms.attendance import WRITING_SECONDS
from supervisor.wires.live.client import LiveClient
from supervisor.wires.live.watching import Watching
from tests.supervisor.wires.live.pages import S1, client_of, told

S2 = SessionId("s2")


def present(client: LiveClient) -> list[tuple[str, str]]:
    (frame,) = told(client)
    assert (frame["type"], frame["session_id"]) == ("presence", "s1")
    return [(user["id"], user["state"]) for user in frame["users"]]


def test_everybody_who_looks_at_a_session_is_told_who_else_does_and_who_writes() -> None:
    now = [0.0]
    watching = Watching(lambda: now[0])
    ann, bob, cleo = client_of("ann"), client_of("bob"), client_of("cleo")
    watching.enter(ann, S1)
    assert present(ann) == [("ann", "viewing")]
    watching.enter(bob, S1)
    watching.enter(cleo, S2)
    assert present(ann) == present(bob) == [("ann", "viewing"), ("bob", "viewing")]
    assert len(told(cleo)) == 1
    watching.types(bob)
    watching.types(bob)
    assert present(ann) == [("ann", "viewing"), ("bob", "writing")]
    now[0] = WRITING_SECONDS
    watching.look()
    assert present(ann) == [("ann", "viewing"), ("bob", "viewing")]
    watching.types(bob)
    watching.wrote(bob)
    assert present(ann) == [("ann", "viewing"), ("bob", "viewing")]
    watching.enter(bob, S2)
    assert present(ann) == [("ann", "viewing")]
    assert [frame["session_id"] for frame in told(cleo)] == ["s2"]
    for client in (ann, ann, cleo, bob):
        watching.leave(client)
    watching.types(ann)
    watching.look()
    assert told(ann) == told(cleo) == []
