"""The people of conversations at work."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supervisor.store import SqliteStore, open_store
from supervisor.tools.people.book import PeopleBook
from supervisor.tools.people.people import Known
from tests.supervisor.harness import seal

ANN = Known(reference="entity-4f5a1c2e", person="4f5a1c2e-0000-ann", name="Ann Lee")


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
    await book.keep("c1", [ANN])
    assert not one.people, "it is kept, and learned by whoever keeps it"
    del one, two
    gc.collect()
    assert (await PeopleBook(store.references).of("c1")).people.read(f"ask {ANN.reference}") == "ask Ann Lee"


async def test_a_book_without_a_store_knows_nobody() -> None:
    book = PeopleBook()
    await book.keep("c1", [ANN])
    assert (await book.of("c1")).people.read(ANN.reference) == ANN.reference
