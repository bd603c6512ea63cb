"""Writes replies to the outbox, in the transaction that causes them."""

from __future__ import annotations

from collections.abc import Iterable

from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.transaction import Transaction, to_json


def add_drafts(
    tx: Transaction,
    drafts: Iterable[OutboxDraft],
    turn_id: int | None,
    user_id: str | None,
    now_ms: int,
    *,
    footer: str = "",
) -> None:
    """Insert replies, pending; their channels are woken after the commit.

    Args:
        turn_id: None = they belong to no turn.
        user_id: None = they are for nobody that the daemon knows.
        footer: the last line of each text. It is kept apart, because the text may be the turn's answer.
    """
    for draft in drafts:
        reply = draft.reply
        tx.channels.add(reply.channel)
        tx.insert(
            "outbox",
            {
                "id": draft.id,
                "turn_id": turn_id,
                "user_id": user_id,
                "state": "pending",
                "channel": reply.channel,
                "account": reply.account,
                "to_kind": reply.to.kind,
                "recipient": reply.to.value,
                "body": draft.text,
                "meta": to_json({**reply.meta, "footer": footer} if footer else reply.meta),
                "not_before_ms": draft.not_before_ms,
                "created_ms": now_ms,
                "updated_ms": now_ms,
                "epoch": tx.epoch,
            },
        )
