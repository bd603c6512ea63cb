"""Watches what all sessions take of the machine, and says so where one takes more than it may."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from connectors.claude_code.process import tree
from connectors.claude_code.process.allowance import Allowance, Excess, members, yield_first
from supervisor.protocol.conversation import ProcessIdentity

logger = logging.getLogger(__name__)

OOM_SCORE = 500
"""What oom_score_adj becomes for a session: what it takes between two looks must not cost the daemon its life."""


class Guard:
    """One look at the process table serves all sessions. A task of its own runs while there is one to watch.

    Args:
        seconds: between two looks.
    """

    def __init__(self, allowance: Allowance, seconds: float) -> None:
        self._allowance = allowance
        self._seconds = seconds
        self._watched: dict[ProcessIdentity, Callable[[Excess], None]] = {}
        self._looking: asyncio.Task[None] | None = None

    def watch(self, root: ProcessIdentity, exceeded: Callable[[Excess], None]) -> None:
        """Watch a process and all below it; `exceeded` is called once, on the loop's thread."""
        if not self._allowance:
            return
        self._watched[root] = exceeded
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_on(), name="claude code guard")

    async def release(self, root: ProcessIdentity) -> None:
        """Watch it no longer."""
        self._watched.pop(root, None)
        if not self._watched and self._looking is not None:
            looking, self._looking = self._looking, None
            looking.cancel()
            await asyncio.wait([looking])

    async def _look_on(self) -> None:
        while self._watched:
            # In a thread: with very many processes, which is what is looked for, this takes a while.
            try:
                found = await asyncio.to_thread(self._look, list(self._watched))
            except Exception:  # one look that fails is no reason never to look again
                logger.exception("what sessions take of the machine could not be seen")
                found = {}
            for root, excess in found.items():
                if (exceeded := self._watched.pop(root, None)) is not None:
                    exceeded(excess)
            await asyncio.sleep(self._seconds)

    def _look(self, roots: list[ProcessIdentity]) -> dict[ProcessIdentity, Excess]:
        table = tree.table()
        found = {}
        for root in roots:
            pids = members(root, table)
            yield_first(pids, OOM_SCORE)
            if (excess := self._allowance.excess(pids)) is not None:
                logger.warning("process %d: %s", root.pid, excess.why)
                found[root] = excess
        return found
