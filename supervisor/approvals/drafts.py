"""What is stored and sent for a new question."""

from __future__ import annotations

from dataclasses import replace

from supervisor.approvals import parts, wording
from supervisor.approvals.approvers import Recipient
from supervisor.approvals.call import AskedCall
from supervisor.permissions.policy import Risk
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import VERBATIM, OutboxId
from supervisor.store.ports.approvals import NewApproval
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.records.turn import Turn


def record(asked: AskedCall, risk: Risk, turn: Turn, *, expires_ms: int) -> NewApproval:
    """Return the record of a question about a call of a turn.

    Args:
        expires_ms: milliseconds UTC.
    """
    return NewApproval(
        id=uuid7(),
        turn_id=turn.id,
        session_id=asked.session.id,
        user_id=turn.user_id,
        project=asked.session.project,
        tool_use_id=asked.call.tool_use_id,
        tool=asked.call.name,
        risk=risk,
        channel=turn.channel,
        way=turn.way,
        call_sha256=asked.digest,
        content_sha256=asked.repeat_digest,
        summary=asked.one_line,
        text=asked.text,
        diff=asked.diff,
        input=asked.call.input,
        thread=turn.thread,
        expires_ms=expires_ms,
    )


def message(
    asked: AskedCall, new: NewApproval, recipient: Recipient, code: str, *, seconds: float, second_factor: bool
) -> OutboxDraft:
    """Return the message that tells one person of a question.

    Args:
        new: the record of the question.
        seconds: how long the question is open.
        second_factor: whether a yes by the recipient's channel needs a passphrase.
    """
    # VERBATIM: a channel that reads Markdown would show another command than the one that runs.
    # No prefix: the text names the project already.
    meta = {**recipient.reply.meta, VERBATIM: True, "prefix": ""}
    if recipient.answers:
        other = "" if recipient.own else new.user_id
        part = parts.first(asked, recipient.channel)
        text = wording.question(asked, part, code, seconds, asker=other, second_factor=second_factor)
        meta |= part.meta(new.id, recipient.user_id, recipient.channel)
    else:
        text = wording.waiting(asked)
    return OutboxDraft(id=OutboxId(uuid7()), reply=replace(recipient.reply, meta=meta), text=text)
