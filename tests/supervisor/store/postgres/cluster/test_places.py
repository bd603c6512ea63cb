"""Of two nodes that live, one owns a place."""

from __future__ import annotations

import pytest

from supervisor.store.ports.cluster.nodes import NewNode
from supervisor.store.postgres.opening import Address
from supervisor.store.postgres.store import open_postgres
from tests.supervisor.store.builders import seal
from tests.supervisor.store.contract_places import check_that_one_of_two_claims

pytestmark = pytest.mark.postgres


async def test_two_nodes_never_own_the_same_place(url: str) -> None:
    one, two = [await open_postgres(Address(url, node=NewNode(name=name, seat=name)), seal=seal) for name in "ab"]
    await check_that_one_of_two_claims(one, two)
    await one.close()
    await two.close()
