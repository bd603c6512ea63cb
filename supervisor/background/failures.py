"""Tells people by another of their addresses that a reply did not arrive, with the reply itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from supervisor.people.identity import Directory
from supervisor.people.rate_limits import NoticeLimit
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import SENTENCE, VERBATIM, Address, OutboxId, Reply
from supervisor.sentences import delivery as say
from supervisor.store.records.outbox import OutboxDraft, OutboxRow

FAILED = "failed"
"""Key of the meta of a notice: the addresses that its reply did not reach. None of them is tried again."""

_KEPT = (VERBATIM, SENTENCE, "prefix", "footer")  # what says how the text of a reply is to be read
_WAYS = {"sms": say.TEXT_TO(), "mail": say.MAIL_TO()}


class FailureNotices:
    """Drafts the notices about replies that did not arrive, at most `NoticeLimit` for one address.

    Args:
        directory: knows the addresses of people.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._limit = NoticeLimit()

    def drafts(self, row: OutboxRow, channels: Collection[str]) -> Sequence[OutboxDraft]:
        """Return the notice about a reply that did not arrive; nothing if its recipient has no other address.

        Args:
            row: its `note` says why.
            channels: the channels that can send.
        """
        failed = [*row.meta.get(FAILED, ()), str(row.to)]
        to = self._other_address(row, channels, failed)
        if to is None or not self._limit.take(row.to):
            return ()
        meta: dict[str, Any] = {key: row.meta[key] for key in _KEPT if key in row.meta}
        reply = Reply(channel=to.kind, to=to, meta={**meta, "subject": say.SUBJECT(), FAILED: failed})
        return (OutboxDraft(id=OutboxId(uuid7()), reply=reply, text=f"{_sentence(row)}\n\n{row.text}"),)

    def _other_address(self, row: OutboxRow, channels: Collection[str], failed: Sequence[str]) -> Address | None:
        """Return another address of the recipient, on another channel if there is one; None = there is none."""
        owner = self._directory.by_address(row.to)
        if owner is None or owner.id != row.user_id:
            return None
        others = [one for one in owner.addresses if one.kind in channels and str(one) not in failed]
        return min(others, key=lambda one: one.kind == row.to.kind, default=None)


def _sentence(row: OutboxRow) -> str:
    way = _WAYS.get(row.to.kind, say.MESSAGE_BY(channel=row.to.kind))
    if row.note:
        return say.DID_NOT_ARRIVE_BECAUSE(way=way, address=row.to.value, why=row.note.rstrip("."))
    return say.DID_NOT_ARRIVE(way=way, address=row.to.value)
