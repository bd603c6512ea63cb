"""The messages of a session are shown."""

from __future__ import annotations

from tests.cli.conftest import SESSION, Command
from tests.cli.daemon_stand_in import DaemonStandIn


def test_history_is_shown_oldest_first_without_control_characters(daemon: DaemonStandIn, xswarm: Command) -> None:
    daemon.records.add_message(SESSION, "to_claude", "first")
    daemon.records.add_message(SESSION, "from_claude", "\x1b[31msecond")
    out = xswarm("claude", "history", SESSION).out
    assert out.index("first") < out.index("second")
    assert "\x1b" not in out
    assert len(xswarm("claude", "history", SESSION, "--json", "--limit", "1").document["messages"]) == 1


def test_history_says_who_wrote_each_message_of_a_shared_session(daemon: DaemonStandIn, xswarm: Command) -> None:
    for user_id in ("alice", "bob"):
        daemon.records.add_message(SESSION, "to_claude", f"by {user_id}", user_id=user_id)
        daemon.records.add_message(SESSION, "from_claude", "done", user_id=None)
    heads = [
        head for head, _, _ in (part.partition("\n") for part in xswarm("claude", "history", SESSION).out.split("\n\n"))
    ]
    assert [head.partition(",")[0] for head in heads if head] == ["alice", "Claude Code", "bob", "Claude Code"]
