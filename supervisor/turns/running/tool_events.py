"""Records the tool calls of running turns in the background; T3 stores what the database has refused until then."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any

from supervisor.cluster.outages import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS
from supervisor.permissions.wording import summary
from supervisor.protocol import conversation as talk
from supervisor.protocol.errors import StorageError
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.ports.turns import ToolCallStore, TurnStore
from supervisor.turns.running.turn import RecordTool

logger = logging.getLogger(__name__)

MOST_KEPT = 1000
"""Writes of one turn that are kept while the database is away; what comes later is given up."""

MOST_AT_ONCE = 50
"""Writes of one turn that are begun together, so that they share a commit of the store."""

_Write = Callable[[], Awaitable[None]]


class ToolEvents:
    """Stores the start and end of each tool call with its turn, in order; in an outage they wait for the database.

    Args:
        calls: keeps the calls of the assistant's turns whole, with their results.
        most_kept: see `MOST_KEPT`.
    """

    def __init__(
        self, store: TurnStore, calls: ToolCallStore, clock: Clock = now_ms, *, most_kept: int = MOST_KEPT
    ) -> None:
        self._store = store
        self._calls = calls
        self._clock = clock
        self._most_kept = most_kept
        self._backlogs: dict[int, _Backlog] = {}  # by turn

    def recorder(self, *, whole: bool = False) -> RecordTool:
        """Return the function that stores the tool events of turns.

        Args:
            whole: keep the calls whole, with their results.
        """

        def record(turn_id: int, event: talk.ToolStarted | talk.ToolFinished) -> None:
            if (backlog := self._backlogs.get(turn_id)) is None:
                backlog = self._backlogs[turn_id] = _Backlog(turn_id, self._most_kept)
                backlog.task = asyncio.create_task(self._empty(backlog), name=f"tool events of turn {turn_id}")
            for write in self._writes(turn_id, event, whole):
                backlog.add(write)

        return record

    async def store(self, turn_id: int) -> None:
        """Store what is left of the events of a turn that is about to end.

        Raises:
            StorageError: the database is away; what is left is kept.
        """
        if (backlog := self._backlogs.get(turn_id)) is not None:
            await backlog.store()

    def ended(self, turn_id: int) -> None:
        """Give up what is left of the events of a turn that has ended in the store, or does not end in this process."""
        if (backlog := self._backlogs.get(turn_id)) is not None:
            backlog.give_up()

    async def _empty(self, backlog: _Backlog) -> None:
        """Store events until none is left."""
        pause = FIRST_PAUSE_SECONDS
        while not backlog.over:
            try:
                await backlog.store()
            except StorageError:
                await backlog.rest(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        del self._backlogs[backlog.turn_id]

    def _writes(self, turn_id: int, event: talk.ToolStarted | talk.ToolFinished, whole: bool) -> Iterator[_Write]:
        """Yield what is stored of an event."""
        at_ms = self._clock()
        kind, payload = _in_few_words(event)
        yield partial(self._store.record_event, turn_id, kind, payload, now_ms=at_ms)
        if whole and isinstance(event, talk.ToolStarted):
            yield partial(self._calls.started, turn_id, event, now_ms=at_ms)
        elif whole and isinstance(event, talk.ToolFinished):
            yield partial(self._calls.finished, turn_id, event, now_ms=at_ms)


class _Backlog:
    """What is to be stored of the tool events of one turn, in order.

    Attributes:
        task: stores it; None = it is about to begin.
    """

    def __init__(self, turn_id: int, most: int) -> None:
        self.turn_id = turn_id
        self.task: asyncio.Task[None] | None = None
        self._most = most
        self._left: deque[_Write] = deque()  # those that are begun, too, until their outcome is known
        self._begun: list[asyncio.Future[None]] = []  # the first of `_left`
        self._storing = asyncio.Lock()
        self._ended = asyncio.Event()
        self._waits = False
        self._given_up = 0

    @property
    def over(self) -> bool:
        """Whether nothing is left to store."""
        return not self._left

    def add(self, write: _Write) -> None:
        """Add a write behind the others; give it up where too many are kept, or the turn has ended."""
        if len(self._left) < self._most and not self._ended.is_set():
            self._left.append(write)
        else:
            self._given_up += 1

    async def store(self) -> None:
        """Store what is left.

        Raises:
            StorageError: the database is away; the rest is kept.
        """
        async with self._storing:
            while self._left:
                await self._store_some()
            self._note_end()

    async def _store_some(self) -> None:
        """Store the oldest writes together; the store does them in the order in which they are begun.

        Raises:
            StorageError: the database is away; those that it refused are kept, in order.
        """
        if not self._begun:  # else whoever began them was cancelled, and they went on
            self._begun = [asyncio.ensure_future(write()) for write in islice(self._left, MOST_AT_ONCE)]
        await asyncio.wait(self._begun)
        begun, self._begun = self._begun, []
        # None is left where they were given up meanwhile: nothing is added after that.
        writes = [self._left.popleft() for _ in begun] if self._left else []
        refused = [index for index, future in enumerate(begun) if not self._is_settled(future)]
        if refused:
            self._left.extendleft(writes[index] for index in reversed(refused) if writes)
            error = begun[refused[0]].exception()
            assert isinstance(error, StorageError)
            self._note_outage(error)
            raise error

    def _is_settled(self, future: asyncio.Future[None]) -> bool:
        """Return whether a write was stored, or never can be; then it is given up."""
        error = future.exception()
        if error is None:
            return True
        if isinstance(error, StorageError) and not error.lasts:
            return False
        self._given_up += 1  # the turn must end all the same
        told = None if isinstance(error, StorageError) else error
        logger.error("turn %d: a tool event could not be stored: %s", self.turn_id, error, exc_info=told)
        return True

    async def rest(self, seconds: float) -> None:
        """Wait some seconds, or until the turn has ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()

    def give_up(self) -> None:
        """Give up what is left: the turn has ended."""
        self._given_up += len(self._left)
        self._left.clear()
        self._ended.set()
        self._note_end()

    def _note_outage(self, error: StorageError) -> None:
        if not self._waits:
            logger.warning("turn %d: its tool events wait for the database: %s", self.turn_id, error)
        self._waits = True

    def _note_end(self) -> None:
        """Say that nothing waits any more, and how many events were given up."""
        if self._waits:
            logger.info("turn %d: its tool events wait no longer", self.turn_id)
        if self._given_up:
            logger.error("turn %d: %d tool events were given up", self.turn_id, self._given_up)
        self._waits, self._given_up = False, 0


def _in_few_words(event: talk.ToolStarted | talk.ToolFinished) -> tuple[str, dict[str, Any]]:
    """Return the kind of an event, and what is stored of it."""
    if isinstance(event, talk.ToolFinished):
        return "tool_finished", {"id": event.tool_use_id, "failed": event.failed}
    call = talk.ToolCall(tool_use_id=event.tool_use_id, name=event.name, input=event.input)
    payload: dict[str, Any] = {"id": event.tool_use_id, "summary": summary(call)}
    if event.reads:
        payload["reads"] = True
    return "tool_started", payload
