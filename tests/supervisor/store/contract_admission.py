"""The contract of what goes before a message: rate limits, claims, and the conversation that it begins."""

from __future__ import annotations

from dataclasses import replace

from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import MessageId, SessionId, UserId
from supervisor.protocol.status import EndReason, SessionStatus
from supervisor.store.port import Store
from supervisor.store.records.acceptance import Acceptance, Attempt, RateLimit
from tests.supervisor.store.builders import NOW, new_session, prompt, question
from tests.supervisor.store.contract_base import ContractBase, Opener

TWO = RateLimit(per_minute=2, per_hour=100)


def word(**fields: object) -> Attempt:
    """Return a command word of alice."""
    values = {"channel": "sms", "account": "+15550100", "dedup_key": "SM1", "digest": "d1", "user_id": UserId("alice")}
    return Attempt(**{**values, "limit": None, "now_ms": NOW, **fields})  # type: ignore[arg-type]


def first_of(session_id: str, **fields: object) -> Acceptance:
    """Return a message that is to begin a conversation of alice in the project `shop`."""
    return prompt(session_id, new_session=new_session(session_id, **fields))


class AdmissionContract(ContractBase):
    """What T1 looks at before it writes."""

    async def waits(self, store: Store, at_ms: int, limit: RateLimit = TWO, user_id: str = "alice") -> int:
        """Send a message under a limit; return the milliseconds to wait, 0 = it was accepted."""
        accepted = await store.turns.accept(question(limit=limit, user_id=UserId(user_id), now_ms=at_ms))
        return accepted.wait_ms

    async def test_a_message_over_its_limit_is_not_written(self, store: Store) -> None:
        assert [await self.waits(store, NOW + n) for n in range(3)] == [0, 0, 59_998]
        assert await store.turns.pending_count() == 2
        assert await self.waits(store, NOW + 3, user_id="bob") == 0

    async def test_the_window_moves_and_what_was_refused_does_not_count(self, store: Store) -> None:
        assert [await self.waits(store, NOW + seconds * 1000) for seconds in (0, 30, 40, 50)] == [0, 0, 20_000, 10_000]
        assert [await self.waits(store, NOW + seconds * 1000) for seconds in (60, 61)] == [0, 29_000]

    async def test_a_spent_hour_waits_longer_than_a_minute(self, store: Store) -> None:
        limit = RateLimit(per_minute=100, per_hour=2)
        assert [await self.waits(store, NOW + n, limit) for n in range(3)] == [0, 0, 3_599_998]

    async def test_a_clock_that_was_set_back_locks_nobody_out(self, store: Store) -> None:
        assert [await self.waits(store, NOW + n) for n in range(3)] == [0, 0, 59_998]
        assert await self.waits(store, NOW - 86_400_000) == 0

    async def test_a_limit_counts_over_a_restart(self, store: Store, opener: Opener) -> None:
        assert [await self.waits(store, NOW) for _ in range(2)] == [0, 0]
        await store.close()
        later = await opener()
        try:
            assert await self.waits(later, NOW + 1) > 0
        finally:
            await later.close()

    async def test_command_words_are_counted_apart(self, store: Store) -> None:
        words = replace(TWO, command=True)
        assert [await self.waits(store, NOW) for _ in range(2)] == [0, 0]
        for n in range(2):
            assert await store.turns.attempt(word(dedup_key=f"SM{n}", limit=words)) is None
        over = await store.turns.attempt(word(dedup_key="SM3", limit=words))
        assert over is not None
        assert over.wait_ms == 60_000
        assert await store.turns.attempt(word(dedup_key="SM3")) is None

    async def test_what_was_counted_is_forgotten_after_a_day(self, store: Store) -> None:
        assert [await self.waits(store, NOW) for _ in range(2)] == [0, 0]
        await store.purge(before_ms=NOW + 86_400_000)
        assert await self.waits(store, NOW) > 0
        await store.purge(before_ms=NOW + 86_400_001)
        assert await self.waits(store, NOW) == 0

    async def test_a_word_that_was_accepted_is_not_carried_out_again(self, store: Store) -> None:
        assert await store.turns.attempt(word()) is None
        accepted = await store.turns.accept(question(dedup_key="SM1"))
        again = await store.turns.attempt(word())
        assert again is not None
        assert (again.message_id, again.duplicate) == (accepted.message_id, True)

    async def test_what_a_later_start_has_claimed_an_earlier_one_leaves_alone(
        self, store: Store, opener: Opener
    ) -> None:
        later = await opener()
        try:
            assert await store.keys.claim("o", "k", now_ms=NOW) is True
            assert await later.keys.claim("o", "k", now_ms=NOW) is True  # the earlier start is over
            assert await store.keys.claim("o", "k", now_ms=NOW) is False
            assert await later.turns.attempt(word()) is None
            met = await store.turns.attempt(word())
            assert met is not None
            assert met.taken
            await store.turns.give_up(word())  # it has none
            assert await store.turns.attempt(word()) == met
            await later.turns.give_up(word())
            assert await store.turns.attempt(word()) is None
            await later.keys.keep_answer("o", "k", "d", 200, "{}", now_ms=NOW)
            assert await store.keys.claim("o", "k", now_ms=NOW) is True
            await store.keys.release("o", "k")
        finally:
            await later.close()

    async def test_a_conversation_begins_once(self, store: Store) -> None:
        assert (await store.turns.accept(first_of("s1"))).written
        second = await store.turns.accept(first_of("s2"))
        assert second.moved
        assert not second.written
        assert await store.sessions.get(SessionId("s2")) is None
        assert await store.turns.pending_count() == 1
        for other in ({"thread": "t"}, {"user_id": UserId("bob")}, {"project_path": "/srv/elsewhere"}):
            assert (await store.turns.accept(first_of(f"s{uuid7()}", **other))).written

    async def test_a_shared_conversation_begins_once_for_all(self, store: Store) -> None:
        assert (await store.turns.accept(first_of("s1", shared=True))).written
        assert (await store.turns.accept(first_of("s2", shared=True, user_id=UserId("bob")))).moved

    async def test_a_conversation_that_was_ended_begins_anew(self, store: Store) -> None:
        await store.turns.accept(first_of("s1"))
        await store.sessions.set_status(
            SessionId("s1"), SessionStatus.DISCONNECTED, reason=EndReason.USER, now_ms=NOW + 1
        )
        anew = replace(first_of("s2"), message_id=MessageId(uuid7()))
        assert (await store.turns.accept(anew)).written
