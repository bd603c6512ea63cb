"""Writing replies to the outbox in the transaction of what caused them."""

from __future__ import annotations

from collections.abc import Iterable

from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.sqlite.transaction import Transaction, to_json

_ADD = """
    INSERT INTO outbox (id, turn_id, user_id, state, channel, account, to_kind, recipient, body, meta, not_before_ms,
                        created_ms, updated_ms, epoch)
    VALUES (?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def add_drafts(
    tx: Transaction,
    drafts: Iterable[OutboxDraft],
    turn_id: int | None,
    user_id: str | None,
    now_ms: int,
    *,
    footer: str = "",
) -> None:
    """Write replies, pending; a footer is kept beside a text that may be stored elsewhere."""
    for draft in drafts:
        reply = draft.reply
        tx.channels.add(reply.channel)
        tx.execute(
            _ADD,
            (
                draft.id,
                turn_id,
                user_id,
                reply.channel,
                reply.account,
                reply.to.kind,
                reply.to.value,
                draft.text,
                to_json({**reply.meta, "footer": footer} if footer else reply.meta),
                draft.not_before_ms,
                now_ms,
                now_ms,
                tx.epoch,
            ),
        )
