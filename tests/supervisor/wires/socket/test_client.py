"""The order in which the requests of a connection begin."""

from __future__ import annotations

import asyncio
import gc

from supervisor.protocol.messages import SessionId
from supervisor.wires.socket.client import RequestOrder
from tests.slowness import scaled


async def test_what_names_the_same_session_begins_in_the_order_it_came() -> None:
    order, begun = RequestOrder(), list[int]()

    async def begin(number: int) -> None:
        async with order.session(SessionId("s1")):
            await asyncio.sleep(0)
            begun.append(number)

    await asyncio.gather(*(begin(number) for number in range(20)))
    assert begun == list(range(20))


async def test_sessions_do_not_wait_for_each_other() -> None:
    order = RequestOrder()
    async with order.session(SessionId("s1")), asyncio.timeout(scaled(5)), order.session(SessionId("s2")):
        assert order.session(SessionId("s1")).locked()


async def test_nothing_is_kept_of_a_session_that_nobody_names_any_more() -> None:
    order = RequestOrder()
    for name in ("s1", "s2", "s3"):
        async with order.session(SessionId(name)):
            pass
    gc.collect()
    assert list(order._sessions) == ["s3"], "but the last one named"
