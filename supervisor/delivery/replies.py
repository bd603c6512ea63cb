"""Replies about messages: their outbox ids, how they quote a message, and the notice that a message was dropped."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence

from supervisor.protocol.messages import MessageId, OutboxId, in_a_sentence
from supervisor.sentences.intake import NOT_WORKED_ON
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.turn import Turn

OUTBOX_NAMESPACE = uuid.UUID("6f1d8f6e-3c53-5c0b-9a53-3b2a8d1f0c11")
"""Namespace of the replies' UUIDs: a reply keeps its id when its turn is completed twice."""

CONTINUED = re.compile(r'Your work on the message "(.*?)" was interrupted when ')
"""Start of the prompt that continues work after a restart."""

QUOTED_CHARACTERS = 60
"""Characters of a message that a reply quotes."""


def reply_id(message_id: MessageId, number: int = 0) -> OutboxId:
    """Return the outbox id of a reply to a message.

    Args:
        number: distinguishes several replies to one message; 0 is the answer.
    """
    return OutboxId(str(uuid.uuid5(OUTBOX_NAMESPACE, f"{message_id}/{number}")))


def quote(text: str) -> str:
    """Return a short quotation of a message, on one line and in quotation marks.

    A prompt that continues interrupted work is quoted as the message that the work began with.
    """
    short = " ".join(text.split())
    if (begun := CONTINUED.match(short)) is not None:
        short = begun[1]
    return f'"{short[:QUOTED_CHARACTERS]}…"' if len(short) > QUOTED_CHARACTERS else f'"{short}"'


def dropped(why: str) -> Callable[[Turn], Sequence[OutboxDraft]]:
    """Return a function that drafts the notice that a turn will not run; a turn without a reply address gets none."""

    def notices(turn: Turn) -> Sequence[OutboxDraft]:
        if turn.reply is None:
            return ()
        text = NOT_WORKED_ON(quoted=quote(turn.text), why=why)
        return (OutboxDraft(id=reply_id(turn.message_id), reply=in_a_sentence(turn.reply), text=text),)

    return notices
