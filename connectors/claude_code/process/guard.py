"""Watches the memory and processes of all sessions, and reports a session that exceeds its limits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from connectors.claude_code.process import tree
from connectors.claude_code.process.allowance import Allowance, Excess, members, yield_first
from supervisor.protocol.conversation import ProcessIdentity

logger = logging.getLogger(__name__)

OOM_SCORE = 500
"""oom_score_adj of a session: if the machine runs out of memory between two checks, the daemon must survive."""


class Guard:
    """Reads the process table once for all sessions, in a task that runs while there is a session to watch.

    Args:
        seconds: between two checks.
    """

    def __init__(self, allowance: Allowance, seconds: float) -> None:
        self._allowance = allowance
        self._seconds = seconds
        self._watched: dict[ProcessIdentity, Callable[[Excess], None]] = {}
        self._looking: asyncio.Task[None] | None = None

    def watch(self, root: ProcessIdentity, exceeded: Callable[[Excess], None]) -> None:
        """Watch a process tree; `exceeded` is called at most once, on the thread of the event loop."""
        if not self._allowance:
            return
        self._watched[root] = exceeded
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_on(), name="claude code guard")

    async def release(self, root: ProcessIdentity) -> None:
        """Stop watching a process tree."""
        self._watched.pop(root, None)
        if not self._watched and self._looking is not None:
            looking, self._looking = self._looking, None
            looking.cancel()
            await asyncio.wait([looking])

    async def _look_on(self) -> None:
        while self._watched:
            # In a thread: with very many processes, the case that the guard is for, this takes long.
            try:
                found = await asyncio.to_thread(self._look, list(self._watched))
            except Exception:  # one failed check must not end all later ones
                logger.exception("the memory and processes of sessions could not be read")
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
