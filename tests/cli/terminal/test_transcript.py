"""Each text of a conversation is shown once, though it may arrive by several ways."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest

from cli.terminal.screen import Screen
from cli.terminal.transcript import Transcript


class Shown:
    """A transcript with its screen."""

    def __init__(self) -> None:
        self.out, self.err = StringIO(), StringIO()
        self.transcript = Transcript(Screen(self.out, self.err, interactive=False, colour=False))


@pytest.fixture
def shown() -> Shown:
    return Shown()


def row(row_id: str, direction: str, message: str, **other: Any) -> dict[str, Any]:
    known = {"id": row_id, "direction": direction, "message": message, "cost_usd": None, "status": "completed"}
    return {**known, "context": None, **other}


def prompt(row_id: str, message: str, **other: Any) -> dict[str, Any]:
    return row(row_id, "to_claude", message, **other)


def answer(row_id: str, message: str, to: str = "p", **other: Any) -> dict[str, Any]:
    return row(row_id, "from_claude", message, reply_to=to, **other)


def response(turn: str, content: str) -> dict[str, Any]:
    return {"message_id": turn, "content": content, "cost_usd": 0.5, "duration_ms": 1000}


def test_own_turn_is_shown_once_by_stream_response_and_history(shown: Shown) -> None:
    shown.transcript.asked("hi")
    shown.transcript.rows([prompt("p", "hi")], up_to="p")
    shown.transcript.delta("p", "hel")
    shown.transcript.delta("p", "lo")
    shown.transcript.response(response("p", "hello"))
    shown.transcript.concluded("hi")
    shown.transcript.rows([prompt("p", "hi"), answer("a", "hello")])
    assert (shown.out.getvalue(), shown.err.getvalue()) == ("hello\n", "[$0.50, 1.0 s]\n")
    assert not shown.transcript.streaming


def test_answer_that_was_not_streamed_is_shown_by_its_response(shown: Shown) -> None:
    shown.transcript.asked("hi")
    shown.transcript.response(response("p", "hello"))
    shown.transcript.rows([prompt("p", "hi"), answer("a", "hello")])
    assert shown.out.getvalue() == "hello\n"


def test_history_that_is_ahead_of_the_stream_is_not_shown_twice(shown: Shown) -> None:
    shown.transcript.rows([prompt("p", "from a phone"), answer("a", "hello")], up_to="p")
    shown.transcript.delta("p", "hello")
    shown.transcript.rows([prompt("p", "from a phone"), answer("a", "hello")])
    assert shown.out.getvalue() == "You: from a phone\nhello\n"


def test_channel_of_a_prompt_is_named_where_it_is_known(shown: Shown) -> None:
    shown.transcript.rows([prompt("p", "hi", context={"channel": "sms"})])
    assert shown.out.getvalue() == "You (sms): hi\n"


def test_who_wrote_a_prompt_is_named_where_it_is_known(shown: Shown) -> None:
    by_alice = prompt("p", "hi", user_id="alice")
    by_bob = prompt("q", "and now?", user_id="bob", context={"channel": "sms"})
    shown.transcript.rows([by_alice, answer("a", "hello"), by_bob, answer("b", "bye", to="q")])
    assert shown.out.getvalue() == "alice: hi\nhello\nbob (sms): and now?\nbye\n"


def test_answer_after_tools_is_recognised_by_its_end(shown: Shown) -> None:
    shown.transcript.delta("p", "Let me look.")
    shown.transcript.tool("p", {"name": "Read", "status": "started", "input": {"file": "a"}})
    shown.transcript.tool("p", {"name": "Read", "status": "succeeded"})
    shown.transcript.delta("p", "It is\nfine.")
    shown.transcript.response(response("p", "It is fine."))
    assert shown.out.getvalue() == "Let me look.\nIt is\nfine.\n"


def test_stream_that_lost_its_last_pieces_is_followed_by_them(shown: Shown) -> None:
    shown.transcript.delta("p", "hel")
    shown.transcript.response(response("p", "hello"))
    assert shown.out.getvalue() == "hello\n"


def test_answer_that_differs_from_its_stream_is_shown_whole(shown: Shown) -> None:
    shown.transcript.delta("p", "hexlo")
    shown.transcript.response(response("p", "hello"))
    assert shown.out.getvalue() == "hexlo\nhello\n"


def test_late_pieces_of_an_ended_turn_are_not_shown(shown: Shown) -> None:
    shown.transcript.response(response("p", "hello"))
    shown.transcript.delta("p", "lo")
    shown.transcript.tool("p", {"name": "Read", "status": "started"})
    assert shown.out.getvalue() == "hello\n"
    assert not shown.transcript.is_news("p")


def test_two_streams_are_kept_apart(shown: Shown) -> None:
    shown.transcript.delta("p", "first")
    shown.transcript.delta("q", "second")
    shown.transcript.response(response("p", "first"))
    assert shown.transcript.streaming
    shown.transcript.rows([answer("b", "second", to="q")])
    assert not shown.transcript.streaming
    assert shown.out.getvalue() == "first\nsecond\n"


def test_failed_turn_of_somebody_else_ends_its_stream(shown: Shown) -> None:
    shown.transcript.rows([prompt("p", "hi")], up_to="p")
    shown.transcript.delta("p", "hel")
    shown.transcript.rows([prompt("p", "hi", status="interrupted")])
    assert not shown.transcript.streaming
    assert shown.err.getvalue() == "[interrupted]\n"


def test_failed_tool_says_why_on_one_line(shown: Shown) -> None:
    shown.transcript.tool("p", {"name": "Bash", "status": "failed", "result": "no\nsuch " + "x" * 500})
    line = shown.err.getvalue()
    assert line.startswith("! Bash failed: no such xxx")
    assert len(line) < 200


def test_after_a_lost_connection_only_the_rest_of_an_answer_is_shown(shown: Shown) -> None:
    shown.transcript.rows([prompt("p", "hi", status="running")], up_to="p")
    shown.transcript.delta("p", "hel")
    shown.transcript.lost()
    shown.transcript.delta("p", "there")  # what came before it was missed
    shown.transcript.rows([prompt("p", "hi"), answer("a", "hello there")])
    assert shown.out.getvalue() == "You: hi\nhel\nlo there\n"


def test_answer_that_was_whole_before_the_connection_was_lost_is_not_shown_again(shown: Shown) -> None:
    shown.transcript.rows([prompt("p", "hi", status="running")], up_to="p")
    shown.transcript.delta("p", "hello")
    shown.transcript.lost()
    shown.transcript.rows([prompt("p", "hi"), answer("a", "hello", cost_usd=0.5)])
    assert (shown.out.getvalue(), shown.err.getvalue()) == ("You: hi\nhello\n", "[$0.50]\n")


def test_of_a_turn_that_runs_already_the_answer_is_shown_once_at_its_end(shown: Shown) -> None:
    running = [prompt("p", "hi", status="running")]
    shown.transcript.rows(running)
    shown.transcript.joined_late(running)
    assert shown.transcript.streaming
    shown.transcript.delta("p", "lo there")
    shown.transcript.rows([prompt("p", "hi"), answer("a", "hello there")])
    assert shown.out.getvalue() == "You: hi\nhello there\n"
    assert not shown.transcript.streaming


def test_of_a_turn_that_runs_already_what_follows_a_tool_is_shown_live(shown: Shown) -> None:
    shown.transcript.joined_late([prompt("p", "hi", status="waiting")])
    shown.transcript.delta("p", "ook.")
    shown.transcript.tool("p", {"name": "Read", "status": "succeeded"})
    shown.transcript.delta("p", "It is")
    assert shown.out.getvalue() == "It is"


def end(turn: str, status: str) -> dict[str, Any]:
    return {"message_id": turn, "status": status, "cost_usd": 0.5, "duration_ms": 1000}


def test_end_of_a_watched_turn_shows_its_cost_and_time(shown: Shown) -> None:
    shown.transcript.rows([prompt("p", "hi", status="running")], up_to="p")
    shown.transcript.delta("p", "hello")
    shown.transcript.ends(end("p", "completed"))
    shown.transcript.rows([prompt("p", "hi"), answer("a", "hello", cost_usd=0.5)])
    shown.transcript.has_ended("p")
    assert (shown.out.getvalue(), shown.err.getvalue()) == ("You: hi\nhello\n", "[$0.50, 1.0 s]\n")
    assert not shown.transcript.streaming


def test_end_of_a_watched_turn_without_an_answer_is_shown(shown: Shown) -> None:
    shown.transcript.tool("p", {"name": "Read", "status": "started"})
    shown.transcript.ends(end("p", "cancelled"))
    shown.transcript.has_ended("p")
    assert shown.err.getvalue() == "* Read\n[cancelled, $0.50, 1.0 s]\n"


def test_own_failure_is_told_once(shown: Shown) -> None:
    shown.transcript.asked("hi")
    failed = [prompt("p", "hi", status="failed"), answer("a", "why", status="failed")]
    shown.transcript.rows(failed)  # before the failure is told
    shown.transcript.concluded("hi")
    shown.transcript.rows(failed)
    assert (shown.out.getvalue(), shown.err.getvalue()) == ("", "")


def test_answer_to_an_own_prompt_whose_outcome_was_an_error_is_shown_later(shown: Shown) -> None:
    shown.transcript.asked("hi")
    shown.transcript.concluded("hi")  # the store refused the write, which is tried again
    shown.transcript.rows([prompt("p", "hi"), answer("a", "hello")])
    assert shown.out.getvalue() == "hello\n"


def test_failure_of_somebody_else_is_shown_with_its_reason(shown: Shown) -> None:
    shown.transcript.rows([prompt("p", "hi"), answer("a", "why", status="failed")])
    assert (shown.out.getvalue(), shown.err.getvalue()) == ("You: hi\nwhy\n", "[failed]\n")


def test_what_an_interrupted_turn_had_written_is_shown_once(shown: Shown) -> None:
    shown.transcript.rows([prompt("p", "hi", status="running")], up_to="p")
    shown.transcript.delta("p", "hel")
    shown.transcript.rows([prompt("p", "hi", status="interrupted"), answer("a", "hel", status="interrupted")])
    assert (shown.out.getvalue(), shown.err.getvalue()) == ("You: hi\nhel\n", "[interrupted]\n")
