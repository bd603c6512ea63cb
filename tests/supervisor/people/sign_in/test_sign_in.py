"""Links and sessions with a real store: what counts, what does not, and what the audit trail says of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from supervisor.config import Auth
from supervisor.people.identity import digest
from supervisor.people.sign_in.backoff import FREE
from supervisor.people.sign_in.errors import SignInNotFound
from supervisor.people.sign_in.sign_in import LINK_MINUTES, LINKS_PER_HOUR, SignIn
from supervisor.protocol.errors import NotAllowed, NotAuthenticated, RateLimited, UserNotFound
from supervisor.protocol.messages import Address, UserId
from supervisor.protocol.times import now_ms
from supervisor.store.ports.people.sign_in import SignInStore, Visitor, Way
from tests.supervisor.harness import Core

ALICE = UserId("alice")
BASE = "http://localhost:8787"
MINUTE_MS = 60_000
HERE = Visitor(source="192.0.2.1", agent="Test", browser=digest("kept"))


def ask(sign_in: SignIn, address: Address, visitor: Visitor) -> None:
    """Ask for a link, as a page does."""
    sign_in.ask(address, visitor)
    sign_in.send(address, visitor, base=BASE)


class Clock:
    """Wall time of the tests, in milliseconds."""

    def __init__(self) -> None:
        self.now = now_ms()  # the directory goes by the real one

    def __call__(self) -> int:
        return self.now


class People:
    """A core, and sign-in with a clock of the tests."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.clock = Clock()
        self.sign_in = self.started()

    def started(self) -> SignIn:
        """Return sign-in as after a start."""
        store = self.core.store
        return SignIn(store.sign_in, self.core.directory, Auth(), lambda: ["mail", "sms"], clock=self.clock)

    async def sent(self, address: Address) -> str:
        """Ask for a link; return the secret that is sent."""
        ask(self.sign_in, address, HERE)
        await self.sign_in.aclose()
        due = await self.core.store.outbox.due(address.kind, now_ms=self.clock.now, limit=9)
        text = due[-1].text
        assert f"{BASE}/sign-in#" in text
        return text.rpartition("#")[2]

    async def events(self) -> list[str]:
        """Return the events of sign-in in the audit trail, with the reason of a failure or an end."""
        entries = await self.core.store.audit.entries(after=0, limit=500)
        found = [entry for entry in entries if entry.event.startswith("signin.")]
        return [f"{entry.event} {entry.detail.get('why', '')}".strip() for entry in found]


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[People]:
    async with Core(tmp_path) as core:
        yield People(core)


def address_of(people: People) -> Address:
    """Return an address of alice."""
    return next(one for one in people.core.directory.user(ALICE).addresses if one.kind in ("mail", "sms"))


async def test_a_link_by_the_outbox_signs_in_once(people: People) -> None:
    address = address_of(people)
    secret = await people.sent(address)
    signed_in = await people.sign_in.redeem(secret, HERE)
    assert signed_in.session.way is Way(address.kind)
    caller = await people.sign_in.caller(signed_in.secret)
    assert (caller.user_id, caller.way) == (ALICE, address.kind)
    assert people.core.directory.still_valid(caller)
    with pytest.raises(NotAllowed, match="does not count"):
        await people.sign_in.redeem(secret, HERE)
    assert await people.events() == ["signin.link_sent", "signin.ok", "signin.failed used"]


async def test_a_link_counts_in_the_browser_that_asked_and_is_not_used_up_elsewhere(people: People) -> None:
    secret = await people.sent(address_of(people))
    for elsewhere in (Visitor(source="192.0.2.2"), Visitor(source="192.0.2.2", browser=digest("other"))):
        with pytest.raises(NotAllowed) as refused:
            await people.sign_in.redeem(secret, elsewhere)
        assert "in the browser where you asked" in refused.value.remedy
    assert (await people.sign_in.redeem(secret, HERE)).session.user_id == ALICE


