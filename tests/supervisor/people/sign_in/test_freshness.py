"""Who must show a passkey first: by way, by passkey, by time, and after a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supervisor import config
from supervisor.people.identity import Caller
from supervisor.people.sign_in.errors import FreshCheckNeeded, SignInNotFound
from supervisor.people.sign_in.freshness import SECONDS, Freshness
from supervisor.people.sign_in.passkeys import Passkeys
from supervisor.people.sign_in.sign_in import SignIn
from supervisor.people.sign_in.site import Site
from supervisor.protocol.errors import NotAllowed, NotAuthenticated
from supervisor.protocol.messages import UserId
from supervisor.store.ports.people.sign_in import Visitor, Way
from tests.authenticator import Authenticator
from tests.supervisor.harness import Core

SITE = Site(origin="http://localhost:8787")
HERE = Visitor(source="192.0.2.1", agent="Test")
ALICE = UserId("alice")


class Desk:
    """Sign-in over a core, with a clock that the test moves."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.seconds = 1_000.0
        self.start()

    def start(self) -> None:
        """Begin with nothing in memory, as after a restart."""
        freshness = Freshness(lambda: self.seconds)
        self.sign_in = SignIn(self.core.store.sign_in, self.core.directory, config.Auth(), tuple, freshness=freshness)
        self.passkeys = Passkeys(self.core.store.passkeys, self.core.directory, self.sign_in)

    async def caller(self, way: Way, user_id: UserId = ALICE) -> Caller:
        """Return somebody who has just signed in."""
        return await self.sign_in.caller((await self.sign_in.begin(user_id, way, HERE)).secret)

    async def add(self, caller: Caller) -> Authenticator:
        """Add a passkey to a person."""
        authenticator = Authenticator(SITE.origin)
        made = authenticator.make(await self.passkeys.to_add(caller, SITE))
        await self.passkeys.add(caller, SITE, "x", made, HERE)
        return authenticator

    async def check(self, caller: Caller, authenticator: Authenticator) -> float:
        """Show a passkey in a session."""
        proof = authenticator.prove(await self.passkeys.to_check(caller, SITE))
        return await self.passkeys.check(caller, SITE, proof, HERE)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with Core(tmp_path) as core:
        yield Desk(core)


@pytest.mark.parametrize("way", [Way.MAIL, Way.SMS, Way.TERMINAL, Way.OIDC])
async def test_who_has_no_passkey_has_to_have_signed_in_just_now(desk: Desk, way: Way) -> None:
    caller = await desk.caller(way)
    await desk.passkeys.fresh.own(caller)
    desk.seconds += SECONDS
    with pytest.raises(FreshCheckNeeded) as needed:
        await desk.passkeys.to_add(caller, SITE)
    assert "sign out and in again" in needed.value.remedy
    with pytest.raises(NotAllowed, match="no passkey"):
        await desk.passkeys.to_check(caller, SITE)


@pytest.mark.parametrize("way", [Way.MAIL, Way.SMS, Way.OIDC])
async def test_who_has_a_passkey_has_to_show_it(desk: Desk, way: Way) -> None:
    authenticator = await desk.add(await desk.caller(Way.TERMINAL))
    caller = await desk.caller(way)
    for refused in (
        desk.passkeys.to_add(caller, SITE),
        desk.passkeys.add(caller, SITE, "x", {}, HERE),
        desk.passkeys.remove(caller, authenticator.id.hex(), HERE),
        desk.passkeys.fresh.of_others(caller),
    ):
        with pytest.raises(FreshCheckNeeded, match="fresh check") as needed:
            await refused
        assert "/api/auth/check" in needed.value.remedy
    assert await desk.check(caller, authenticator) == SECONDS
    await desk.passkeys.fresh.of_others(caller)
    await desk.add(caller)
    desk.seconds += SECONDS - 1
    await desk.passkeys.fresh.own(caller)
    desk.seconds += 1
    with pytest.raises(FreshCheckNeeded):
        await desk.passkeys.fresh.own(caller)


async def test_a_link_of_the_terminal_helps_whoever_lost_their_passkeys_and_no_administrator(desk: Desk) -> None:
    lost = await desk.add(await desk.caller(Way.TERMINAL))
    caller = await desk.caller(Way.TERMINAL)
    with pytest.raises(FreshCheckNeeded):
        await desk.passkeys.fresh.of_others(caller)
    await desk.add(caller)
    await desk.passkeys.remove(caller, lost.id.hex(), HERE)


async def test_signing_in_with_a_passkey_is_a_check(desk: Desk) -> None:
    authenticator = await desk.add(await desk.caller(Way.TERMINAL))
    proof = authenticator.prove(desk.passkeys.to_prove(SITE))
    caller = await desk.sign_in.caller((await desk.passkeys.sign_in(SITE, proof, HERE)).secret)
    await desk.passkeys.fresh.of_others(caller)


