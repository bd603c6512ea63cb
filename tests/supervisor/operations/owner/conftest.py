"""Two linked nodes on one database."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from supervisor.store.ports.cluster.nodes import NewNode
from tests.supervisor.harness import Core
from tests.supervisor.helpers import connect
from tests.supervisor.operations.owner.linked import WritingConnector, both_linked
from tests.waiting import until

KEY = b"a link key of the tests, 32 long"


@pytest.fixture
async def cores(tmp_path: Path, url: str) -> AsyncIterator[tuple[Core, Core]]:
    """Nodes a and b; a works in the folder of the project."""
    async with AsyncExitStack() as stack:
        cores = []
        for name in "ab":
            listener = socket.create_server(("127.0.0.1", 0))
            listener.setblocking(False)
            link = f"ws://127.0.0.1:{listener.getsockname()[1]}"
            node = NewNode(name=name, seat=name, lease_seconds=3600.0, url=link)
            core = Core(tmp_path, url=url, node=node, connector=WritingConnector())
            cores.append(await stack.enter_async_context(core))
            await core.links.start(name, KEY, listener, core.hub)
            stack.push_async_callback(core.links.aclose)
        one, two = cores
        await until(lambda: both_linked(one, two), "they are linked")
        await connect(one)
        yield one, two
