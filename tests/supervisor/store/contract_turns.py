"""The contract of turns: accepted once, run in order, finished once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from supervisor.protocol.codes import CodeKind
from supervisor.protocol.errors import SessionNotFound
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import MessageId, ProjectName, SessionId, UserId
from supervisor.protocol.status import SessionStatus, Target, TurnState
from supervisor.store.port import Store
from supervisor.store.ports.audit import AuditFilter
from supervisor.store.ports.ledger import CostQuery
from supervisor.store.records.acceptance import Accepted
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.outcome import IssuedCode
from supervisor.store.records.result import StoredExchange
from supervisor.store.records.turn import CurrentTurn
from tests.supervisor.store.builders import (
    NOW,
    PROCESS,
    charge,
    draft,
    new_session,
    outcome,
    prompt,
    question,
    running,
    with_session,
)
from tests.supervisor.store.contract_base import ContractBase, Opener


def pairs(exchanges: Sequence[StoredExchange]) -> list[tuple[str, str]]:
    return [(exchange.prompt, exchange.answer) for exchange in exchanges]


class TurnsContract(ContractBase):
    """T1, T2 and T3, and who may do them."""

    # Accepting (T1)

    async def test_the_same_key_from_fifty_senders_at_once_is_one_turn(self, store: Store) -> None:
        await with_session(store)
        accepted = await asyncio.gather(*(store.turns.accept(prompt(dedup_key="SM1")) for _ in range(50)))
        assert len({a.message_id for a in accepted}) == 1
        assert [a.duplicate for a in accepted].count(False) == 1
        assert await store.turns.pending_count() == 1

    async def test_a_repetition_with_another_content_is_distinguished(self, store: Store) -> None:
        first = await store.turns.accept(question(dedup_key="k"))
        assert (await store.turns.accept(question(dedup_key="k"))).same
        other = await store.turns.accept(question(dedup_key="k", digest="d2"))
        assert (other.message_id, other.duplicate, other.same) == (first.message_id, True, False)

    async def test_a_key_belongs_to_its_channel_and_account(self, store: Store) -> None:
        await store.turns.accept(question(dedup_key="k"))
        assert not (await store.turns.accept(question(dedup_key="k", account="+15550199"))).duplicate
        assert not (await store.turns.accept(question(dedup_key="k", channel="mail"))).duplicate

    async def test_a_key_counts_until_its_time_is_over(self, store: Store) -> None:
        accepted = question(dedup_key="k", dedup_seconds=10.0)
        await store.turns.accept(accepted)
        assert (await store.turns.accept(replace(accepted, now_ms=NOW + 9_999))).duplicate
        again = replace(accepted, now_ms=NOW + 10_000, message_id=MessageId(uuid7()))
        assert not (await store.turns.accept(again)).duplicate

    async def test_a_known_key_is_found_again(self, store: Store) -> None:
        accepted = await store.turns.accept(question(dedup_key="k", digest="said"))
        found = Accepted(message_id=accepted.message_id, duplicate=True)
        assert await store.turns.known("sms", "+15550100", "k", "said") == found
        assert await store.turns.known("sms", "+15550100", "k", "said otherwise") == replace(found, same=False)
        assert await store.turns.known("sms", "+15550100", "other", "said") is None

    async def test_a_duplicate_survives_a_restart(self, opener: Opener) -> None:
        store = await opener()
        first = await store.turns.accept(question(dedup_key="k"))
        await store.close()
        store = await opener()
        assert (await store.turns.accept(question(dedup_key="k"))).message_id == first.message_id
        await store.close()

    async def test_a_message_creates_its_session(self, store: Store) -> None:
        await store.turns.accept(prompt("new", new_session=new_session("new", thread="t")))
        session = await store.sessions.get(SessionId("new"))
        assert session is not None
        assert (session.status, session.message_count, session.thread) == (SessionStatus.CONNECTING, 1, "t")

    async def test_a_message_for_an_unknown_session_is_refused_and_leaves_nothing(self, store: Store) -> None:
        with pytest.raises(SessionNotFound):
            await store.turns.accept(prompt("nowhere", dedup_key="k"))
        assert await store.turns.pending_count() == 0
        assert await store.turns.known("sms", "+15550100", "k", "") is None

    async def test_a_refused_message_is_answered_and_never_runs(self, store: Store) -> None:
        refused = question(target=Target.REFUSED, reason="operators may not prompt", refusals=[draft(text="no")])
        accepted = await store.turns.accept(refused)
        result = await store.turns.result(accepted.message_id)
        assert result is not None
        assert (result.turn.state, result.why) == (TurnState.CANCELLED, "operators may not prompt")
        (reply,) = await store.outbox.due("sms", now_ms=NOW, limit=10)
        assert (reply.text, reply.message_id, reply.user_id) == ("no", accepted.message_id, "alice")
        assert await store.turns.start_next(refused.lane, None, now_ms=NOW) is None
        assert (await store.ledger.cost(CostQuery()))[0].message_count == 0

    async def test_a_command_is_completed_at_once_and_no_exchange(self, store: Store) -> None:
        command = question(target=Target.COMMAND, refusals=[draft(text="nothing runs")])
        result = await store.turns.result((await store.turns.accept(command)).message_id)
        assert result is not None
        assert (result.turn.state, result.answer) == (TurnState.COMPLETED, "nothing runs")
        assert await store.turns.exchanges(command.lane, limit=5) == []

    async def test_start_runs_a_message_at_once_where_nothing_is_in_its_way(self, store: Store) -> None:
        await with_session(store)
        first = prompt(start=True, identity=PROCESS, note="a picture was left out", context={"ticket": 7})
        started = (await store.turns.accept(first)).started
        assert started is not None
        assert (started.state, started.identity, started.text) == (TurnState.RUNNING, PROCESS, "run the tests")
        result = await store.turns.result(first.message_id)
        assert result is not None
        assert result.turn == started
        assert (await store.turns.accept(prompt(start=True))).started is None
        assert await store.turns.start_next("s1", PROCESS, now_ms=NOW) is None

    # Starting (T2)

    async def test_messages_of_a_lane_run_one_at_a_time_in_the_order_of_acceptance(self, store: Store) -> None:
        await with_session(store)
        sent = [(await store.turns.accept(prompt(text=f"{n}"))).message_id for n in range(5)]
        ran = []
        for _ in sent:
            turns = await asyncio.gather(*(store.turns.start_next("s1", PROCESS, now_ms=NOW) for _ in range(3)))
            (turn,) = [turn for turn in turns if turn is not None]
            ran.append(turn.message_id)
            assert await store.turns.finish(turn.id, outcome()) is not None
        assert ran == sent

    async def test_one_exclusive_turn_runs_per_project(self, store: Store) -> None:
        for name in ("s1", "s2", "s3"):
            await with_session(store, name)
        first = await running(store, prompt("s1", exclusive=True))
        await store.turns.accept(prompt("s2", exclusive=True))
        assert await store.turns.start_next("s2", None, now_ms=NOW) is None
        assert (await store.turns.accept(prompt("s3", exclusive=False, start=True))).started is not None
        await store.turns.finish(first.id, outcome())
        assert await store.turns.start_next("s2", None, now_ms=NOW) is not None

    async def test_a_message_does_not_overtake_the_one_that_waits_for_its_project(self, store: Store) -> None:
        for name in ("s1", "s2"):
            await with_session(store, name)
        await store.turns.accept(prompt("s1", exclusive=True))
        assert (await store.turns.accept(prompt("s2", exclusive=True, start=True))).started is None

    async def test_waiting_lanes_are_returned_oldest_first(self, store: Store) -> None:
        for name in ("b", "a"):
            await with_session(store, name)
            await store.turns.accept(prompt(name))
        await store.turns.accept(prompt("b"))
        assert await store.turns.waiting_lanes() == [("b", "shop"), ("a", "shop")]

    async def test_waiting_turns_are_cancelled_with_a_notice(self, store: Store) -> None:
        await with_session(store)
        accepted = await store.turns.accept(prompt())
        (waiting,) = [await store.turns.result(accepted.message_id)]
        assert waiting is not None
        assert await store.turns.cancel(waiting.turn.id, "expired", [draft(text="too late")], now_ms=NOW)
        assert not await store.turns.cancel(waiting.turn.id, "expired", [draft()], now_ms=NOW)
        assert [row.text for row in await store.outbox.due("sms", now_ms=NOW, limit=9)] == ["too late"]
        await store.turns.accept(prompt())
        (cancelled,) = await store.turns.cancel_pending("s1", "ABORT", now_ms=NOW)
        assert cancelled.state is TurnState.CANCELLED
        assert [m.status for m in await store.turns.history(SessionId("s1"), limit=9, before=None)] == ["cancelled"] * 2

    # Finishing (T3)

    async def test_a_finished_turn_leaves_answer_cost_and_reply(self, store: Store) -> None:
        await with_session(store)
        turn = await running(store, prompt(context={"ticket": 7}))
        await store.ledger.journal(turn.id, charge("c1", 5, estimated=True))
        await store.ledger.journal(turn.id, charge("c1", 30))
        settled = await store.turns.finish(
            turn.id, outcome(charges=[charge("c2", 12)], replies=[draft(text=None)], duration_ms=900)
        )
        assert settled is not None
        assert (settled.cost_nanos, settled.tokens.input, settled.unpriced) == (42, 20, False)
        result = await store.turns.result(turn.message_id)
        assert result is not None
        assert (result.answer, result.answer_id, result.cost_nanos) == ("42 passed", settled.answer_id, 42)
        assert (result.duration_ms, result.ended_ms, result.turn.reply) == (900, NOW + 5, prompt().reply)
        asked, answered = await store.turns.history(SessionId("s1"), limit=9, before=None)
        assert (asked.id, asked.direction, asked.cost_nanos, asked.status, asked.context) == (
            turn.message_id,
            "to_claude",
            None,
            "completed",
            {"ticket": 7},
        )
        assert (answered.id, answered.direction, answered.message) == (settled.answer_id, "from_claude", "42 passed")
        assert answered.cost_nanos == 42
        (reply,) = await store.outbox.due("sms", now_ms=NOW, limit=9)
        assert (reply.text, reply.message_id, reply.meta) == ("42 passed", turn.message_id, {"subject": "grüße"})
        session = await store.sessions.get(SessionId("s1"))
        assert session is not None
        assert (session.cost_nanos, session.message_count, session.activity_ms) == (42, 1, NOW + 5)
        assert await store.check() == []

    async def test_a_turn_is_finished_once(self, store: Store) -> None:
        await with_session(store)
        turn = await running(store, prompt())
        ends = await asyncio.gather(
            *(store.turns.finish(turn.id, outcome(charges=[charge(f"c{n}")], replies=[draft()])) for n in range(20))
        )
        assert len([end for end in ends if end is not None]) == 1
        assert len(await store.outbox.due("sms", now_ms=NOW, limit=99)) == 1
        assert (await store.ledger.cost(CostQuery()))[0].cost_nanos == 1_000

    async def test_a_turn_s_end_issues_a_code_once_and_the_message_that_answers_it_closes_it(
        self, store: Store
    ) -> None:
        await with_session(store)
        turn = await running(store, prompt())

        def notices(code: str) -> list[OutboxDraft]:
            return [draft(text=f"reply {code}")]

        asking = IssuedCode(kind=CodeKind.TURN, ref=turn.message_id, until_ms=NOW + 100, notices=notices)
        ended = outcome(TurnState.INTERRUPTED, asking=asking)
        assert await store.turns.finish(turn.id, ended) is not None
        assert await store.turns.finish(turn.id, ended) is None
        (code,) = await store.codes.open_of(turn.user_id, CodeKind.TURN, now_ms=NOW)
        assert (code.ref, code.until_ms) == (turn.message_id, NOW + 100)
        assert [row.text for row in await store.outbox.due("sms", now_ms=NOW, limit=9)] == [f"reply {code.code}"]
        await store.turns.accept(prompt(dedup_key="SM1", closes=code.code, now_ms=NOW + 9))
        closed = await store.codes.find(code.code)
        assert closed is not None
        assert closed.closed_ms == NOW + 9

    async def test_interruptions_of_a_session_are_counted_and_the_last_end_is_known(self, store: Store) -> None:
        await with_session(store)
        await with_session(store, "s2")
        assert not await store.turns.was_cut_off(SessionId("s1"))
        for number, state in enumerate((TurnState.INTERRUPTED, TurnState.COMPLETED, TurnState.INTERRUPTED)):
            turn = await running(store, prompt())
            await store.turns.finish(turn.id, outcome(state, now_ms=NOW + number))
            assert await store.turns.was_cut_off(SessionId("s1")) is (state is TurnState.INTERRUPTED)
        await store.turns.accept(prompt())  # what waits has not ended
        assert await store.turns.was_cut_off(SessionId("s1"))
        assert await store.turns.interruptions(SessionId("s1"), since_ms=NOW - 1) == 2
        assert await store.turns.interruptions(SessionId("s1"), since_ms=NOW) == 1
        assert await store.turns.interruptions(SessionId("s2"), since_ms=0) == 0

    async def test_the_end_of_a_turn_may_end_its_session_for_a_reason_of_its_own(self, store: Store) -> None:
        await with_session(store)
        turn = await running(store, prompt())
        ended = outcome(
            TurnState.INTERRUPTED, why="cut off", session_status=SessionStatus.ERROR, session_reason="look at it"
        )
        await store.turns.finish(turn.id, ended)
        session = await store.sessions.get(SessionId("s1"))
        assert session is not None
        assert (session.status, session.end_reason) == (SessionStatus.ERROR, "look at it")

    async def test_a_failed_turn_keeps_the_partial_text_or_says_why(self, store: Store) -> None:
        await with_session(store)
        for partial, shown in (("half an", "half an"), ("", "the process died")):
            turn = await running(store, prompt())
            await store.turns.finish(turn.id, outcome(TurnState.FAILED, answer=partial, why="the process died"))
            result = await store.turns.result(turn.message_id)
            assert result is not None
            assert (result.answer, result.why) == (partial, "the process died")
            (answer,) = await store.turns.history(SessionId("s1"), limit=1, before=None)
            assert (answer.message, answer.status) == (shown, "failed")

    async def test_an_assistants_exchanges_are_its_history(self, store: Store) -> None:
        for n in range(3):
            turn = await running(store, question(text=f"q{n}"))
            settled = await store.turns.finish(turn.id, outcome(answer=f"a{n}", replies=[draft(text=None)]))
            assert settled is not None
            assert settled.answer_id is None
        assert pairs(await store.turns.exchanges("assistant/alice/sms", limit=2)) == [("q1", "a1"), ("q2", "a2")]
        for n in range(3):
            (row,) = await store.outbox.due("sms", now_ms=NOW, limit=9)  # the first in its line
            assert row.text == f"a{n}"
            assert await store.outbox.dead(row.id, "read", now_ms=NOW)

    async def test_a_sessions_exchanges_and_history_come_oldest_first(self, store: Store) -> None:
        await with_session(store)
        for n in range(3):
            turn = await running(store, prompt(text=f"q{n}"))
            await store.turns.finish(turn.id, outcome(answer=f"a{n}"))
        assert pairs(await store.turns.exchanges("s1", limit=2)) == [("q1", "a1"), ("q2", "a2")]
        page = await store.turns.history(SessionId("s1"), limit=2, before=None)
        assert [m.message for m in page] == ["q2", "a2"]
        page = await store.turns.history(SessionId("s1"), limit=3, before=page[0].id)
        assert [m.message for m in page] == ["a0", "q1", "a1"]

    async def test_the_newest_turn_of_a_user_that_runs_or_else_waits_is_found(self, store: Store) -> None:
        alice = UserId("alice")
        assert await store.turns.current(alice, "sms") is None
        await with_session(store)
        turn = await running(store, prompt())
        await store.turns.accept(prompt(channel="mail"))
        of_claude_code = CurrentTurn(target=Target.CLAUDE_CODE, session_id=SessionId("s1"))
        assert await store.turns.current(alice, "sms") == of_claude_code
        assert await store.turns.current(alice, "mail") == of_claude_code, "it waits"
        assert await store.turns.current(UserId("bob"), "sms") is None
        await running(store, question())
        assert await store.turns.current(alice, "sms") == CurrentTurn(target=Target.ASSISTANT, session_id=None)
        await store.turns.finish(turn.id, outcome())

    async def test_where_a_person_last_was_is_known(self, store: Store) -> None:
        assert await store.turns.last_project(UserId("alice")) is None
        await with_session(store)
        await with_session(store, "s2", project=ProjectName("site"))
        turn = await running(store, prompt("s1"))
        assert await store.turns.last_conversation(UserId("alice"), "sms") is None
        await store.turns.finish(turn.id, outcome())
        await store.turns.accept(prompt("s2", project=ProjectName("site"), channel="mail"))
        where = await store.turns.last_conversation(UserId("alice"), "sms")
        assert where is not None
        assert (where.session_id, where.project, where.answered_ms) == ("s1", "shop", NOW + 5)
        assert await store.turns.last_project(UserId("alice")) == "site"

    async def test_a_tool_call_is_in_the_audit_trail_with_the_time_it_took(self, store: Store) -> None:
        await with_session(store)
        turn = await running(store, prompt())
        call = {"id": "t1", "summary": "Bash make test", "hashes": ["x" * 64]}
        await store.turns.record_event(turn.id, "tool_allowed", call, now_ms=NOW)
        await store.turns.record_event(turn.id, "tool_started", call, now_ms=NOW)
        await store.turns.record_event(turn.id, "tool_finished", {"id": "t1", "failed": True}, now_ms=NOW + 70)
        entries = await store.audit.entries(after=0, limit=99, where=AuditFilter(event="tool"))
        told = {"turn": turn.id, "id": "t1", "summary": "Bash make test", "channel": "sms"}
        assert [(entry.actor, entry.event, entry.detail) for entry in entries] == [
            (turn.user_id, "tool.allowed", told),
            (turn.user_id, "tool.started", told),
            (turn.user_id, "tool.finished", {"turn": turn.id, "id": "t1", "failed": True, "ms": 70, "channel": "sms"}),
        ]

    async def test_a_tool_call_after_the_end_of_its_turn_is_in_the_audit_trail_alone(self, store: Store) -> None:
        await with_session(store)
        turn = await running(store, prompt())
        await store.turns.finish(turn.id, outcome())
        await store.turns.record_event(turn.id, "tool_allowed", {"id": "t1", "summary": "Bash make"}, now_ms=NOW)
        await store.turns.record_event(99, "tool_allowed", {"id": "t2"}, now_ms=NOW)
        (entry,) = await store.audit.entries(after=0, limit=99, where=AuditFilter(event="tool"))
        assert entry.detail == {"turn": turn.id, "id": "t1", "summary": "Bash make", "channel": "sms"}
        assert await store.turns.events(turn.id) == []

    async def test_events_of_a_turn_keep_their_order(self, store: Store) -> None:
        turn = await running(store, question())
        for n in range(3):
            await store.turns.record_event(turn.id, "tool_started", {"n": n}, now_ms=NOW)
        assert await store.turns.events(turn.id) == [("tool_started", {"n": n}) for n in range(3)]

    # Epochs

    async def test_an_earlier_epoch_changes_nothing_any_more(self, opener: Opener) -> None:
        old = await opener()
        await with_session(old)
        turn = await running(old, prompt())
        new = await opener()
        assert new.epoch == old.epoch + 1
        assert [left.id for left in await new.turns.unfinished()] == [turn.id]
        assert await new.turns.adopt(turn.id)
        assert await new.turns.unfinished() == []
        assert await old.turns.finish(turn.id, outcome(charges=[charge()])) is None
        assert not await old.turns.requeue(turn.id, now_ms=NOW)
        assert not await old.turns.adopt(turn.id)
        await old.ledger.journal(turn.id, charge("stale", 9))
        await old.turns.record_event(turn.id, "tool_stale", {}, now_ms=NOW)
        assert await new.turns.events(turn.id) == []
        assert await new.audit.entries(after=0, limit=9, where=AuditFilter(event="tool")) == []
        settled = await new.turns.finish(turn.id, outcome())
        assert settled is not None
        assert settled.cost_nanos == 0
        await old.close()
        await new.close()

    async def test_a_turn_of_an_earlier_epoch_can_be_finished_or_run_only_after_adoption(self, opener: Opener) -> None:
        old = await opener()
        turn = await running(old, question())
        await old.ledger.journal(turn.id, charge("c1", 7))
        await old.close()
        new = await opener()
        assert await new.turns.finish(turn.id, outcome()) is None
        assert not await new.turns.requeue(turn.id, now_ms=NOW)
        assert await new.turns.adopt(turn.id)
        assert await new.turns.requeue(turn.id, now_ms=NOW)
        again = await new.turns.start_next(turn.lane, None, now_ms=NOW)
        assert again is not None
        assert (again.id, again.attempts) == (turn.id, 1)
        settled = await new.turns.finish(turn.id, outcome(charges=[charge("c2", 5)]))
        assert settled is not None
        assert settled.cost_nanos == 12
        await new.close()