@pytest.mark.parametrize("minutes", [LINK_MINUTES, LINK_MINUTES + 5])
async def test_a_link_is_too_late_after_ten_minutes(people: People, minutes: int) -> None:
    secret = await people.sent(address_of(people))
    people.clock.now += minutes * MINUTE_MS
    with pytest.raises(NotAllowed):
        await people.sign_in.redeem(secret, HERE)
    assert (await people.events())[-1] == "signin.failed expired"


@pytest.mark.parametrize("minutes", [5, -5])
async def test_a_clock_that_jumps_five_minutes_costs_no_link_and_no_session(people: People, minutes: int) -> None:
    secret = await people.sent(address_of(people))
    people.clock.now += minutes * MINUTE_MS
    signed_in = await people.sign_in.redeem(secret, HERE)
    people.clock.now -= minutes * MINUTE_MS
    assert (await people.sign_in.caller(signed_in.secret)).user_id == ALICE


@pytest.mark.requirement(35)
async def test_a_stranger_is_told_the_same_and_gets_nothing(people: People) -> None:
    ask(people.sign_in, Address(kind="mail", value="nobody@example.com"), HERE)
    await people.sign_in.aclose()
    assert await people.core.store.outbox.due("mail", now_ms=people.clock.now, limit=9) == []
    assert await people.events() == ["signin.failed unknown_address"]


async def test_links_are_limited_alike_for_known_and_unknown(people: People) -> None:
    for address in (address_of(people), Address(kind="mail", value="nobody@example.com")):
        for _ in range(LINKS_PER_HOUR):
            ask(people.sign_in, address, HERE)
        with pytest.raises(RateLimited):
            ask(people.sign_in, address, HERE)
    await people.sign_in.aclose()


class CountedCalls:
    """The store of sign-in, whose calls are counted."""

    def __init__(self, store: SignInStore) -> None:
        self._store = store
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.calls.append(name)
        return getattr(self._store, name)


@pytest.mark.requirement(35)
async def test_the_store_does_as_much_for_an_unknown_address_and_after_the_answer(people: People) -> None:
    known, work = address_of(people), {}
    for address in (known, Address(kind=known.kind, value="nobody@example.com")):
        store = CountedCalls(people.core.store.sign_in)
        sign_in = SignIn(cast(SignInStore, store), people.core.directory, Auth(), lambda: ["mail", "sms"])
        ask(sign_in, address, HERE)
        answered = len(store.calls)
        await sign_in.aclose()
        work[address.value] = (answered, len(store.calls))
    assert set(work.values()) == {(0, 1)}
    assert (await people.events()) == ["signin.link_sent", "signin.failed unknown_address"]


async def wrong_elsewhere(people: People, secret: str) -> int:
    """Try a link in other browsers at other addresses until its user has to wait; return how often it was refused."""
    for number in range(FREE + 2):
        try:
            await people.sign_in.redeem(secret, Visitor(source=f"192.0.2.{number + 10}"))
        except RateLimited:
            return number
        except NotAllowed:
            continue
    raise AssertionError("the user never had to wait")


async def test_failures_of_one_user_from_many_addresses_slow_the_links_of_this_user_down(people: People) -> None:
    address = address_of(people)
    secret = await people.sent(address)
    assert await wrong_elsewhere(people, secret) == FREE + 1
    with pytest.raises(RateLimited):
        await people.sign_in.redeem(secret, HERE)
    waiting = len(await people.core.store.outbox.due(address.kind, now_ms=people.clock.now, limit=9))
    ask(people.sign_in, address, Visitor(source="192.0.2.99"))  # answered as always
    await people.sign_in.aclose()
    assert (await people.events())[-1] == "signin.failed too_many_failures"
    assert len(await people.core.store.outbox.due(address.kind, now_ms=people.clock.now, limit=9)) == waiting
    link, _ = await people.sign_in.make_link("bob", base=BASE)
    assert (await people.sign_in.redeem(link.rpartition("#")[2], HERE)).session.user_id == "bob"


async def test_a_user_who_has_to_wait_for_links_signs_in_with_a_passkey_at_once(people: People) -> None:
    secret = await people.sent(address_of(people))
    await wrong_elsewhere(people, secret)
    await people.sign_in.begin(ALICE, Way.PASSKEY, HERE)
    assert (await people.sign_in.redeem(secret, HERE)).session.user_id == ALICE, "and is trusted again"


