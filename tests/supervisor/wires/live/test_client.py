"""What a page is told of the session that it shows: without a socket."""

from __future__ import annotations

from supervisor.protocol import events
from supervisor.tools.people.book import Circle, PeopleBook
from supervisor.tools.people.people import Known, People
from supervisor.wires.chat.rooms.naming import Naming
from supervisor.wires.live.client import MOST_CHARACTERS
from supervisor.wires.live.kinds import Kind
from tests.supervisor.wires.live.pages import S1, client_of, told


def test_an_answer_that_grows_is_told_in_one_frame_and_never_beyond_a_bound() -> None:
    client = client_of("ann")
    client.begin("m1", "Once ")
    client.happened(events.ClaudeCodeDelta(session_id="s1", message_id="m1", text="upon"))
    client.happened(
        events.ClaudeCodeTool(session_id="s1", message_id="m1", tool_use_id="t", name="Bash", status="started")
    )
    assert told(client) == [
        {"type": "answering", "session_id": "s1", "message_id": "m1", "text": "Once upon", "tool": "Bash"}
    ]
    client.happened(
        events.ClaudeCodeTool(session_id="s1", message_id="m1", tool_use_id="t", name="Bash", status="failed")
    )
    assert told(client)[0]["tool"] == ""
    for _ in range(3):
        client.happened(events.ClaudeCodeDelta(session_id="s1", message_id="m1", text="x" * MOST_CHARACTERS))
    assert len(told(client)[0]["text"]) == MOST_CHARACTERS
    client.happened(events.ClaudeCodeDelta(session_id="s1", message_id="m1", text="old"))
    client.happened(events.ClaudeCodeDelta(session_id="s1", message_id="m2", text="new"))
    assert [(frame["message_id"], frame["text"]) for frame in told(client)] == [("m2", "new")]


def test_of_a_long_answer_that_runs_already_its_end_is_told() -> None:
    client = client_of("ann")
    client.begin("m1", "a" + "b" * MOST_CHARACTERS)
    assert told(client)[0]["text"] == "b" * MOST_CHARACTERS
    client.happened(events.ClaudeCodeDelta(session_id="s1", message_id="m1", text="c" * (MOST_CHARACTERS - 1)))
    client.happened(events.ClaudeCodeDelta(session_id="s1", message_id="m1", text="de"))
    assert len(told(client)[0]["text"]) == MOST_CHARACTERS


def test_the_one_person_of_a_session_reads_names_and_all_others_references() -> None:
    book = PeopleBook()
    circle = book._circles["s1"] = Circle(People([Known(reference="entity-4f5a1c2e", person="7", name="Ann Lee")]))
    client, other = client_of("ann"), client_of("bob")
    client.naming = Naming(S1, book)
    for page in (client, other):
        page.begin("m1", "Ask entity-4f")
        for piece in ("5a1c2e", " now"):
            page.happened(events.ClaudeCodeDelta(session_id="s1", message_id="m1", text=piece))
    assert circle.people
    assert [told(page)[0]["text"] for page in (client, other)] == ["Ask Ann Lee now", "Ask entity-4f5a1c2e now"]


def test_what_changes_the_history_of_the_session_is_told_as_such() -> None:
    client = client_of("ann")
    ended = events.ClaudeCodeEnded(
        session_id="s1",
        message_id="m1",
        user_id="bob",
        status="completed",
        cost_usd=None,
        duration_ms=1,
        timestamp="t",
    )
    client.happened(ended)
    client.happened(events.ClaudeCodeStuck(session_id="s1", message_id="m1", silent_seconds=600))
    assert client.take() == ({Kind.SESSIONS, Kind.TRANSCRIPT}, [])
    client.happened(events.ClaudeCodeDelta(session_id="s1", message_id="m1", text="late"))
    client.forget_session()
    assert client.take() == (set(), [])
