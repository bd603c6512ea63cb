"""Passkeys with a software authenticator: added, used once, bound to the page, and no stronger than their root."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supervisor.people.identity import Caller
from supervisor.people.sign_in.freshness import strength
from supervisor.people.sign_in.passkeys import SIGN_IN, Passkeys
from supervisor.people.sign_in.site import Site
from supervisor.protocol.errors import InvalidMessage, NotAllowed, NotAuthenticated, RateLimited
from supervisor.protocol.messages import UserId
from supervisor.store.ports.people.sign_in import Visitor, Way
from tests.authenticator import PRESENT, Authenticator
from tests.supervisor.harness import Core

SITE = Site(origin="http://localhost:8787")
HERE = Visitor(source="192.0.2.1", agent="Test")
ALICE = UserId("alice")


class People:
    """A core, with its sign-in and passkeys."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.sign_in = core.api.sign_in
        self.passkeys = Passkeys(core.store.passkeys, core.directory, core.api.sign_in)

    async def caller(self, way: Way = Way.TERMINAL) -> Caller:
        """Return alice, who has just signed in."""
        signed_in = await self.sign_in.begin(ALICE, way, HERE)
        return await self.sign_in.caller(signed_in.secret)

    async def with_passkey(self, way: Way = Way.TERMINAL) -> Authenticator:
        """Return an authenticator that alice has added in a session of a way."""
        authenticator, caller = Authenticator(SITE.origin), await self.caller(way)
        options = await self.passkeys.to_add(caller, SITE)
        await self.passkeys.add(caller, SITE, "phone", authenticator.make(options), HERE)
        return authenticator


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[People]:
    async with Core(tmp_path) as core:
        yield People(core)


async def test_it_signs_in_and_each_assertion_counts_once(people: People) -> None:
    authenticator = await people.with_passkey()
    proof = authenticator.prove(people.passkeys.to_prove(SITE))
    signed_in = await people.passkeys.sign_in(SITE, proof, HERE)
    assert (signed_in.session.user_id, signed_in.session.way) == (ALICE, Way.PASSKEY)
    with pytest.raises(NotAllowed, match="does not count here"):
        await people.passkeys.sign_in(SITE, proof, HERE)


@pytest.mark.parametrize(("way", "counts_as"), [(Way.MAIL, Way.MAIL), (Way.SMS, Way.SMS), (Way.OIDC, Way.PASSKEY)])
async def test_one_that_was_added_by_a_link_counts_as_that_link(people: People, way: Way, counts_as: Way) -> None:
    authenticator = await people.with_passkey(way)
    signed_in = await people.passkeys.sign_in(SITE, authenticator.prove(people.passkeys.to_prove(SITE)), HERE)
    assert signed_in.session.way is counts_as


async def test_what_does_not_count_is_refused_and_leaves_an_entry(people: People) -> None:
    authenticator = await people.with_passkey()
    options = people.passkeys.to_prove(SITE)
    other_page, unverified, stranger = (
        Authenticator("http://localhost:3000"),
        Authenticator(SITE.origin, flags=PRESENT),
        Authenticator(SITE.origin),
    )
    for one in (other_page, unverified):
        one.id, one._key = authenticator.id, authenticator._key
    for number, credential in enumerate(
        [
            other_page.prove(options),
            unverified.prove(options),
            stranger.prove(options),
            authenticator.prove(people.passkeys.to_prove(SITE, "approval 1")),
            {},
            {"id": 1, "response": []},
            {"id": "x", "response": {"clientDataJSON": "x"}},
        ],
        start=1,
    ):
        with pytest.raises(NotAllowed):
            await people.passkeys.sign_in(SITE, credential, HERE)
        entries = await people.core.store.audit.entries(after=0, limit=500)
        assert len([entry for entry in entries if entry.event == "signin.failed"]) == number
    with pytest.raises(NotAllowed):
        await people.passkeys.prove(SITE, authenticator.prove(people.passkeys.to_prove(SITE)), "approval 1", HERE)


async def test_a_locked_link_does_not_lock_a_passkey(people: People) -> None:
    authenticator = await people.with_passkey()
    with pytest.raises(RateLimited):  # noqa: PT012  # the tries before it are refused otherwise
        for number in range(1_000):
            try:
                await people.sign_in.redeem(f"guess {number}", HERE)
            except NotAllowed:
                continue
    proof = authenticator.prove(people.passkeys.to_prove(SITE))
    assert (await people.passkeys.sign_in(SITE, proof, HERE)).session.user_id == ALICE


async def test_options_of_another_session_add_nothing_and_no_passkey_is_added_twice(people: People) -> None:
    authenticator, desk, phone = Authenticator(SITE.origin), await people.caller(), await people.caller()
    options = await people.passkeys.to_add(desk, SITE)
    made = authenticator.make(options)
    with pytest.raises(NotAllowed):
        await people.passkeys.add(phone, SITE, "x", made, HERE)
    passkey = await people.passkeys.add(desk, SITE, "x", made, HERE)
    assert strength(passkey) is Way.PASSKEY
    again = authenticator.make(await people.passkeys.to_add(desk, SITE))
    with pytest.raises(NotAllowed, match="known"):
        await people.passkeys.add(desk, SITE, "x", again, HERE)


async def test_it_is_removed_by_its_owner_and_with_it_end_the_sessions_that_it_signed_in(people: People) -> None:
    authenticator, desk = await people.with_passkey(), await people.caller()
    bob = await people.sign_in.begin(UserId("bob"), Way.TERMINAL, HERE)
    for owner, passkey_id in (
        (await people.sign_in.caller(bob.secret), authenticator.id.hex()),
        (desk, "no hex"),
        (desk, "00"),
    ):
        with pytest.raises(InvalidMessage):
            await people.passkeys.remove(owner, passkey_id, HERE)
    proof = authenticator.prove(people.passkeys.to_prove(SITE))
    with_it = await people.passkeys.sign_in(SITE, proof, HERE)
    assert not await people.passkeys.remove(desk, authenticator.id.hex(), HERE)
    with pytest.raises(NotAuthenticated):
        await people.sign_in.caller(with_it.secret)
    assert with_it.session.id not in [session.id for _, session in await people.core.store.sign_in.sessions()]
    assert desk.session_id in [one.id for one in people.sign_in.of(ALICE)]
    with pytest.raises(NotAllowed):
        await people.passkeys.prove(SITE, authenticator.prove(people.passkeys.to_prove(SITE)), SIGN_IN, HERE)
    entries = [entry.event for entry in await people.core.store.audit.entries(after=0, limit=500)]
    assert entries[-3:-1] == ["passkey.removed", "signin.ended"]


async def test_whoever_removes_the_passkey_that_signed_them_in_is_signed_out(people: People) -> None:
    authenticator = await people.with_passkey()
    proof = authenticator.prove(people.passkeys.to_prove(SITE))
    caller = await people.sign_in.caller((await people.passkeys.sign_in(SITE, proof, HERE)).secret)
    assert await people.passkeys.remove(caller, authenticator.id.hex(), HERE)
    with pytest.raises(NotAuthenticated):
        people.sign_in.session(caller.session_id)
