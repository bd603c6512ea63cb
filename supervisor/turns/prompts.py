"""The prompt of a turn: its text, its notes for the model, and its idempotency key."""

from __future__ import annotations

import uuid

from supervisor.protocol import conversation as talk
from supervisor.protocol.messages import MessageId
from supervisor.store.records.turn import Turn

AGAIN = "your answer to this message was cut off by a restart and nobody has read it: answer it in full"
"""Note for the model on a prompt that its conversation already contains."""


def prompt_of(turn: Turn) -> talk.Prompt:
    """Return the prompt for the connector: the texts of a turn and of those gathered with it, each with its note."""
    texts = [f"{one.text}\n\n({one.note})" if one.note else one.text for one in (turn, *turn.gathered)]
    if turn.renamed:
        texts.append(f"({AGAIN})")
    text = "\n\n".join(texts)
    attachments = tuple(file for one in (turn, *turn.gathered) for file in one.attachments)
    return talk.Prompt(
        message_id=turn.message_id, text=text, context=turn.context, key=key_of(turn), attachments=attachments
    )


def key_of(turn: Turn) -> MessageId:
    """Return the idempotency key of a turn's prompt: the message id, or another UUID where the prompt was renamed."""
    if not turn.renamed:
        return turn.message_id
    return MessageId(str(uuid.uuid5(uuid.UUID(turn.message_id), str(turn.renamed))))
