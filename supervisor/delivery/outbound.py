"""A stored reply as its channel gets it."""

from __future__ import annotations

import re

from supervisor.protocol.messages import Outbound
from supervisor.store.records.outbox import OutboxRow

BLOCK = re.compile(r"#{1,6}\s|[-*+]\s|\d{1,9}[.)]\s|>|\||```|~~~")
"""Text that Markdown takes for a heading, list, quotation, table or code at the beginning of a line only."""


def outbound_of(row: OutboxRow) -> Outbound:
    """Return a reply as its channel gets it: the project's name before the text, and the footer below it."""
    prefix, footer = str(row.meta.get("prefix", "")), str(row.meta.get("footer", ""))
    text = f"{prefix}{_gap(row.text)}{row.text}" if prefix else row.text
    return Outbound(
        id=row.id,
        channel=row.channel,
        account=row.account,
        to=row.to,
        text=f"{text}\n\n{footer}" if footer else text,
        meta=row.meta,
        attempt=row.attempts,
        sending_since=row.sending_ms,
        message_id=row.message_id,
    )


def _gap(text: str) -> str:
    """Return the separator between a project's name and an answer: an empty line if the answer begins with a block."""
    return "\n\n" if BLOCK.match(text) else " "
