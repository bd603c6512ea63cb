"""The contract of chats: what their history holds, how one is deleted, and that no limit of processes counts them."""

from __future__ import annotations

from typing import Any

import pytest

from supervisor.protocol.conversation import ToolFinished, ToolStarted
from supervisor.protocol.errors import SessionNotFound
from supervisor.protocol.messages import CHAT, MessageId, ProjectName, SessionId, UserId
from supervisor.protocol.status import EndReason, SessionKind, SessionStatus, Target, TurnState
from supervisor.store.messages.chats import MOST_ARTIFACTS
from supervisor.store.port import Store
from supervisor.store.records.acceptance import Acceptance, Superseding
from supervisor.store.records.tool_call import Reference
from tests.supervisor.store.builders import (
    NOW,
    charge,
    end_node,
    new_session,
    outcome,
    prompt,
    question,
    with_session,
)
from tests.supervisor.store.contract_base import ContractBase

C1 = SessionId("c1")
ALICE = UserId("alice")


async def open_chat(store: Store, session_id: str = "c1", **fields: Any) -> None:
    """Create the record of a chat of alice."""
    empty = {"project": ProjectName(""), "project_path": "", "thread": f"session:{session_id}"}
    new = new_session(session_id, **{**empty, "kind": SessionKind.CHAT, **fields})
    await store.sessions.create(new, status=SessionStatus.IDLE, now_ms=NOW)


def written(text: str = "how are we?", **fields: Any) -> Acceptance:
    """Return a message of alice in the chat c1."""
    return question(
        **{"channel": CHAT, "thread": C1, "lane": C1, "session_id": C1, "text": text, "reply": None, **fields}
    )


async def answered(store: Store, acceptance: Acceptance, answer: str = "fine", **fields: Any) -> int:
    """Accept a message and answer it; return the number of its turn."""
    await store.turns.accept(acceptance)
    turn = await store.turns.start_next(acceptance.lane, None, now_ms=NOW)
    assert turn is not None
    await store.turns.finish(turn.id, outcome(answer=answer, **fields))
    return turn.id


async def texts(store: Store, **page: Any) -> list[tuple[str, str]]:
    """Return the history of c1 as (message, answer)."""
    found = await store.chats.history(C1, **{"limit": 50, "before": None, **page})
    return [(entry.result.turn.text, entry.result.answer) for entry in found]


async def read_by_the_model(store: Store, *, limit: int = 50) -> list[tuple[str, str]]:
    """Return the exchanges of c1 as (prompt, answer)."""
    return [(one.prompt, one.answer) for one in await store.turns.exchanges(C1, limit=limit)]


