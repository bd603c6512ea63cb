"""The contract of the store, part: what one node sees of the turns, questions and accounts of another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from supervisor.protocol.messages import Address, UserId
from supervisor.protocol.status import Role, TurnState
from supervisor.store import Store
from supervisor.store.ports.approvals import Approval, ApprovalState
from supervisor.store.ports.people.sign_in import NewSession, Visitor, Way
from supervisor.store.records.accounts import User
from tests.supervisor.store.builders import NOW, draft, outcome, prompt, question, revive, running, with_session
from tests.supervisor.store.contract_base import ContractBase, Opener
from tests.supervisor.store.contract_listening import approval_of

ALICE = UserId("alice")
USER = User(
    id=ALICE,
    name="Alice",
    role=Role.ADMIN,
    addresses=(Address(kind="sms", value="+15550100"),),
    projects=(),
    created_ms=NOW,
)


async def asked(store: Store) -> Approval:
    """Return a question of a running turn of a session."""
    await with_session(store)
    turn = await running(store, prompt())
    approval = await store.approvals.ask(approval_of(turn.id), lambda code: [draft(text=code)], now_ms=NOW)
    assert approval is not None
    return approval


class ElsewhereContract(ContractBase):
    """Two nodes that use one database; `store` is the first, `other` the second."""

    @pytest.fixture
    async def other(self, store: Store, opener: Opener) -> AsyncIterator[Store]:
        """Another node."""
        other = await opener()
        if all(node.epoch != store.epoch for node in await other.nodes.live()):  # SQLite knows one node at a time
            await revive(other, store.epoch)
        yield other
        await other.close()

    async def test_the_end_of_a_message_is_seen_by_the_other_node_alone(self, store: Store, other: Store) -> None:
        turn = await running(store, question())
        waits = question(lane="elsewhere")
        await store.turns.accept(waits)
        wanted = [turn.message_id, waits.message_id, "unknown"]
        assert await other.elsewhere.ended(wanted) == []
        await store.turns.finish(turn.id, outcome())
        assert await other.elsewhere.ended(wanted) == [turn.message_id]
        assert await store.elsewhere.ended(wanted) == []
        await store.turns.cancel_pending("elsewhere", "no longer wanted", now_ms=NOW)
        assert sorted(await other.elsewhere.ended(wanted)) == sorted([turn.message_id, waits.message_id])
        assert await other.elsewhere.ended([]) == ()

    async def test_a_running_turn_is_stopped_from_the_other_node(self, store: Store, other: Store) -> None:
        turn = await running(store, question())
        assert await store.elsewhere.running(ALICE) == []
        assert [one.id for one in await other.elsewhere.running(ALICE)] == [turn.id]
        assert await other.elsewhere.running(UserId("bob")) == []
        assert await store.elsewhere.stopped([turn.id]) == {}
        assert await store.elsewhere.stop(turn.lane, "alice", now_ms=NOW) is None
        stopped = await other.elsewhere.stop(turn.lane, "alice", now_ms=NOW)
        assert stopped is not None
        assert stopped.id == turn.id
        assert await store.elsewhere.stopped([turn.id, 999]) == {turn.id: "alice"}
        await store.turns.finish(turn.id, outcome(TurnState.CANCELLED))
        assert await store.elsewhere.stopped([turn.id]) == {}
        assert await other.elsewhere.stop(turn.lane, "alice", now_ms=NOW) is None

    async def test_a_question_is_answered_at_any_node_and_its_call_runs_where_it_was_asked(
        self, store: Store, other: Store
    ) -> None:
        approval = await asked(store)
        assert [one.id for one in await other.approvals.open_now(now_ms=NOW)] == [approval.id]
        assert await other.approvals.allow(approval.id, "bob", way="rest", now_ms=NOW)
        assert not await store.approvals.allow(approval.id, "alice", way="sms", now_ms=NOW)
        assert not await other.approvals.consume(approval.id, approval.call_sha256, now_ms=NOW)
        assert await store.approvals.consume(approval.id, approval.call_sha256, now_ms=NOW)

    async def test_a_no_of_another_node_says_who_and_why(self, store: Store, other: Store) -> None:
        approval = await asked(store)
        assert (approval.decided_by, approval.note) == (None, "")
        assert await other.approvals.deny(approval.id, "bob", way="rest", note="wait", now_ms=NOW)
        found = await store.approvals.find(approval.id)
        assert found is not None
        assert (found.state, found.decided_by, found.note) == (ApprovalState.DENIED, "bob", "wait")
        assert not await store.approvals.consume(approval.id, approval.call_sha256, now_ms=NOW)

    async def test_a_question_whose_turn_is_over_counts_at_no_node(self, store: Store, other: Store) -> None:
        approval = await asked(store)
        await store.turns.requeue(approval.turn_id, now_ms=NOW)
        for node in (store, other):
            assert await node.approvals.open_now(now_ms=NOW) == []
            assert not await node.approvals.allow(approval.id, "bob", way="rest", now_ms=NOW)

    async def test_each_change_of_who_may_do_what_raises_the_version_for_all_nodes(
        self, store: Store, other: Store
    ) -> None:
        versions = [await other.elsewhere.accounts_version()]

        async def is_raised() -> None:
            versions.append(await other.elsewhere.accounts_version())
            assert versions[-1] > versions[-2]

        await store.accounts.put_user(USER, now_ms=NOW)
        await is_raised()
        token = await store.accounts.add_token(b"t" * 32, "alice", ALICE, now_ms=NOW, expires_ms=None)
        await is_raised()
        await store.accounts.revoke_token(token.id, now_ms=NOW)
        await is_raised()
        new = NewSession(id="b1", sha256=b"s" * 32, expires_ms=NOW + 60_000)
        assert await store.sign_in.begin(new, ALICE, Way.TERMINAL, Visitor(), now_ms=NOW) is not None
        await is_raised()
        assert await store.sign_in.end("b1", by="alice", why="signed out", now_ms=NOW)
        await is_raised()
        await store.accounts.remove_user(ALICE, now_ms=NOW)
        await is_raised()
        await store.accounts.put_user(replace(USER, name="Alice again"), now_ms=NOW)
        await is_raised()
