"""The people of conversations at work."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supervisor.store import SqliteStore, open_store
from supervisor.tools.people.book import Circle, PeopleBook
from supervisor.tools.people.people import Known, People
from tests.supervisor.harness import seal

ANN = Known(reference="entity-4f5a1c2e", person="4f5a1c2e-0000-ann", name="Ann Lee")


def learned(one: Known) -> Circle:
    """Return the people of a conversation that has learned of one and not kept them."""
    return Circle(People(), unsaved=[one])


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """A store, open."""
    opened = await open_store(tmp_path / "xswarm.db", seal=seal)
    yield opened
    await opened.close()


async def test_all_who_ask_for_a_conversation_get_the_same_people(store: SqliteStore) -> None:
    book = PeopleBook(store.references)
    assert book.at_work("c1") is None
    one, two = await asyncio.gather(book.of("c1"), book.of("c1"))
    assert one is two
    assert await book.of("c2") is not one
    await book.keep("c1", learned(ANN))
    assert not one.people, "it is kept, and learned by whoever keeps it"
    del one, two
    gc.collect()
    assert (await PeopleBook(store.references).of("c1")).people.read(f"ask {ANN.reference}") == "ask Ann Lee"


async def test_who_holds_a_conversation_learns_whom_another_node_has_met(store: SqliteStore) -> None:
    here, there = PeopleBook(store.references), PeopleBook(store.references)
    held, other = await here.of("c1"), await here.of("c2")
    await there.keep("c1", learned(ANN))
    assert held.people.hidden("Ann Lee called") == "Ann Lee called"
    await here.look(["c9", "c1"])
    assert held.people.hidden("Ann Lee called") == f"{ANN.reference} called"
    ben = Known(reference="entity-00000001", person="7", name="Ben Cho")
    for scope in ("c1", "c2"):
        await there.keep(scope, learned(ben))
    assert (await here.of("c1")) is held
    assert held.people.read(ben.reference) == "Ben Cho", "whoever asks gets what is new"
    assert not other.people
    await here.look(None)
    assert other.people.read(ben.reference) == "Ben Cho"
    assert held.people.hidden("Ann Lee and Ben Cho") == f"{ANN.reference} and {ben.reference}"


async def test_a_book_without_a_store_knows_nobody() -> None:
    book = PeopleBook()
    await book.keep("c1", learned(ANN))
    await book.look(None)
    assert (await book.of("c1")).people.read(ANN.reference) == ANN.reference