async def test_links_for_one_address_are_limited_from_many_clients_alike(people: People) -> None:
    for address in (address_of(people), Address(kind="mail", value="nobody@example.com")):
        for number in range(LINKS_PER_HOUR):
            ask(people.sign_in, address, Visitor(source=f"192.0.2.{number}"))
        with pytest.raises(RateLimited):
            ask(people.sign_in, address, Visitor(source="192.0.2.99"))
    await people.sign_in.aclose()


async def test_a_thousand_wrong_tries_do_not_get_in_and_leave_few_entries(people: People) -> None:
    refused = waited = 0
    for number in range(1_000):
        try:
            await people.sign_in.redeem(f"guess {number}", HERE)
        except NotAllowed:
            refused += 1
        except RateLimited:
            waited += 1
    assert refused + waited == 1_000
    assert refused <= FREE + 15
    assert len(await people.events()) == refused


async def test_a_link_whose_address_is_taken_away_does_not_count(people: People) -> None:
    secret = await people.sent(address_of(people))
    await people.core.accounts.put_user(ALICE, name="Alice", role="ADMIN")
    with pytest.raises(NotAllowed):
        await people.sign_in.redeem(secret, HERE)
    assert (await people.events())[-1] == "signin.failed no_address"


async def test_a_session_outlives_a_restart_and_ends_by_idleness(people: People) -> None:
    link, expires_ms = await people.sign_in.make_link("alice", base=BASE)
    assert expires_ms == people.clock.now + LINK_MINUTES * MINUTE_MS
    signed_in = await people.sign_in.redeem(link.rpartition("#")[2], Visitor())
    again = people.started()
    with pytest.raises(NotAuthenticated):
        await again.caller(signed_in.secret)
    await again.load()
    assert (await again.caller(signed_in.secret)).way == "terminal"
    assert again.newcomer() is None
    people.clock.now += 12 * 60 * MINUTE_MS
    assert not again.is_live(signed_in.session.id)
    with pytest.raises(NotAuthenticated):
        await again.caller(signed_in.secret)
    assert (await people.events())[-1] == "signin.ended idle"
    assert await people.core.store.sign_in.sessions() == []


async def test_a_removed_user_is_signed_out_and_another_one_ends_nothing(people: People) -> None:
    link, _ = await people.sign_in.make_link("alice", base=BASE)
    signed_in = await people.sign_in.redeem(link.rpartition("#")[2], Visitor())
    with pytest.raises(SignInNotFound):
        await people.sign_in.end(UserId("bob"), signed_in.session.id, why="ended")
    caller = await people.sign_in.caller(signed_in.secret)
    await people.core.accounts.remove_user(ALICE)
    assert not people.core.directory.still_valid(caller)
    with pytest.raises(NotAuthenticated):
        await people.sign_in.caller(signed_in.secret)
    with pytest.raises(UserNotFound):
        await people.sign_in.make_link("alice", base=BASE)


async def test_no_secret_is_stored(people: People) -> None:
    link, _ = await people.sign_in.make_link("alice", base=BASE)
    signed_in = await people.sign_in.redeem(link.rpartition("#")[2], Visitor())
    await people.core.store.close()
    for path in people.core.folder.glob("xswarm.db*"):
        for secret in (link.rpartition("#")[2], signed_in.secret):
            assert secret.encode() not in path.read_bytes()


async def test_whoever_gets_the_id_of_a_removed_user_has_not_signed_in(people: People) -> None:
    link, _ = await people.sign_in.make_link("alice", base=BASE)
    signed_in = await people.sign_in.redeem(link.rpartition("#")[2], Visitor())
    await people.core.accounts.remove_user(ALICE)
    await people.core.accounts.put_user("alice", name="Another Alice", role="ADMIN")
    with pytest.raises(NotAuthenticated):
        await people.sign_in.caller(signed_in.secret)
    assert people.sign_in.of(ALICE) == []
