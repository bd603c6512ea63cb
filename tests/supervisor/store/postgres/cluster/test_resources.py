"""Of two nodes that live, one owns a resource."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from supervisor.store import Store
from supervisor.store.ports.cluster.nodes import NewNode
from supervisor.store.postgres.opening import Address
from supervisor.store.postgres.store import open_postgres
from tests.supervisor.store.builders import seal
from tests.supervisor.store.contract_resources import (
    check_that_one_of_two_claims,
    check_that_replies_go_with_their_channel,
)

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("check", [check_that_one_of_two_claims, check_that_replies_go_with_their_channel])
async def test_two_nodes_never_own_the_same_resource(
    url: str, check: Callable[[Store, Store], Awaitable[None]]
) -> None:
    one, two = [await open_postgres(Address(url, node=NewNode(name=name, seat=name)), seal=seal) for name in "ab"]
    await check(one, two)
    await one.close()
    await two.close()
