"""Each kind of thing that is done leaves its entry in the audit trail: who, when, and where from."""

from __future__ import annotations

from pathlib import Path

from supervisor.config import Config
from supervisor.core.configuration import note_configuration
from supervisor.people.identity import Caller
from supervisor.protocol.messages import UserId
from supervisor.store.ports.people.sign_in import Visitor
from tests.supervisor.approvals.test_second_factor import FETCH, core_with, end, question, wants
from tests.supervisor.harness import seal
from tests.waiting import until

ALICE = Caller(name="alice", user_id=UserId("alice"), source="192.0.2.7")

TRAIL = {
    "message.accepted": ("alice", {"turn", "channel", "from"}),
    "approval.asked": ("supervisor", {"id", "user", "channel"}),
    "approval.allowed": ("alice", {"id", "way"}),
    "tool.started": ("alice", {"turn", "id", "summary", "channel"}),
    "tool.finished": ("alice", {"turn", "id", "ms", "channel"}),
    "turn.completed": ("supervisor", {"turn", "nanos", "tokens", "ms", "channel"}),
    "user.put": ("operator", {"id"}),
    "signin.link_made": ("operator", {"user", "way"}),
    "signin.ok": ("alice", {"session", "way", "from", "agent"}),
    "config.read": ("supervisor", {"tables", "digests", "from"}),
}
"""The event of each kind: by whom it is, and what its entry tells at least."""


async def test_each_kind_is_in_the_trail_with_who_when_and_where_from(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        verdict = await wants(core, FETCH, by="sms", project="site")
        approval = await question(core)
        await core.approval_operations.resolve(ALICE, approval.id, allow=True, channel="chat")
        assert (await verdict).allowed
        for kind in ("tool_started", "tool_finished"):
            call = {"id": "t", "summary": "WebFetch"}
            await core.store.turns.record_event(approval.turn_id, kind, call, now_ms=approval.expires_ms)
        await end(core)
        await until(core.all_answered, "its turn has ended")
        link, _ = await core.api.sign_in.make_link("alice", base="http://localhost:8787")
        await core.api.sign_in.redeem(link.rpartition("#")[2], Visitor(source="192.0.2.7", agent="Test"))
        await note_configuration(Config(), core.store, seal)
        entries = {entry.event: entry for entry in await core.store.audit.entries(after=0, limit=500)}
        for event, (actor, told) in TRAIL.items():
            entry = entries[event]
            assert (entry.actor, told - entry.detail.keys()) == (actor, set()), event
            assert entry.at_ms > 0
        assert await core.store.audit.verify() is None
