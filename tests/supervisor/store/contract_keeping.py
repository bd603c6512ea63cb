"""The contract of money, accounts, audit, keys and copies."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from supervisor.protocol.errors import NotAllowed, SessionNotFound, StorageError, UserNotFound
from supervisor.protocol.messages import Address, ProjectName, SessionId, UserId
from supervisor.protocol.status import Role, SessionStatus, TurnState
from supervisor.store.port import Store
from supervisor.store.ports.ledger import CostLine, CostQuery
from supervisor.store.records.acceptance import Accepted
from supervisor.store.records.accounts import User
from supervisor.store.records.session import NewSession
from supervisor.store.records.tool_call import Reference
from tests.supervisor.store.builders import (
    DAY,
    NOW,
    PHONE,
    charge,
    outcome,
    prompt,
    question,
    running,
    with_session,
)
from tests.supervisor.store.contract_base import ContractBase, Opener


class KeepingContract(ContractBase):
    """What is kept and added up."""

    # References to people

    async def test_references_are_kept_in_order_for_each_conversation(self, store: Store) -> None:
        ann = Reference(reference="entity-1", person="a", name="")
        named = Reference(reference="entity-1", person="a", name="Ann Lee")
        number = Reference(reference="entity-2", person=5, name="")
        nameless = Reference(reference="", person=None, name="Carl Ray")
        await store.references.add("one", [ann, number])
        await store.references.add("one", [named, nameless, ann, nameless])
        await store.references.add("two", [number])
        assert await store.references.known("one") == [ann, number, named, nameless]
        assert await store.references.known("two") == [number]
        await store.references.forget("one")
        assert await store.references.known("one") == []
        assert await store.references.known("two") == [number]

    # Folders of projects

    async def test_sessions_follow_the_folder_of_their_project(self, store: Store) -> None:
        site, web = ProjectName("site"), ProjectName("web")
        for session, project, path in (
            ("root", site, "/a/site"),
            ("below", site, "/a/site/site"),
            ("lost", site, "/a/site2"),
            ("other", web, "/a/site"),
        ):
            new = NewSession(
                id=SessionId(session),
                user_id=UserId("alice"),
                project=project,
                project_path=path,
                conversation_id=session,
            )
            await store.sessions.create(new, status=SessionStatus.IDLE, now_ms=NOW)
        assert await store.folders.move(site, "/a/site", before=None, now_ms=NOW) == 1  # the lost one
        assert await store.folders.move(site, "/b/site", before="/a/site", now_ms=NOW) == 3
        assert await store.folders.known() == {site: "/b/site"}
        paths = {session.id: session.project_path for session in await store.sessions.list()}
        assert paths == {"root": "/b/site", "below": "/b/site/site", "lost": "/b/site", "other": "/a/site"}
        for folder in ("/b", "/b/site"):  # the folder around it, and back
            await store.folders.move(site, folder, before=(await store.folders.known())[site], now_ms=NOW)
            paths = {session.id: session.project_path for session in await store.sessions.list()}
            assert paths == {"root": folder, "below": "/b/site/site", "lost": folder, "other": "/a/site"}

    # Money

    async def test_a_late_charge_reaches_every_sum_once(self, store: Store) -> None:
        await with_session(store)
        turn = await running(store, prompt())
        await store.turns.finish(turn.id, outcome(charges=[charge("c1", 10)]))
        assert await store.ledger.post(turn.id, charge("late", 5), user_id=None, now_ms=NOW)
        assert not await store.ledger.post(turn.id, charge("late", 5), user_id=None, now_ms=NOW)
        assert await store.ledger.post(None, charge("own", 3), user_id=UserId("bob"), now_ms=NOW)
        session = await store.sessions.get(SessionId("s1"))
        assert session is not None
        assert session.cost_nanos == 15
        _, rows = await store.ledger.cost(CostQuery(group_by="user"))
        assert [(row.key, row.cost_nanos, row.message_count) for row in rows] == [("alice", 15, 1), ("bob", 3, 0)]
        assert await store.ledger.disagreements() == []

    async def test_an_unpriced_charge_counts_nothing_and_says_so(self, store: Store) -> None:
        turn = await running(store, question())
        settled = await store.turns.finish(turn.id, outcome(charges=[charge("c1", None)]))
        assert settled is not None
        assert (settled.cost_nanos, settled.unpriced, settled.tokens.output) == (0, True, 5)

    async def test_an_unknown_cost_is_not_a_cost_of_nothing(self, store: Store) -> None:
        await with_session(store)
        for charges, known in (([charge("c1", None)], None), ([charge("c2", 0)], 0), ([], 0)):
            turn = await running(store, prompt())
            await store.turns.finish(turn.id, outcome(charges=charges))
            found = await store.turns.result(turn.message_id)
            assert found is not None
            assert found.known_nanos == known
            (answer,) = await store.turns.history(SessionId("s1"), limit=1, before=None)
            assert answer.cost_nanos == known
        assert await store.ledger.disagreements() == []

    async def test_costs_are_grouped_by_day(self, store: Store) -> None:
        for n in range(4):
            day = n * 86_400_000
            turn = await running(store, question(now_ms=NOW + day))
            await store.turns.finish(turn.id, outcome(charges=[charge(f"c{n}", n + 1)], now_ms=NOW + day))
        total, rows = await store.ledger.cost(CostQuery(group_by="day", since_day=DAY + 1, until_day=DAY + 3))
        assert total == CostLine(key="", cost_nanos=5, message_count=2, input_tokens=20, output_tokens=10)
        assert [(row.key, row.cost_nanos) for row in rows] == [("2025-11-22", 2), ("2025-11-23", 3)]
        _, rows = await store.ledger.cost(CostQuery(group_by="day", user_id=UserId("alice"), limit=2))
        assert [row.key for row in rows] == ["2025-11-23", "2025-11-24"]

    @pytest.mark.parametrize("seed", range(3))
    async def test_all_sums_agree_after_random_traffic(self, opener: Opener, seed: int) -> None:
        chance = random.Random(seed)
        store = await opener()
        users, channels = ("alice", "bob"), ("sms", "mail", "socket")
        for n in range(4):
            await with_session(store, f"s{n}", user_id=UserId(users[n % 2]))
        expected = 0
        day_ms = 0
        for n in range(120):
            day_ms += chance.choice((0, 0, 0, 86_400_000))
            session = chance.randrange(4)
            fields = {
                "user_id": UserId(users[session % 2]),
                "channel": chance.choice(channels),
                "now_ms": NOW + day_ms,
                "dedup_key": f"k{chance.randrange(200)}",
            }
            message = prompt(f"s{session}", **fields) if chance.random() < 0.7 else question(**fields)
            if (await store.turns.accept(message)).duplicate:
                continue
            turn = await store.turns.start_next(message.lane, None, now_ms=NOW + day_ms)
            if turn is None or chance.random() < 0.1:
                continue
            charges = [
                charge(f"c{n}/{i}", chance.choice((None, chance.randrange(10**9))), model=chance.choice(("a", "b")))
                for i in range(chance.randrange(3))
            ]
            for item in charges[:1]:
                await store.ledger.journal(turn.id, item)
            ended = chance.choice((TurnState.COMPLETED, TurnState.FAILED, TurnState.INTERRUPTED))
            await store.turns.finish(turn.id, outcome(ended, charges=charges[1:], now_ms=NOW + day_ms + 3_600_000))
            late = charge(f"late{n}", chance.randrange(10**9), model="sms", kind="sms")
            await store.ledger.post(turn.id, late, user_id=None, now_ms=NOW + day_ms + 2 * 86_400_000)
            expected += sum(item.nanos or 0 for item in [*charges, late])
            if chance.random() < 0.02:
                await store.close()
                store = await opener()
        assert await store.ledger.disagreements() == []
        everything = await store.ledger.cost(CostQuery())
        assert everything[0].cost_nanos == expected
        for group_by in ("user", "session", "day", "channel", "model", "project"):
            total, rows = await store.ledger.cost(CostQuery(group_by=group_by))
            assert total == everything[0]
            assert sum(row.cost_nanos for row in rows) == expected
            if group_by != "model":
                assert sum(row.message_count for row in rows) == total.message_count
            per_user = [
                await store.ledger.cost(CostQuery(user_id=UserId(user), group_by=group_by, since_day=0))
                for user in users
            ]
            assert sum(line.cost_nanos for line, _ in per_user) == expected
            assert sum(row.cost_nanos for _, found in per_user for row in found) == expected
            both = CostQuery(user_id=UserId("alice"), session_id=SessionId("s0"), group_by=group_by)
            alone = CostQuery(session_id=SessionId("s0"), group_by=group_by)
            assert (await store.ledger.cost(both))[0] == (await store.ledger.cost(alone))[0]
        await store.close()

    # Accounts

    async def test_users_are_kept_changed_and_removed(self, store: Store) -> None:
        alice = User(
            id=UserId("alice"),
            name="Alice",
            role=Role.ADMIN,
            addresses=(Address(kind="mail", value="a@example.org"), PHONE),
            projects=(ProjectName("shop"),),
            created_ms=NOW,
        )
        await store.accounts.put_user(alice, now_ms=NOW)
        assert await store.accounts.users() == [alice]
        changed = replace(alice, role=Role.OPERATOR, addresses=(PHONE,), projects=())
        await store.accounts.put_user(changed, now_ms=NOW + 1)
        assert await store.accounts.users() == [changed]
        bob = User(id=UserId("bob"), name="Bob", role=Role.COORDINATOR, addresses=(PHONE,))
        with pytest.raises(NotAllowed, match=r"sms:\+491701234567 belongs to another user"):
            await store.accounts.put_user(bob, now_ms=NOW)
        token = await store.accounts.add_token(b"h" * 32, "alice", UserId("alice"), now_ms=NOW, expires_ms=None)
        assert await store.accounts.remove_user(UserId("alice"), now_ms=NOW + 2)
        assert not await store.accounts.remove_user(UserId("alice"), now_ms=NOW + 2)
        assert await store.accounts.tokens() == [(b"h" * 32, replace(token, revoked_ms=NOW + 2))]
        await store.accounts.put_user(bob, now_ms=NOW)
        assert [user.id for user in await store.accounts.users()] == ["bob"]

    async def test_tokens_are_kept_and_revoked(self, store: Store) -> None:
        token = await store.accounts.add_token(b"h" * 32, "billing", None, now_ms=NOW, expires_ms=NOW + 5)
        assert await store.accounts.revoke_token(token.id, now_ms=NOW + 1)
        assert not await store.accounts.revoke_token(token.id + 1, now_ms=NOW + 1)
        assert await store.accounts.tokens() == [(b"h" * 32, replace(token, revoked_ms=NOW + 1))]
        with pytest.raises(UserNotFound):
            await store.accounts.add_token(b"i" * 32, "x", UserId("nobody"), now_ms=NOW, expires_ms=None)

    # The rest

    async def test_marks_and_first_answers_are_kept_over_a_restart(self, opener: Opener) -> None:
        store = await opener()
        now_ms = 4_102_444_800_000  # far ahead, so that nothing expires
        assert await store.keys.get_mark("sms.caught_up") is None
        await store.keys.set_mark("sms.caught_up", 1)
        await store.keys.set_mark("sms.caught_up", 2)
        await store.keys.keep_answer("billing", "k", "d", 201, "first", now_ms=now_ms)
        await store.keys.keep_answer("billing", "k", "e", 200, "second", now_ms=now_ms)
        await store.close()
        store = await opener()
        assert await store.keys.get_mark("sms.caught_up") == 2
        assert await store.keys.idempotent("billing", "k") == ("d", 201, "first")
        assert await store.keys.idempotent("other", "k") is None
        await store.close()

    async def test_purge_deletes_only_expired_keys_and_answers(self, store: Store) -> None:
        await store.turns.accept(question(dedup_key="short", dedup_seconds=10.0))
        await store.turns.accept(question(dedup_key="ever"))
        await store.keys.keep_answer("billing", "k", "d", 200, "body", now_ms=NOW)
        assert await store.purge(before_ms=NOW + 9_999) == 0
        assert await store.purge(before_ms=NOW + 86_400_000) == 2
        assert await store.keys.idempotent("billing", "k") is None
        assert not (await store.turns.accept(question(dedup_key="short"))).duplicate
        assert (await store.turns.accept(question(dedup_key="ever"))).duplicate

    async def test_the_audit_trail_is_intact_over_many_writers(self, store: Store) -> None:
        await with_session(store)
        await asyncio.gather(*(store.turns.accept(prompt()) for _ in range(20)))
        await asyncio.gather(*(store.audit.record("cli", "user.added", {"n": n}, now_ms=NOW) for n in range(20)))
        assert await store.audit.verify() is None

    async def test_a_cancelled_caller_leaves_the_store_working(self, store: Store) -> None:
        await with_session(store)
        for _ in range(20):
            tasks = [asyncio.create_task(store.turns.accept(prompt()), name="sender") for _ in range(5)]
            await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            assert not any(isinstance(end, Exception) for end in done)
        assert await store.turns.pending_count() >= 40
        assert await store.check() == []

    async def test_the_message_of_a_cancelled_caller_is_accepted_and_reported(self, store: Store) -> None:
        await with_session(store)
        told: list[Accepted] = []
        sent = prompt()
        task = asyncio.create_task(store.turns.accept(sent, orphaned=told.append), name="sender")
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await store.turns.accept(prompt())  # writes are done in order: the first one is behind us
        assert [accepted.message_id for accepted in told] == [sent.message_id]
        assert await store.turns.pending_count() == 2

    async def test_a_failing_write_does_not_fail_its_neighbours(self, store: Store) -> None:
        await with_session(store)
        writes = [store.turns.accept(prompt("nowhere" if n % 5 == 0 else "s1")) for n in range(20)]
        ends = await asyncio.gather(*writes, return_exceptions=True)
        assert [n for n, end in enumerate(ends) if isinstance(end, SessionNotFound)] == [0, 5, 10, 15]
        assert await store.turns.pending_count() == 16
        assert await store.audit.verify() is None
        assert await store.ledger.disagreements() == []

    async def test_a_closed_store_refuses_and_closes_again(self, opener: Opener) -> None:
        store = await opener()
        await store.close()
        await store.close()
        with pytest.raises(StorageError, match="closed"):
            await store.turns.accept(question())
