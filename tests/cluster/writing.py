"""People who write while the nodes are stopped and started; what one node refuses goes to another."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from tests.cluster.cluster import PHONES, Cluster, slow
from tests.waiting import until

PAUSE_SECONDS = 0.2
"""Between two texts: five each second."""


class Writing:
    """`async with` texts the nodes in turns, as a load balancer does it, until the block ends.

    Attributes:
        sent: what was accepted: a word of each message's answer by the phone that sent it.
        at: how many each node has accepted.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.sent: dict[str, str] = {}
        self.at = dict.fromkeys(cluster.nodes, 0)
        self._cluster = cluster
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def more(self, count: int = 5) -> None:
        """Wait until some more were accepted."""
        goal, task = len(self.sent) + count, self._task
        assert task is not None
        await until(lambda: len(self.sent) >= goal or task.done(), "some texts were sent", 60.0)
        assert not task.done(), task.exception()

    async def answered(self) -> None:
        """Wait until everything that was accepted is answered."""
        for key, phone in self.sent.items():
            await self._cluster.answer(key, phone)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._write(), name="people write")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        assert self._task is not None
        await self._task

    async def _write(self) -> None:
        names, people = list(self._cluster.nodes), list(PHONES.items())
        number = 0
        while not self._over.is_set():
            number += 1
            who, phone = people[number % len(people)]
            key = f"{who}-{number:04}"
            body = slow(f"said {key}", 0.3) if number % 2 else f"claude: {key}"
            first = number // 2 % len(names)
            await self._send(key, body, phone, [*names[first:], *names[:first]])
            await asyncio.sleep(PAUSE_SECONDS)  # the rate is what is wanted

    async def _send(self, key: str, body: str, phone: str, names: list[str]) -> None:
        sid, refused = "", []
        for name in names:
            status, sid = await self._cluster.text(name, body, phone, sid=sid)
            if status == 200:
                self.sent[key] = phone
                self.at[name] += 1
                return
            refused.append((name, status))
        logs = "\n".join(self._cluster[name].log for name in names)
        raise AssertionError(f"{key} was refused by every node: {refused}\n{logs}")
