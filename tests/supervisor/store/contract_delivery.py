"""The contract of sessions and of replies on their way."""

from __future__ import annotations

from dataclasses import replace

from supervisor.protocol.messages import Address, Delivery, OutboxId, ProjectName, SessionId, UserId
from supervisor.protocol.status import EndReason, OutboxState, SessionStatus
from supervisor.store.port import Store
from supervisor.store.ports.ledger import CostQuery
from supervisor.store.ports.outbox import LONGEST_PAUSE_MS
from tests.supervisor.store.builders import (
    NOW,
    PHONE,
    charge,
    draft,
    end_node,
    new_session,
    outcome,
    question,
    running,
    with_session,
)
from tests.supervisor.store.contract_base import ContractBase


class DeliveryContract(ContractBase):
    """Sessions and the outbox."""

    # Sessions

    async def test_a_session_is_found_until_it_is_ended_on_purpose(self, store: Store) -> None:
        await with_session(store)
        ends = {EndReason.IDLE: True, EndReason.CRASH: True, EndReason.USER: False, EndReason.BUDGET: False}
        for reason, found in ends.items():
            await store.sessions.set_status(SessionId("s1"), SessionStatus.DISCONNECTED, reason=reason, now_ms=NOW + 9)
            session = await store.sessions.get(SessionId("s1"))
            assert session is not None
            assert session.end_reason == reason
            assert (await store.sessions.find(UserId("alice"), ProjectName("shop"), "") is not None) is found
        assert await store.sessions.find(UserId("bob"), ProjectName("shop"), "") is None

    async def test_a_session_is_found_by_its_mail_thread(self, store: Store) -> None:
        await with_session(store, "s1", thread="<1@example.org>")
        session = await store.sessions.find_in_thread(UserId("alice"), "<1@example.org>")
        assert session is not None
        assert session.id == "s1"
        assert await store.sessions.find_in_thread(UserId("bob"), "<1@example.org>") is None

    async def test_a_live_session_has_no_end(self, store: Store) -> None:
        await with_session(store)
        await store.sessions.set_status(
            SessionId("s1"), SessionStatus.DISCONNECTED, reason=EndReason.IDLE, now_ms=NOW + 9
        )
        await store.sessions.set_status(
            SessionId("s1"), SessionStatus.ACTIVE, started=True, conversation_id="c2", now_ms=NOW + 20
        )
        session = await store.sessions.get(SessionId("s1"))
        assert session is not None
        assert (session.ended_ms, session.end_reason, session.started) == (None, "", True)
        assert (session.conversation_id, session.activity_ms) == ("c2", NOW + 20)
        await store.sessions.set_status(SessionId("none"), SessionStatus.IDLE, now_ms=NOW)
        assert await store.sessions.get(SessionId("none")) is None

    async def test_sessions_are_listed_by_activity_in_pages(self, store: Store) -> None:
        for n in range(5):
            await store.sessions.create(new_session(f"s{n}"), status=SessionStatus.IDLE, now_ms=NOW + n // 2)
        await store.sessions.set_status(SessionId("s4"), SessionStatus.ERROR, reason="broke", now_ms=NOW + 9)
        everything = await store.sessions.list(active_only=False)
        assert [session.id for session in everything] == ["s4", "s3", "s2", "s1", "s0"]
        assert [session.id for session in await store.sessions.list()] == ["s3", "s2", "s1", "s0"]
        for n in range(5):
            mark = everything[n]
            page = await store.sessions.list(
                user_id=UserId("alice"), active_only=False, limit=2, before=(mark.activity_ms, mark.id)
            )
            assert page == everything[n + 1 : n + 3]
        assert await store.sessions.live_count() == 4
        assert await store.sessions.live_count(UserId("bob")) == 0

    async def test_every_live_session_of_a_dead_node_is_ended(self, store: Store) -> None:
        for n in range(3):
            await with_session(store, f"s{n}")
        await store.sessions.set_status_many(
            [SessionId("s0")], SessionStatus.DISCONNECTED, reason=EndReason.USER, now_ms=NOW
        )
        assert await store.sessions.end_dead(EndReason.CRASH, now_ms=NOW) == 0
        await end_node(store, store.epoch)
        assert await store.sessions.end_dead(EndReason.CRASH, now_ms=NOW) == 2
        reasons = {session.id: session.end_reason for session in await store.sessions.list(active_only=False)}
        assert reasons == {"s0": EndReason.USER, "s1": EndReason.CRASH, "s2": EndReason.CRASH}

    # Outbox

    async def test_of_two_replies_with_one_id_the_first_stays(self, store: Store) -> None:
        await store.outbox.add(draft("o1"), user_id=UserId("alice"), now_ms=NOW)
        await store.outbox.add(replace(draft("o1"), text="another"), user_id=UserId("alice"), now_ms=NOW)
        assert [row.text for row in await store.outbox.due("sms", now_ms=NOW, limit=9)] == ["hello"]

    async def test_a_reply_is_sent_and_delivered(self, store: Store) -> None:
        await store.outbox.add(draft("o1", not_before_ms=NOW + 50), user_id=UserId("alice"), now_ms=NOW)
        assert await store.outbox.due("sms", now_ms=NOW + 49, limit=9) == []
        assert await store.outbox.next_due_ms("sms") == NOW + 50
        row = await store.outbox.begin(OutboxId("o1"), now_ms=NOW + 50)
        assert row is not None
        assert (row.state, row.attempts, row.sending_ms, row.to) == (OutboxState.SENDING, 1, NOW + 50, PHONE)
        assert await store.outbox.begin(OutboxId("o1"), now_ms=NOW) is None
        assert [left.id for left in await store.outbox.sending("sms")] == ["o1"]
        assert await store.outbox.sent(OutboxId("o1"), "SM9", "more:120", [charge("o1/1", None)], now_ms=NOW)
        cut = await store.outbox.last_cut("sms", PHONE)
        assert cut is not None
        assert (cut.id, cut.note, cut.text) == ("o1", "more:120", "hello")
        report = Delivery(provider_id="SM9", state="delivered", price_nanos=7_500)
        done = await store.outbox.delivered("sms", report, now_ms=NOW)
        assert done is not None
        assert done.state is OutboxState.DELIVERED
        assert (await store.ledger.cost(CostQuery(user_id=UserId("alice"))))[0].cost_nanos == 7_500
        assert await store.outbox.delivered("sms", report, now_ms=NOW) is not None
        assert (await store.ledger.cost(CostQuery()))[0].cost_nanos == 7_500

    async def test_what_was_sent_to_an_address_lately_is_found_the_newest_first(self, store: Store) -> None:
        for n in range(4):
            await store.outbox.add(draft(f"o{n}"), user_id=UserId("alice"), now_ms=NOW)
        for n in range(3):
            await store.outbox.begin(OutboxId(f"o{n}"), now_ms=NOW)
        for n in range(2):
            await store.outbox.sent(OutboxId(f"o{n}"), f"SM{n}", "", [], now_ms=NOW)
        # o2 may be with its recipient before the provider has answered us.
        assert [row.id for row in await store.outbox.recent("sms", PHONE)] == ["o2", "o1", "o0"]
        assert await store.outbox.recent("mail", PHONE) == []
        assert await store.outbox.recent("sms", Address(kind="sms", value="+15550199")) == []

    async def test_a_report_moves_a_reply_forward_only(self, store: Store) -> None:
        await store.outbox.add(draft("o1"), user_id=None, now_ms=NOW)
        await store.outbox.begin(OutboxId("o1"), now_ms=NOW)
        await store.outbox.sent(OutboxId("o1"), "SM9", "", [], now_ms=NOW)
        for state, expected in (("undelivered", "undelivered"), ("sent", "undelivered"), ("delivered", "undelivered")):
            row = await store.outbox.delivered("sms", Delivery(provider_id="SM9", state=state), now_ms=NOW)
            assert row is not None
            assert row.state == expected
        assert await store.outbox.delivered("sms", Delivery(provider_id="SM0", state="sent"), now_ms=NOW) is None
        assert await store.outbox.delivered("mail", Delivery(provider_id="SM9", state="sent"), now_ms=NOW) is None

    async def test_a_report_that_comes_before_the_providers_answer_is_kept(self, store: Store) -> None:
        await store.outbox.add(draft("o1"), user_id=None, now_ms=NOW)
        await store.outbox.begin(OutboxId("o1"), now_ms=NOW)
        report = Delivery(outbox_id=OutboxId("o1"), provider_id="SM9", state="delivered", price_nanos=70)
        assert await store.outbox.delivered("sms", report, now_ms=NOW) is not None
        assert await store.outbox.sending("sms") == []
        assert await store.outbox.sent(OutboxId("o1"), "SM9", "", [charge("o1/1", 66)], now_ms=NOW)
        assert (await store.ledger.cost(CostQuery()))[0].cost_nanos == 70

    async def test_a_provider_id_belongs_to_one_reply(self, store: Store) -> None:
        for name in ("o1", "o2"):
            await store.outbox.add(draft(name), user_id=None, now_ms=NOW)
            await store.outbox.begin(OutboxId(name), now_ms=NOW)
        assert await store.outbox.sent(OutboxId("o1"), "SM9", "", [], now_ms=NOW)
        assert not await store.outbox.sent(OutboxId("o2"), "SM9", "", [charge()], now_ms=NOW)
        assert [row.id for row in await store.outbox.sending("sms")] == ["o2"]
        assert (await store.ledger.cost(CostQuery()))[0].cost_nanos == 0

    async def test_a_late_outcome_of_an_earlier_attempt_changes_nothing(self, store: Store) -> None:
        await store.outbox.add(draft("o1"), user_id=None, now_ms=NOW)
        o1 = OutboxId("o1")
        await store.outbox.begin(o1, now_ms=NOW)
        assert await store.outbox.retry(o1, "busy", not_before_ms=NOW, count=True, attempt=1)
        await store.outbox.begin(o1, now_ms=NOW)
        assert not await store.outbox.retry(o1, "busy", not_before_ms=NOW, count=True, attempt=1)
        assert not await store.outbox.dead(o1, "gave up", now_ms=NOW, attempt=1)
        assert not await store.outbox.sent(o1, "SM1", "", [charge()], now_ms=NOW, attempt=1)
        (row,) = await store.outbox.sending("sms")
        assert (row.attempts, row.provider_id) == (2, None)
        assert await store.outbox.sent(o1, "SM2", "", [], now_ms=NOW, attempt=2)

    async def test_a_reply_that_was_put_back_is_not_begun_before_its_time(self, store: Store) -> None:
        await store.outbox.add(draft("o1"), user_id=None, now_ms=NOW)
        (due,) = await store.outbox.due("sms", now_ms=NOW, limit=9)
        await store.outbox.begin(due.id, now_ms=NOW)
        for later in (1, LONGEST_PAUSE_MS):
            await store.outbox.retry(due.id, "away", not_before_ms=NOW + later, count=True)
            assert await store.outbox.begin(due.id, now_ms=NOW) is None
            assert await store.outbox.begin(due.id, now_ms=NOW + later) is not None

    async def test_a_reply_is_retried_parked_woken_and_given_up(self, store: Store) -> None:
        await store.outbox.add(draft("o1"), user_id=None, now_ms=NOW)
        await store.outbox.begin(OutboxId("o1"), now_ms=NOW)
        assert await store.outbox.retry(OutboxId("o1"), "busy", not_before_ms=NOW + 60_000, count=True)
        assert not await store.outbox.retry(OutboxId("o1"), "busy", not_before_ms=NOW, count=True)
        assert await store.outbox.wake("sms", Address(kind="sms", value="+1"), now_ms=NOW) == 0
        assert await store.outbox.wake("sms", PHONE, now_ms=NOW) == 1
        row = await store.outbox.begin(OutboxId("o1"), now_ms=NOW)
        assert row is not None
        assert (row.attempts, row.note) == (2, "busy")
        await store.outbox.retry(OutboxId("o1"), "offline", not_before_ms=NOW, count=False)
        (row,) = await store.outbox.due("sms", now_ms=NOW, limit=9)
        assert row.attempts == 1
        assert await store.outbox.dead(OutboxId("o1"), "gave up", now_ms=NOW)
        assert not await store.outbox.dead(OutboxId("o1"), "gave up", now_ms=NOW)
        counts = await store.outbox.counts()
        assert counts == {OutboxState.PENDING: 0, OutboxState.SENDING: 0, OutboxState.DEAD: 1}

    async def test_a_thread_is_found_by_the_reply_that_was_sent_in_it(self, store: Store) -> None:
        turn = await running(store, question(thread="<1@example.org>"))
        await store.turns.finish(turn.id, outcome(replies=[draft("o1", text=None)]))
        await store.outbox.begin(OutboxId("o1"), now_ms=NOW)
        await store.outbox.sent(OutboxId("o1"), "<r1>", "", [], now_ms=NOW)
        assert await store.outbox.find_thread("sms", ["<unknown>", "<r1>"]) == "<1@example.org>"
        assert await store.outbox.find_thread("sms", ["<unknown>"]) is None

    async def test_the_text_of_a_sent_reply_is_found_by_its_provider_id(self, store: Store) -> None:
        turn = await running(store, question())
        await store.turns.finish(turn.id, outcome(replies=[draft("o1", text="Run it?"), draft("o2", text="Done.")]))
        for outbox_id, provider_id in (("o1", "<r1>"), ("o2", "<r2>")):
            await store.outbox.begin(OutboxId(outbox_id), now_ms=NOW)
            await store.outbox.sent(OutboxId(outbox_id), provider_id, "", [], now_ms=NOW)
        found = await store.outbox.sent_replies("sms", ["<r2>", "<unknown>", "<r1>"])
        assert [row.text for row in found] == ["Done.", "Run it?"]
        assert await store.outbox.sent_replies("mail", ["<r1>"]) == []

    async def test_a_reply_is_known_by_its_own_id_before_its_send_is_confirmed(self, store: Store) -> None:
        turn = await running(store, question(thread="<1@example.org>"))
        await store.turns.finish(turn.id, outcome(replies=[draft("o1", text="Run it?")]))
        await store.outbox.begin(OutboxId("o1"), now_ms=NOW)
        names = ["<r1>", "o1"]
        assert await store.outbox.find_thread("sms", names) == "<1@example.org>"
        (sending,) = await store.outbox.sent_replies("sms", names)
        await store.outbox.sent(OutboxId("o1"), "<r1>", "", [], now_ms=NOW)
        (sent,) = await store.outbox.sent_replies("sms", names)
        assert (sending.text, sent.text) == ("Run it?", "Run it?")
        assert await store.outbox.find_thread("mail", names) is None
        assert await store.outbox.sent_replies("mail", names) == []
