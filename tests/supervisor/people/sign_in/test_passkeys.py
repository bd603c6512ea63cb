"""Passkeys with a software authenticator: added, used once, bound to the page, and no stronger than their root."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supervisor.people.identity import Caller
from supervisor.people.sign_in.passkeys import SIGN_IN, Passkeys, Site, strength
from supervisor.protocol.errors import InvalidMessage, NotAllowed, RateLimited
from supervisor.protocol.messages import UserId
from supervisor.store.ports.people.sign_in import Visitor, Way
from tests.authenticator import PRESENT, Authenticator
from tests.supervisor.harness import Core

SITE = Site(origin="http://localhost:8787")
HERE = Visitor(source="192.0.2.1", agent="Test")
ALICE = UserId("alice")


def caller(way: Way = Way.TERMINAL, session: str = "s1") -> Caller:
    return Caller(name="alice", user_id=ALICE, session_id=session, way=way.value)


class People:
    """A core, with its sign-in and passkeys."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.sign_in = core.api.sign_in
        self.passkeys = Passkeys(core.store.passkeys, core.directory, core.api.sign_in)

    async def with_passkey(self, way: Way = Way.TERMINAL) -> Authenticator:
        """Return an authenticator that alice has added in a session of a way."""
        authenticator = Authenticator(SITE.origin)
        options = await self.passkeys.to_add(caller(way), SITE)
        await self.passkeys.add(caller(way), SITE, "phone", authenticator.make(options), HERE)
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
    authenticator = Authenticator(SITE.origin)
    options = await people.passkeys.to_add(caller(), SITE)
    made = authenticator.make(options)
    with pytest.raises(NotAllowed):
        await people.passkeys.add(caller(session="s2"), SITE, "x", made, HERE)
    passkey = await people.passkeys.add(caller(), SITE, "x", made, HERE)
    assert strength(passkey) is Way.PASSKEY
    again = authenticator.make(await people.passkeys.to_add(caller(), SITE))
    with pytest.raises(NotAllowed, match="known"):
        await people.passkeys.add(caller(), SITE, "x", again, HERE)


async def test_it_is_removed_by_its_owner(people: People) -> None:
    authenticator = await people.with_passkey()
    for owner, passkey_id in ((UserId("bob"), authenticator.id.hex()), (ALICE, "no hex"), (ALICE, "00")):
        with pytest.raises(InvalidMessage):
            await people.passkeys.remove(owner, passkey_id, HERE)
    await people.passkeys.remove(ALICE, authenticator.id.hex(), HERE)
    with pytest.raises(NotAllowed):
        await people.passkeys.prove(SITE, authenticator.prove(people.passkeys.to_prove(SITE)), SIGN_IN, HERE)