async def test_a_passkey_that_was_added_by_mail_removes_no_stronger_one_and_manages_nobody(desk: Desk) -> None:
    weak = await desk.add(await desk.caller(Way.MAIL))
    strong = await desk.add(await desk.caller(Way.TERMINAL))
    caller = await desk.caller(Way.MAIL)
    await desk.check(caller, weak)
    await desk.passkeys.fresh.own(caller)
    for refused in (
        desk.passkeys.remove(caller, strong.id.hex(), HERE),
        desk.passkeys.fresh.of_others(caller),
    ):
        with pytest.raises(FreshCheckNeeded):
            await refused
    await desk.check(caller, strong)
    await desk.passkeys.remove(caller, weak.id.hex(), HERE)


async def test_a_passkey_that_is_added_after_a_check_with_a_strong_one_is_strong(desk: Desk) -> None:
    strong = await desk.add(await desk.caller(Way.TERMINAL))
    caller = await desk.caller(Way.MAIL)
    await desk.check(caller, strong)
    await desk.add(caller)
    assert [one.root for one in await desk.passkeys.of(ALICE)] == [Way.TERMINAL, Way.PASSKEY]


async def test_whoever_has_only_weak_passkeys_is_told_how_to_get_another(desk: Desk) -> None:
    caller = await desk.caller(Way.MAIL)
    with pytest.raises(FreshCheckNeeded) as needed:
        await desk.passkeys.fresh.of_others(caller)
    assert "user link" in needed.value.remedy
    await desk.add(caller)
    with pytest.raises(FreshCheckNeeded) as needed:
        await desk.passkeys.fresh.of_others(caller)
    assert "added with a link" in needed.value.remedy


async def test_a_check_is_for_its_session_its_person_and_once(desk: Desk) -> None:
    mine, yours = await desk.add(await desk.caller(Way.TERMINAL)), await desk.caller(Way.TERMINAL, UserId("bob"))
    bobs = await desk.add(yours)
    one, other = await desk.caller(Way.MAIL), await desk.caller(Way.MAIL)
    proof = mine.prove(await desk.passkeys.to_check(one, SITE))
    with pytest.raises(NotAllowed):
        await desk.passkeys.check(other, SITE, proof, HERE)
    with pytest.raises(NotAllowed):
        await desk.passkeys.check(one, SITE, bobs.prove(await desk.passkeys.to_check(one, SITE)), HERE)
    for purpose in ("sign in", "approval 1 2 0"):
        with pytest.raises(NotAllowed):
            await desk.passkeys.check(one, SITE, mine.prove(desk.passkeys.to_prove(SITE, purpose)), HERE)
    await desk.passkeys.check(one, SITE, proof, HERE)
    with pytest.raises(NotAllowed):
        await desk.passkeys.check(one, SITE, proof, HERE)
    with pytest.raises(FreshCheckNeeded):
        await desk.passkeys.fresh.own(other)
    entries = await desk.core.store.audit.entries(after=0, limit=500)
    (checked,) = [entry for entry in entries if entry.event == "signin.checked"]
    assert (checked.actor, checked.detail["session"], checked.detail["from"]) == ("alice", one.session_id, HERE.source)


async def test_a_check_counts_no_more_without_its_passkey_or_its_session_or_after_a_restart(desk: Desk) -> None:
    first, second = await desk.add(await desk.caller(Way.TERMINAL)), await desk.add(await desk.caller(Way.TERMINAL))
    caller, third = await desk.caller(Way.MAIL), await desk.caller(Way.TERMINAL)
    await desk.check(caller, first)
    await desk.passkeys.remove(third, first.id.hex(), HERE)
    with pytest.raises(FreshCheckNeeded):
        await desk.passkeys.fresh.own(caller)
    await desk.check(caller, second)
    desk.start()
    await desk.sign_in.load()
    for known in (caller, third):
        with pytest.raises(FreshCheckNeeded):
            await desk.passkeys.fresh.own(known)
    await desk.check(caller, second)
    await desk.sign_in.end(ALICE, caller.session_id, why="ended")
    with pytest.raises(FreshCheckNeeded):
        await desk.passkeys.fresh.own(caller)
    with pytest.raises(NotAuthenticated):
        await desk.check(caller, second)


async def test_tokens_show_no_passkey(desk: Desk) -> None:
    for caller in (Caller(name="alice", user_id=ALICE), Caller(name="service")):
        for refused in (desk.passkeys.fresh.own(caller), desk.passkeys.fresh.of_others(caller)):
            with pytest.raises(NotAuthenticated):
                await refused


async def test_a_session_that_is_not_there_is_named_as_what_it_is(desk: Desk) -> None:
    with pytest.raises(SignInNotFound, match="not signed in with this session: gone") as error:
        await desk.sign_in.end(ALICE, "gone", why="ended")
    assert "/api/auth/sessions" in error.value.remedy
