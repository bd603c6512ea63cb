"""Changes to files by Claude Code and by programs, in one list."""

from __future__ import annotations

from supervisor.protocol.messages import MessageId, SessionId, UserId
from supervisor.store.ports.changes import StoredOperation
from supervisor.store.records.agents import AgentOperation
from supervisor.wires.rest.agents.files import done, newest, reported


def by_claude(status: str, at_ms: int = 1) -> StoredOperation:
    """Return an operation of Claude Code."""
    return StoredOperation(
        id=7,
        path="src/a.py",
        tool="Write",
        status=status,
        before_hash=None,
        after_hash="b",
        message_id=MessageId("m1"),
        session_id=SessionId("s1"),
        user_id=UserId("alice"),
        at_ms=at_ms,
        project_path="/srv/site",
        undone=False,
    )


def test_the_status_of_an_operation_becomes_its_type_and_its_path_is_whole() -> None:
    types = {status: done(by_claude(status)).type for status in ("added", "modified", "deleted", "unchanged")}
    assert types == {"added": "create", "modified": "modify", "deleted": "delete", "unchanged": "modify"}
    shown = done(by_claude("added"))
    assert (shown.id, shown.filepath, shown.message_id) == ("7", "/srv/site/src/a.py", "m1")


def test_both_kinds_are_sorted_by_their_time() -> None:
    first = AgentOperation(id="o1", kind="delete", path="/x", at_ms=0)
    last = AgentOperation(id="o2", kind="create", path="/y", at_ms=2)
    found = newest([by_claude("added", at_ms=1)], [first, last])
    assert [change.id for change in found] == ["o2", "7", "o1"]
    assert found[0] == reported(last)
    assert found[0].message_id is None
