"""Each kind of thing that is done leaves its entry in the audit trail: who, when, and where from; or it is not done."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from supervisor.config import Config
from supervisor.core.configuration import note_configuration
from supervisor.people.identity import Caller
from supervisor.people.passphrases import Passphrases
from supervisor.people.sign_in.sign_in import SignIn
from supervisor.protocol.errors import NotAuthenticated, StorageError
from supervisor.protocol.messages import SessionId, UserId
from supervisor.protocol.times import now_ms
from supervisor.store.ports.people.sign_in import Visitor, Way
from tests.supervisor.approvals.test_second_factor import FETCH, core_with, end, question, questions, wants
from tests.supervisor.harness import Core, seal
from tests.supervisor.helpers import connect, full_trail, scripted, send, text_message
from tests.waiting import until

ALICE = Caller(name="alice", user_id=UserId("alice"), source="192.0.2.7")

TRAIL = {
    "message.accepted": ("alice", {"turn", "channel", "from"}),
    "approval.asked": ("supervisor", {"id", "user", "channel"}),
    "approval.allowed": ("alice", {"id", "way", "from"}),
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
        await note_configuration(Config(), core.store.audit, core.store.keys, seal)
        entries = {entry.event: entry for entry in await core.store.audit.entries(after=0, limit=500)}
        for event, (actor, told) in TRAIL.items():
            entry = entries[event]
            assert (entry.actor, told - entry.detail.keys()) == (actor, set()), event
            assert entry.at_ms > 0
        assert await core.store.audit.verify() is None


def rows(core: Core) -> dict[str, int]:
    """Return how many rows each table has that an action would write to, as an outside tool reads them."""
    tables = ("audit", "turns", "outbox", "users", "tokens", "passphrases", "sign_in_links", "sign_in_sessions")
    with closing(sqlite3.connect(core.file)) as database:
        counts = {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}
        used = "SELECT count(*) FROM sign_in_links WHERE used_ms IS NOT NULL"
        return counts | {"used links": database.execute(used).fetchone()[0]}


Act = Callable[[Core], Awaitable[object]]
HERE = Visitor(source="192.0.2.7", agent="Test")


def sign_in_of(core: Core) -> SignIn:
    return core.api.sign_in


ACTS: dict[str, Act] = {
    "a prompt": lambda core: send(core, "hello"),
    "a text": lambda core: core.intake.accept(text_message("@site hello")),
    "a message of a chat": lambda core: core.api.chat.submit(core.directory.user("alice"), SessionId("c1"), "hello"),
    "a user": lambda core: core.accounts.put_user("carol", name="Carol", role="OPERATOR"),
    "the removal of a user": lambda core: core.accounts.remove_user(UserId("bob")),
    "a token": lambda core: core.accounts.create_token(user_id="alice"),
    "a passphrase": lambda core: Passphrases(core.store.passphrases).set(UserId("alice"), "correct horse battery"),
    "a link": lambda core: sign_in_of(core).make_link("alice", base="http://localhost:8787"),
    "a sign-in": lambda core: sign_in_of(core).begin(UserId("alice"), Way.PASSKEY, HERE),
}


@pytest.mark.parametrize("what", sorted(ACTS))
@pytest.mark.requirement(33)
async def test_what_cannot_be_recorded_is_not_done(tmp_path: Path, what: str) -> None:
    async with Core(tmp_path) as core:
        await connect(core)
        await core.api.chat.open(core.directory.user("alice"), SessionId("c1"))
        before = rows(core)
        with full_trail(core):
            with pytest.raises(StorageError):
                await ACTS[what](core)
            assert rows(core) == before
        assert core.scripted.prompts == []
        assert [user.id for user in core.directory.users()] == ["alice", "bob", "olga"]
        assert sign_in_of(core).of(UserId("alice")) == []
        await ACTS[what](core)
        await until(core.all_answered, "it is done when the trail takes its entry")
        assert rows(core) != before


@pytest.mark.requirement(33)
async def test_a_link_that_could_not_be_redeemed_counts_later_and_signs_nobody_in_before(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        link, _ = await sign_in_of(core).make_link("alice", base="http://localhost:8787")
        before, secret = rows(core), link.rpartition("#")[2]
        with full_trail(core):
            with pytest.raises(StorageError):
                await sign_in_of(core).redeem(secret, HERE)
            assert rows(core) == before
        with pytest.raises(NotAuthenticated):
            await sign_in_of(core).caller(secret)
        assert (await sign_in_of(core).redeem(secret, HERE)).session.user_id == "alice"


@pytest.mark.requirement(33)
async def test_a_yes_that_cannot_be_recorded_allows_nothing(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        verdict = await wants(core, FETCH, by="sms", project="site")
        approval = await question(core)
        with full_trail(core):
            with pytest.raises(StorageError):
                await core.approval_operations.resolve(ALICE, approval.id, allow=True, channel="chat")
            assert await questions(core) == [approval]
            assert not verdict.done()
        await core.approval_operations.resolve(ALICE, approval.id, allow=True, channel="chat")
        assert (await verdict).allowed
        await end(core)


@pytest.mark.requirement(33)
async def test_an_answer_whose_end_cannot_be_recorded_is_not_sent_before_it_can(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await core.intake.accept(text_message("@site hold on"))
        await until(scripted(core).held, "its turn runs")
        with full_trail(core):
            scripted(core).release()
            with pytest.raises(StorageError):  # a write after that of the end has been refused
                await sign_in_of(core).make_link("alice", base="http://localhost:8787")
            assert await core.store.outbox.due("sms", now_ms=now_ms(), limit=9) == []
        await until(core.all_answered, "its end is on record", 30)
        (reply,) = await core.store.outbox.due("sms", now_ms=now_ms(), limit=9)
        assert reply.text.startswith("released")
