"""Passphrases: kept as salted hashes alone, typed as phones type them, and not to be guessed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supervisor.people.passphrases import LOCK_MS, WRONG_TRIES, Passphrases
from supervisor.protocol.errors import InvalidMessage, NotAllowed
from supervisor.protocol.messages import UserId
from tests.supervisor.harness import Core

ALICE, BOB = UserId("alice"), UserId("bob")
TEXT = "correct horse battery"


class Clock:
    """Wall time of the tests, in milliseconds."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    """A core, whose store and users are what is needed."""
    async with Core(tmp_path) as core:
        yield core


@pytest.mark.parametrize("text", [TEXT, " Correct  horse battery ", "CORRECT HORSE BATTERY"])
async def test_it_is_right_as_a_phone_writes_it(core: Core, text: str) -> None:
    passphrases = Passphrases(core.store.passphrases)
    await passphrases.set(ALICE, TEXT)
    await passphrases.check(ALICE, text)


async def test_it_is_stored_as_a_hash_with_a_salt_of_its_own(core: Core) -> None:
    passphrases = Passphrases(core.store.passphrases)
    await passphrases.set(ALICE, TEXT)
    await passphrases.set(BOB, TEXT)
    first, second = await core.store.passphrases.get(ALICE), await core.store.passphrases.get(BOB)
    assert first is not None
    assert second is not None
    assert first.hash != second.hash
    assert first.hash.hex() not in repr(first)
    await core.store.close()
    for path in core.folder.glob("xswarm.db*"):
        assert b"horse" not in path.read_bytes()


@pytest.mark.parametrize("text", ["short", "12345678", "1234 5678 90".replace(" ", ""), "x" * 201, "        "])
async def test_what_could_be_minutes_or_guessed_is_refused(core: Core, text: str) -> None:
    with pytest.raises(InvalidMessage, match="8 to 200 characters"):
        await Passphrases(core.store.passphrases).set(ALICE, text)


async def test_whoever_has_none_cannot_use_one(core: Core) -> None:
    with pytest.raises(NotAllowed, match="you have no passphrase"):
        await Passphrases(core.store.passphrases).check(ALICE, TEXT)


async def test_wrong_ones_lock_it_for_an_hour_and_a_right_one_between_forgives(core: Core) -> None:
    clock = Clock()
    passphrases = Passphrases(core.store.passphrases, clock)
    await passphrases.set(ALICE, TEXT)
    for _ in range(2):
        for _ in range(WRONG_TRIES - 1):
            with pytest.raises(NotAllowed, match="not your passphrase"):
                await passphrases.check(ALICE, "wrong horse battery")
        await passphrases.check(ALICE, TEXT)
    for _ in range(WRONG_TRIES):
        with pytest.raises(NotAllowed, match="not your passphrase"):
            await passphrases.check(ALICE, "wrong horse battery")
    with pytest.raises(NotAllowed, match="too many wrong"):
        await passphrases.check(ALICE, TEXT)
    clock.now += LOCK_MS
    await passphrases.check(ALICE, TEXT)
    assert await core.store.audit.verify() is None


async def test_a_clock_that_goes_back_makes_no_lock_longer(core: Core) -> None:
    clock = Clock()
    passphrases = Passphrases(core.store.passphrases, clock)
    await passphrases.set(ALICE, TEXT)
    for _ in range(WRONG_TRIES):
        with pytest.raises(NotAllowed, match="not your passphrase"):
            await passphrases.check(ALICE, "wrong horse battery")
    clock.now -= 24 * LOCK_MS
    await passphrases.check(ALICE, TEXT)


async def test_it_goes_with_its_user(core: Core) -> None:
    passphrases = Passphrases(core.store.passphrases)
    await passphrases.set(ALICE, TEXT)
    await core.accounts.remove_user("alice")
    await core.accounts.put_user("alice", name="Alice", role="ADMIN")
    with pytest.raises(NotAllowed, match="you have no passphrase"):
        await passphrases.check(ALICE, TEXT)
    await passphrases.set(ALICE, TEXT)
    assert await passphrases.remove(ALICE)
    assert not await passphrases.remove(ALICE)
