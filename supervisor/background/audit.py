"""Keeps the audit trail: cuts off its old entries, and notes its newest hash each day out of an intruder's reach."""

from __future__ import annotations

import asyncio
import logging
import os
import uuid

from supervisor.config import Audit
from supervisor.protocol.messages import Address, OutboxId, Reply, in_a_sentence
from supervisor.protocol.times import DAY_MS, Clock, now_ms, rfc3339
from supervisor.sentences import audit as say
from supervisor.store.ports.audit import AuditStore
from supervisor.store.ports.keys import IdempotencyStore
from supervisor.store.ports.outbox import OutboxStore
from supervisor.store.records.outbox import OutboxDraft

logger = logging.getLogger(__name__)

CUT_ENTRIES = 2_000
"""Entries that one transaction cuts off at most; other writes take their turn between two."""

ANCHORED = "audit.anchored"
"""The mark that holds the last day whose hash was noted, in days since 1970."""

_ANCHORS = uuid.UUID("5d0f3c52-0f0e-4c1e-9f0a-2d5b6f7a9c11")
"""The namespace of the ids of mails with a hash (RFC 9562 section 5.5): a day's mail is written once."""


class AuditKeeper:
    """Cuts off the entries that are too old, and notes the newest hash once a day."""

    def __init__(
        self,
        audit: AuditStore,
        marks: IdempotencyStore,
        outbox: OutboxStore,
        settings: Audit,
        clock: Clock = now_ms,
    ) -> None:
        self._audit = audit
        self._marks = marks
        self._outbox = outbox
        self._settings = settings
        self._clock = clock

    async def keep(self) -> None:
        """Do what is due.

        Raises:
            StorageError: the trail could not be read or written; the next call does it again.
        """
        await self._note_newest()
        before_ms = self._clock() - self._settings.keep_days * DAY_MS
        while await self._audit.cut(before_ms=before_ms, limit=CUT_ENTRIES, now_ms=self._clock()):
            pass

    async def _note_newest(self) -> None:
        """Note the newest hash, unless it was noted today."""
        day = self._clock() // DAY_MS
        if not (self._settings.anchor_file or self._settings.anchor_mail):
            return
        if await self._marks.get_mark(ANCHORED) == day:
            return
        last = await self._audit.last()
        newest = next(iter(await self._audit.entries(after=last - 1, limit=1)), None)
        if newest is None:
            return
        anchor = f"{rfc3339(self._clock())} {newest.seq} {newest.mac.hex()}"
        for address in self._settings.anchor_mail:
            await self._mail(address, day, anchor)
        if self._settings.anchor_file:
            try:
                await asyncio.to_thread(_append, self._settings.anchor_file, anchor)
            except OSError as error:
                logger.error("audit.anchor_file: the newest hash could not be noted: %s", error)
                return  # the next call tries again
        await self._marks.set_mark(ANCHORED, day)

    async def _mail(self, address: str, day: int, anchor: str) -> None:
        to = Address(kind="mail", value=address.lower())
        reply = in_a_sentence(Reply(channel="mail", to=to, meta={"subject": say.SUBJECT()}))
        mail_id = OutboxId(str(uuid.uuid5(_ANCHORS, f"{day} {to}")))
        draft = OutboxDraft(id=mail_id, reply=reply, text=say.ANCHOR(anchor=anchor))
        await self._outbox.add(draft, user_id=None, now_ms=self._clock())


def _append(path: str, line: str) -> None:
    """Append a line to a file, on disk when it returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{line}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
