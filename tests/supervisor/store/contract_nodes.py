"""The contract of nodes: what a node has under way is its own while it lives, and free for the others afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from supervisor.protocol.messages import OutboxId, ProjectName, SessionId, UserId
from supervisor.protocol.status import EndReason, SessionStatus, TurnState
from supervisor.store.port import Store
from supervisor.store.ports.approvals import NewApproval
from tests.supervisor.store.builders import (
    NOW,
    PROCESS,
    draft,
    end_node,
    outcome,
    prompt,
    question,
    revive,
    running,
    with_session,
)
from tests.supervisor.store.contract_base import ContractBase, Opener


class NodesContract(ContractBase):
    """What is left of another epoch.

    Attributes:
        later: a store that was opened after `dead`.
    """

    later: Store

    @pytest.fixture
    async def dead(self, store: Store, opener: Opener) -> AsyncIterator[Store]:
        """A store that another start has taken over."""
        dead = store
        self.later = await opener()
        yield dead
        await self.later.close()

    async def test_the_nodes_that_live_are_the_own_one_alone(self, dead: Store) -> None:
        (own,) = await self.later.nodes.live()
        assert (own.epoch, own.name) == (self.later.epoch, "this")
        await revive(self.later, dead.epoch)
        assert [node.epoch for node in await self.later.nodes.live()] == [dead.epoch, self.later.epoch]
        assert await self.later.nodes.renew() != []

    async def test_turns_of_a_node_are_left_to_it_while_it_lives(self, dead: Store) -> None:
        turn = await running(dead, question())
        await revive(self.later, dead.epoch)
        assert await self.later.turns.unfinished() == []
        assert not await self.later.turns.adopt(turn.id)
        assert await dead.turns.finish(turn.id, outcome()) is not None

    async def test_turns_of_a_dead_node_are_taken_over_once(self, dead: Store, opener: Opener) -> None:
        turn = await running(dead, question())
        assert [left.id for left in await self.later.turns.unfinished()] == [turn.id]
        assert await self.later.turns.adopt(turn.id)
        assert not await self.later.turns.adopt(turn.id)
        assert await self.later.turns.unfinished() == []

    async def test_sessions_of_a_node_stay_connected_while_it_lives(self, dead: Store) -> None:
        await with_session(dead, "theirs")
        await with_session(self.later, "ours")
        await revive(self.later, dead.epoch)
        assert await self.later.sessions.end_dead(EndReason.CRASH, now_ms=NOW) == 0
        await end_node(self.later, dead.epoch)
        assert await self.later.sessions.end_dead(EndReason.CRASH, now_ms=NOW) == 1
        (theirs, ours) = [await self.later.sessions.get(SessionId(name)) for name in ("theirs", "ours")]
        assert theirs is not None
        assert ours is not None
        assert (theirs.status, ours.status) == (SessionStatus.DISCONNECTED, SessionStatus.ACTIVE)

    async def test_a_message_accepted_here_leaves_a_session_to_the_node_of_its_process(self, dead: Store) -> None:
        await with_session(dead)
        await revive(self.later, dead.epoch)
        await self.later.turns.accept(prompt())
        await end_node(self.later, dead.epoch)
        assert await self.later.sessions.end_dead(EndReason.CRASH, now_ms=NOW) == 1

    async def test_questions_of_a_node_are_kept_only_when_it_is_dead(self, dead: Store) -> None:
        await with_session(dead)
        turn = await running(dead, prompt())
        assert await dead.approvals.ask(new_approval(turn.id), lambda code: (), now_ms=NOW) is not None
        await dead.turns.finish(turn.id, outcome(TurnState.INTERRUPTED))
        await revive(self.later, dead.epoch)
        assert await self.later.approvals.keep(now_ms=NOW) == 0
        await end_node(self.later, dead.epoch)
        assert await self.later.approvals.keep(now_ms=NOW) == 1

    async def test_a_claim_counts_while_its_node_lives(self, dead: Store) -> None:
        assert await dead.keys.claim("o", "k", now_ms=NOW)
        await revive(self.later, dead.epoch)
        assert not await self.later.keys.claim("o", "k", now_ms=NOW)
        assert await dead.keys.claim("o", "k", now_ms=NOW)

    async def test_a_claim_of_a_later_start_that_is_dead_is_void(self, dead: Store) -> None:
        assert await self.later.keys.claim("o", "k", now_ms=NOW)
        await end_node(self.later, self.later.epoch)
        await revive(self.later, dead.epoch)
        assert await dead.keys.claim("o", "k", now_ms=NOW)

    async def test_a_reply_that_a_node_sends_is_left_to_it_while_it_lives(self, dead: Store) -> None:
        await dead.outbox.add(draft("o1"), user_id=None, now_ms=NOW)
        assert await dead.outbox.begin(OutboxId("o1"), now_ms=NOW) is not None
        assert [row.id for row in await dead.outbox.sending("sms")] == ["o1"]
        assert [row.id for row in await self.later.outbox.sending("sms")] == ["o1"]
        await revive(self.later, dead.epoch)
        assert await self.later.outbox.sending("sms") == []

    async def test_a_turn_joins_one_of_this_node_only(self, dead: Store) -> None:
        host = await running(dead, question())
        accepted = await self.later.turns.accept(question(text="and this"))
        await revive(self.later, dead.epoch)
        joined = await self.later.turns.join(
            accepted.message_id, host.id, joined=(), queued=lambda count: (), now_ms=NOW
        )
        assert joined is None
        assert await self.later.turns.start_next(host.lane, PROCESS, now_ms=NOW) is None


def new_approval(turn_id: int) -> NewApproval:
    """Return a question about a tool call of a turn."""
    return NewApproval(
        id="a1",
        turn_id=turn_id,
        session_id=SessionId("s1"),
        user_id=UserId("alice"),
        project=ProjectName("shop"),
        tool_use_id="toolu_1",
        tool="Bash",
        risk="shell",
        channel="sms",
        content_sha256=b"c",
        call_sha256=b"s",
        summary="Bash ls",
        expires_ms=NOW + 60_000,
    )
