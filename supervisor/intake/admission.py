"""Admission of a person's message: how much they may send, and who acts on a command word before T1."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from supervisor.commands.reading.words import READING, Command
from supervisor.config import Limits
from supervisor.intake.submission import Submission
from supervisor.protocol.errors import RateLimited, StorageError
from supervisor.protocol.times import Clock, now_ms
from supervisor.store.ports.turns import TurnStore
from supervisor.store.records.acceptance import Accepted, Attempt, RateLimit

LOOKS = 50
"""How often a message is looked at again that another node acts on."""
LOOK_SECONDS = 0.2


class Admission:
    """Counts messages of people in the store, and lets one node act on each.

    What runs is counted by T1. What acts before T1, such as a command word, is counted and claimed before it acts.
    """

    def __init__(self, store: TurnStore, limits: Limits, clock: Clock = now_ms) -> None:
        self._store = store
        self._limits = limits
        self._clock = clock

    def limit(self, submission: Submission, command: Command | None = None) -> RateLimit | None:
        """Return what counts a message; None = nothing limits its sender."""
        if not submission.limited:
            return None
        return RateLimit(
            per_minute=self._limits.messages_per_minute,
            per_hour=self._limits.messages_per_hour,
            command=command is not None and not command.loose,
        )

    @asynccontextmanager
    async def acting(
        self, submission: Submission, command: Command | None, limit: RateLimit | None
    ) -> AsyncIterator[Accepted | None]:
        """Count and claim a message around what it does; if that fails, its repetition may do it, on any node.

        The caller holds the lock of the person.

        Returns:
            The message as a duplicate, if another node has done it meanwhile; None = it may act.

        Raises:
            RateLimited: the person has sent too many.
            StorageError: another node acts on it and does not end.
        """
        # A word that only reads may run twice.
        key = None if command is not None and command.word in READING else submission.dedup_key
        attempt = Attempt(
            channel=submission.channel,
            account=submission.account,
            dedup_key=key,
            digest=submission.digest,
            user_id=submission.user.id,
            limit=limit,
            now_ms=self._clock(),
        )
        first = await self._attempt(attempt)
        try:
            yield first
        except BaseException:
            if first is None:
                with suppress(StorageError):
                    await self._store.give_up(attempt)
            raise

    async def _attempt(self, attempt: Attempt) -> Accepted | None:
        for _ in range(LOOKS):
            found = await self._store.attempt(attempt)
            if found is not None and found.wait_ms:
                raise RateLimited(seconds(found.wait_ms))
            if found is None or not found.taken:
                return found
            await asyncio.sleep(LOOK_SECONDS)
        raise StorageError("another node carries this message out", "send it again in a minute")


def seconds(wait_ms: int) -> float:
    """Return the seconds that a person over a limit is told to wait: at least one."""
    return max(1.0, wait_ms / 1000)
