"""The history of a chat: what its readers get of each turn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from supervisor.operations.chat_history import ChatMessage, chat_messages, chat_rows
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.protocol.status import Target, TurnState
from supervisor.store.records.chat import ChatEntry
from supervisor.store.records.result import Result
from supervisor.store.records.tool_call import StoredCall
from supervisor.tools.people.people import Known, People
from supervisor.turns.outcomes import INCLUDED
from tests.supervisor.turn_records import turn as turn_of

ANN = Known(reference="entity-1", person=1, name="Ann Lee")

TURN = turn_of(
    lane="c1",
    target=Target.ASSISTANT,
    reason="chat",
    state=TurnState.COMPLETED,
    user_id=UserId("alice"),
    session_id=SessionId("c1"),
    project=ProjectName(""),
    exclusive=False,
    channel="chat",
    thread="c1",
    text="how are we?",
    reply=None,
    accepted_ms=1_000,
)


def entry(state: TurnState = TurnState.COMPLETED, *, answer: str = "fine", why: str = "", **turn: Any) -> ChatEntry:
    return ChatEntry(
        result=Result(
            turn=replace(TURN, state=state, **turn),
            state=state,
            answer=answer,
            answer_id=MessageId("a1"),
            why=why,
            stop_reason="",
            duration_ms=1,
            cost_nanos=7,
            tokens=Tokens(),
            ended_ms=2_000,
        )
    )


def answer_to(one: ChatEntry) -> ChatMessage:
    question, answer = chat_messages([one])
    assert (question.id, question.role, question.by, question.timestamp_ms) == ("m1", "user", "alice", 1_000)
    assert (answer.id, answer.role, answer.by, answer.message_id) == ("a1", "assistant", None, "m1")
    return answer


def test_a_message_is_followed_by_its_answer_with_its_cost() -> None:
    answer = answer_to(entry())
    assert (answer.content, answer.cost_nanos, answer.interrupted, answer.error) == ("fine", 7, False, "")


def test_a_message_that_has_not_ended_has_no_answer() -> None:
    assert [one.role for one in chat_messages([entry(TurnState.RUNNING, answer="")])] == ["user"]


def test_an_answer_that_was_stopped_is_marked_outside_of_its_content() -> None:
    answer = answer_to(entry(TurnState.CANCELLED, answer="so f", why="interrupted"))
    assert (answer.content, answer.interrupted, answer.error) == ("so f", True, "")


def test_a_reader_is_told_why_there_is_no_answer() -> None:
    failed = answer_to(entry(TurnState.FAILED, answer="so f", why="the model is away"))
    assert (failed.content, failed.error) == ("so f\n\nthe model is away", "the model is away")
    refused = answer_to(entry(TurnState.CANCELLED, answer="", why="which project?", target=Target.REFUSED))
    assert (refused.content, refused.interrupted, refused.cost_nanos) == ("which project?", False, None)


def test_a_message_for_claude_code_is_shown_as_it_would_be_written() -> None:
    question, _ = chat_messages([entry(target=Target.CLAUDE_CODE, project=ProjectName("site"), text="fix it")])
    assert question.content == "@site fix it"


def test_a_message_that_was_answered_with_another_has_no_answer_of_its_own() -> None:
    assert [one.role for one in chat_messages([entry(answer=INCLUDED)])] == ["user"]


def test_tool_calls_are_part_of_the_answer() -> None:
    call = StoredCall(tool_use_id="t1", name="find", input={"name": "Ann"}, reads=True, started_ms=1, failed=True)
    assert list(answer_to(replace(entry(), calls=[call])).tool_calls) == [call]


def test_inputs_of_tool_calls_are_read_as_the_answer_is() -> None:
    call = StoredCall(tool_use_id="t1", name="find", input={"name": "entity-1"}, reads=True, started_ms=1)
    one = replace(entry(answer="entity-1 is free"), calls=[call])
    _, answer = chat_messages([one], lambda turn, value: People([ANN]).read_in(value))
    assert answer.content == "Ann Lee is free"
    assert [call.input for call in answer.tool_calls] == [{"name": "Ann Lee"}]


def test_as_rows_of_a_session_each_answer_names_its_message() -> None:
    assert [(row.direction, row.message, row.user_id, row.reply_to) for row in chat_rows([entry()])] == [
        ("to_claude", "how are we?", "alice", None),
        ("from_claude", "fine", None, "m1"),
    ]