class ChatsContract(ContractBase):
    """Chats are sessions without a process."""

    async def test_a_chat_holds_what_was_written_in_it_whoever_answered(self, store: Store) -> None:
        await open_chat(store)
        await with_session(store, "s1", thread=C1)
        await answered(store, written("one", title="one"), charges=[charge(nanos=500)])
        await answered(store, prompt(channel=CHAT, thread=C1, text="two"), charges=[charge("call-2", nanos=70)])
        status = written("STATUS", target=Target.COMMAND, lane="refused/alice", session_id=None, reason="all is well")
        await store.turns.accept(status)
        await answered(store, written("four", channel="sms", thread=""), "by text")
        await answered(store, prompt(text="not in the chat"))
        assert await texts(store) == [("one", "fine"), ("two", "fine"), ("STATUS", "all is well"), ("four", "by text")]
        assert await store.chats.count(C1) == 8
        record = await store.sessions.get(C1)
        assert record is not None
        assert (record.title, record.message_count, record.cost_nanos) == ("one", 2, 500)
        assert record.is_chat
        assert await store.chats.elsewhere([C1, SessionId("c2")]) == {C1: (1, 70)}
        assert await store.ledger.disagreements() == []
        assert await store.turns.last_project(ALICE) == "shop"

    async def test_the_model_reads_the_chat_without_command_words_and_with_what_was_stopped(self, store: Store) -> None:
        await open_chat(store)
        await answered(store, written("one"))
        await store.turns.accept(
            written("YES ABCDE", target=Target.COMMAND, lane="refused/alice", session_id=None, reason="done")
        )
        await answered(store, written("two"), "so far", state=TurnState.CANCELLED, why="interrupted")
        await answered(store, written("three"), "", state=TurnState.CANCELLED, why="interrupted")
        await answered(store, written("four"), "", state=TurnState.INTERRUPTED, why="a restart; find had started")
        await answered(store, written("five"), "", state=TurnState.FAILED, why="the model is away")
        assert await read_by_the_model(store) == [
            ("one", "fine"),
            ("two", "so far\n\n(stopped by the user)"),
            ("three", "(stopped by the user)"),
            ("four", "(a restart; find had started)"),
        ]
        assert await read_by_the_model(store, limit=1) == [("four", "(a restart; find had started)")]

    async def test_pages_end_before_a_message_or_an_answer(self, store: Store) -> None:
        await open_chat(store)
        for number in range(3):
            await answered(store, written(str(number)))
        last = (await store.chats.history(C1, limit=1, before=None))[0].result
        assert await texts(store, limit=1, before=last.turn.message_id) == [("1", "fine")]
        assert await texts(store, limit=5, before=last.answer_id) == [("0", "fine"), ("1", "fine")]
        assert await texts(store, before=MessageId("nobody's")) == []

    async def test_answers_have_their_tool_calls_and_a_page_is_bounded(self, store: Store) -> None:
        await open_chat(store)
        for number in range(2):
            accepted = await store.turns.accept(written(str(number), start=True))
            assert accepted.started is not None
            turn_id, tool_use_id = accepted.started.id, f"t{number}"
            started = ToolStarted(tool_use_id=tool_use_id, name="find", input={}, reads=True)
            rows = {"rows": "x" * (MOST_ARTIFACTS * 2 // 3)}
            await store.tool_calls.started(turn_id, started, now_ms=NOW)
            await store.tool_calls.finished(
                turn_id, ToolFinished(tool_use_id=tool_use_id, failed=False, result="many", structured=rows), now_ms=NOW
            )
            await store.turns.finish(turn_id, outcome())
        (older,), (newer,) = (entry.calls for entry in await store.chats.history(C1, limit=9, before=None))
        assert (older.result, older.artifact) == ("many", None)
        assert newer.artifact is not None
        ((alone,),) = (entry.calls for entry in await store.chats.history(C1, limit=1, before=None))
        assert alone.artifact == newer.artifact
        await store.chats.delete(C1, by=ALICE, now_ms=NOW)
        assert await store.tool_calls.of_turns([1, 2]) == {}

    async def test_an_edited_message_replaces_what_came_after_it_and_costs_stay(self, store: Store) -> None:
        await open_chat(store)
        await answered(store, written("one"))
        second = await answered(store, written("two"), charges=[charge(nanos=500)])
        await answered(store, written("three"))
        await answered(store, written("two, in other words", supersedes=Superseding(first=second, why="")), "better")
        assert await texts(store) == [("one", "fine"), ("two, in other words", "better")]
        assert await read_by_the_model(store) == [("one", "fine"), ("two, in other words", "better")]
        assert await store.chats.count(C1) == 4
        record = await store.sessions.get(C1)
        assert record is not None
        assert (record.message_count, record.cost_nanos) == (4, 500)
        assert await store.ledger.disagreements() == []

    async def test_unfinished_turns_are_found_in_order(self, store: Store) -> None:
        await open_chat(store)
        await with_session(store, "s1", thread=C1)
        await answered(store, written("done"))
        first = await store.turns.accept(written("one"))
        second = await store.turns.accept(prompt(channel=CHAT, thread=C1))
        await store.turns.start_next(C1, None, now_ms=NOW)
        assert [turn.message_id for turn in await store.chats.unfinished(C1)] == [first.message_id, second.message_id]
        found = await store.chats.find(C1, first.message_id)
        assert found is not None
        assert found.text == "one"
        assert await store.chats.find(SessionId("c2"), first.message_id) is None

    async def test_a_chat_of_another_user_takes_no_message(self, store: Store) -> None:
        await open_chat(store)
        with pytest.raises(SessionNotFound):
            await store.turns.accept(written(user_id=UserId("bob")))
        with pytest.raises(SessionNotFound):
            await store.turns.accept(written(session_id=SessionId("c2"), lane="c2", thread="c2"))
        assert await store.chats.count(C1) == 0

    async def test_a_deleted_chat_is_gone_with_its_texts_and_keeps_its_costs(self, store: Store) -> None:
        await open_chat(store)
        await answered(store, written("a secret", title="a secret"), "another secret", charges=[charge(nanos=500)])
        await store.turns.accept(
            written("STATUS", target=Target.COMMAND, lane="refused/alice", session_id=None, reason="a third secret")
        )
        running = await store.turns.accept(written("a fourth", start=True))
        assert running.started is not None
        reference = Reference(reference="entity-1", person="a", name="Ann Lee")
        await store.references.add(C1, [reference])
        await store.references.add("another", [reference])
        assert await store.chats.delete(C1, by=ALICE, now_ms=NOW) is True
        assert await store.references.known(C1) == []
        assert await store.references.known("another") == [reference]
        assert await store.chats.delete(C1, by=ALICE, now_ms=NOW) is False
        await store.turns.finish(running.started.id, outcome(answer="a fifth secret", charges=[charge("c9", 3)]))
        assert await store.sessions.get(C1) is None
        assert await store.sessions.list(active_only=False) == []
        assert await store.chats.history(C1, limit=9, before=None) == []
        assert await store.chats.rename(C1, "again", now_ms=NOW) is None
        stored = await store.turns.result(running.message_id)
        assert stored is not None
        assert (stored.turn.text, stored.answer, stored.cost_nanos) == ("", "", 3)
        assert await store.ledger.disagreements() == []
        again = new_session("c1", kind=SessionKind.CHAT)
        assert await store.sessions.create(again, status=SessionStatus.IDLE, now_ms=NOW) is None

    async def test_lists_name_chats_in_which_something_was_asked(self, store: Store) -> None:
        await open_chat(store, "c0")
        await open_chat(store)
        await with_session(store, "s1")
        await store.turns.accept(written("hello", title="hello"))
        everything = await store.sessions.list(active_only=False)
        assert {(one.id, one.kind) for one in everything} == {("c1", SessionKind.CHAT), ("s1", SessionKind.CLAUDE_CODE)}
        assert [one.id for one in await store.sessions.list(kind=SessionKind.CHAT)] == ["c1"]
        assert [one.id for one in await store.sessions.list(recent_ms=NOW + 1)] == ["s1"]
        renamed = await store.chats.rename(C1, "better", now_ms=NOW)
        assert renamed is not None
        assert renamed.title == "better"

    async def test_chats_have_no_process_that_counts_or_ends(self, store: Store) -> None:
        await open_chat(store)
        await with_session(store, "s1")
        assert await store.sessions.live_count() == 1
        await end_node(store, store.epoch)
        assert await store.sessions.end_dead(EndReason.CRASH, now_ms=NOW) == 1
        chat = await store.sessions.get(C1)
        assert chat is not None
        assert chat.status is SessionStatus.IDLE

    async def test_the_next_message_opens_a_chat_that_was_stopped(self, store: Store) -> None:
        await open_chat(store)
        await store.sessions.set_status(C1, SessionStatus.DISCONNECTED, reason=EndReason.USER, now_ms=NOW)
        await store.turns.accept(written())
        chat = await store.sessions.get(C1)
        assert chat is not None
        assert (chat.status, chat.end_reason, chat.ended_ms) == (SessionStatus.IDLE, "", None)

    async def test_a_chat_in_which_nothing_was_written_is_forgotten_after_a_week(self, store: Store) -> None:
        await open_chat(store)
        await open_chat(store, "c2")
        await store.turns.accept(written("x", thread="c2", lane="c2", session_id=SessionId("c2")))
        await store.purge(before_ms=NOW + 6 * 86_400_000)
        assert await store.sessions.get(C1) is not None
        await store.purge(before_ms=NOW + 8 * 86_400_000)
        assert await store.sessions.get(C1) is None
        assert await store.sessions.get(SessionId("c2")) is not None
