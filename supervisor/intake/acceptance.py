"""Builds the `Acceptance`: everything that T1 writes about a message. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from supervisor.delivery.replies import reply_id
from supervisor.intake.position import QueuePosition
from supervisor.intake.submission import RoutedSubmission
from supervisor.intake.title import title_of
from supervisor.people.projects import Project
from supervisor.protocol.conversation import ProcessIdentity
from supervisor.protocol.messages import CHAT, PLAIN_CHANNELS, MessageId, Reply, in_a_sentence
from supervisor.protocol.queue import Mode
from supervisor.protocol.status import Target
from supervisor.protocol.text.template import as_sentences
from supervisor.protocol.values.record import record
from supervisor.routing.destination import Destination
from supervisor.sentences.chat import REPLACED
from supervisor.store.records.acceptance import Acceptance, Superseding
from supervisor.store.records.outbox import OutboxDraft

NOT_RUN = frozenset({Target.REFUSED, Target.COMMAND})
"""Targets of messages that get no turn: T1 itself writes what their sender is told."""


ACKNOWLEDGED = 4
"""Number of the acknowledgement among the replies to a message; 0 is the answer."""


@record
class Process:
    """A process that is open for the session, so that T1 may start the turn in the same transaction (T2).

    Attributes:
        identity: of the process; None where the conversation has no process on this machine.
    """

    identity: ProcessIdentity | None


def labelled(reply: Reply, project: Project | None) -> Reply:
    """Return a reply that begins with the name of the project that answers."""
    if project is None:
        return reply
    return replace(reply, meta={**reply.meta, "prefix": f"[{project.name}]"})


def build(
    routed: RoutedSubmission,
    destination: Destination,
    *,
    message_id: MessageId,
    mode: Mode,
    process: Process | None,
    reply: Reply | None,
    position: QueuePosition | None,
    now_ms: int,
) -> Acceptance:
    """Return what T1 writes for a message.

    Args:
        process: the open process of the session; None = T1 leaves the turn pending.
        reply: where the answer is sent.
        position: makes the notice to a sender whose message is queued; None = it waits for no turn of a session.
    """
    submission, decision, answer = routed.submission, routed.decision, routed.answer
    return Acceptance(
        message_id=message_id,
        channel=submission.channel,
        account=submission.account,
        dedup_key=submission.dedup_key,
        dedup_seconds=submission.dedup_seconds,
        digest=submission.digest,
        limit=routed.limit,
        user_id=submission.user.id,
        sender=submission.sender,
        way=submission.way,
        source=submission.source,
        text=decision.text or submission.text,
        note=submission.signed_note if destination.shared else submission.note,
        context=submission.context,
        thread=submission.thread,
        target=decision.target,
        reason=decision.reason,
        lane=destination.lane,
        session_id=destination.session_id,
        new_session=destination.new_session,
        project=destination.project_name,
        exclusive=destination.exclusive,
        reply=reply,
        refusals=_refusals(routed, message_id),
        acknowledgement=_acknowledgement(routed, message_id),
        queued=position.notices if position is not None else None,
        told_once=mode is not Mode.INTERRUPT,
        # A refused command word leaves its code open: the person may use it again.
        closes=answer.closes if answer is not None and decision.target is not Target.REFUSED else "",
        raises=answer.raises if answer is not None and decision.target is Target.COMMAND else None,
        gather=mode is Mode.COLLECT and decision.target is Target.CLAUDE_CODE,
        resumes=answer.resumed.turn_id if answer is not None and answer.resumed is not None else None,
        title=title_of(submission.text) if _may_begin_chat(routed) else "",
        supersedes=_superseding(routed),
        stops=mode is Mode.INTERRUPT and destination.session_id is not None,
        attachments=submission.attachments,
        start=process is not None,
        identity=process.identity if process is not None else None,
        now_ms=now_ms,
    )


def _may_begin_chat(routed: RoutedSubmission) -> bool:
    """Return whether a message may be the first one of a chat, which gets its title from it."""
    target = routed.decision.target
    return target not in NOT_RUN and (target is Target.ASSISTANT or routed.submission.channel == CHAT)


def _superseding(routed: RoutedSubmission) -> Superseding | None:
    first = routed.submission.supersedes
    refused = routed.decision.target is Target.REFUSED
    return None if first is None or refused else Superseding(first=first, why=REPLACED())


def _refusals(routed: RoutedSubmission, message_id: MessageId) -> Sequence[OutboxDraft]:
    """Return the reply of a message that gets no turn: why it is refused, or the answer of its command word."""
    reply, decision, answer = routed.submission.reply, routed.decision, routed.answer
    if decision.target not in NOT_RUN or reply is None or not decision.reason or (answer is not None and answer.silent):
        return ()
    if answer is None or not answer.meta:  # with meta it is part of a model's answer (MORE), and stays as it is
        reply = in_a_sentence(reply)
    text = decision.reason if decision.target is Target.COMMAND else as_sentences(decision.reason)
    return (OutboxDraft(id=reply_id(message_id), reply=reply, text=text),)


def _acknowledgement(routed: RoutedSubmission, message_id: MessageId) -> Sequence[OutboxDraft]:
    """Return what the sender of a command word is told at once for which a turn runs: CONTINUE, RETRY, a held YES."""
    reply, answer = routed.submission.reply, routed.answer
    if answer is None or answer.resumed is None or routed.decision.target in NOT_RUN or not answer.text:
        return ()
    if reply is None or reply.channel not in PLAIN_CHANNELS:
        return ()
    return (OutboxDraft(id=reply_id(message_id, ACKNOWLEDGED), reply=in_a_sentence(reply), text=answer.text),)
