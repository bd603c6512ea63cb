"""The contract of the store, part: a place belongs to one node that lives."""

from __future__ import annotations

import asyncio

from supervisor.store import Store
from tests.supervisor.store.builders import NOW
from tests.supervisor.store.contract_base import ContractBase, Opener


class PlacesContract(ContractBase):
    """Places of this node, and of one that is gone."""

    async def test_a_place_is_claimed_again_and_given_up(self, store: Store) -> None:
        assert await store.places.claim("project/shop", now_ms=NOW)
        assert await store.places.claim("project/shop", now_ms=NOW)
        assert await store.places.owner("project/shop") is None
        assert await store.places.of_others() == set()
        await store.places.release("project/shop")
        await store.places.release("project/shop")
        assert await store.places.claim("project/shop", now_ms=NOW)

    async def test_the_place_of_a_node_that_is_gone_is_free(self, opener: Opener) -> None:
        first = await opener()
        assert await first.places.claim("project/shop", now_ms=NOW)
        await first.close()
        second = await opener()
        assert await second.places.owner("project/shop") is None
        assert await second.places.of_others() == set()
        assert await second.places.claim("project/shop", now_ms=NOW)
        await second.close()


async def check_that_one_of_two_claims(one: Store, two: Store) -> None:
    """Check that two nodes that live never own the same place."""
    for number in range(20):
        place = f"project/{number}"
        first, second = await asyncio.gather(one.places.claim(place, now_ms=NOW), two.places.claim(place, now_ms=NOW))
        assert first != second
        owner, other = (one, two) if first else (two, one)
        assert await other.places.owner(place) == owner.epoch
        assert place in await other.places.of_others()
        await other.places.release(place)
        assert not await other.places.claim(place, now_ms=NOW)
        await owner.places.release(place)
        assert await other.places.claim(place, now_ms=NOW)
