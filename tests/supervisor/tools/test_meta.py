"""What travels beside arguments and results."""

from __future__ import annotations

from supervisor.tools.meta import LONGEST, NOTICE, acting, text_of


def test_a_call_says_who_acts_and_where() -> None:
    assert acting("alice", "Alice Brown", "chat-1") == {
        "xswarm/user": {"id": "alice", "name": "Alice Brown"},
        "xswarm/chat": "chat-1",
    }


def test_a_text_of_a_server_is_one_line_without_escape_codes_and_not_too_long() -> None:
    assert text_of({NOTICE: "Alice\n\x1b[31mworks"}, NOTICE) == "Alice works"
    assert len(text_of({NOTICE: "x" * 1000}, NOTICE)) == LONGEST
    assert text_of({NOTICE: 3}, NOTICE) == text_of({}, NOTICE) == ""
