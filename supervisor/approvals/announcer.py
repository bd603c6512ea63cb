"""Tells subscribers of questions and of their answers."""

from __future__ import annotations

from supervisor.approvals.approvers import Approvers
from supervisor.delivery import views
from supervisor.delivery.hub import Hub
from supervisor.protocol.events import AnyEvent, ApprovalResolved, ConfirmationAnswered, ConfirmationAsked
from supervisor.protocol.messages import IN_CHAT
from supervisor.protocol.times import rfc3339
from supervisor.store.ports.approvals import Approval


class ApprovalAnnouncer:
    """Publishes events about questions: to everybody who may answer them, and to the chat of the turn."""

    def __init__(self, hub: Hub, approvers: Approvers) -> None:
        self._hub = hub
        self._approvers = approvers

    def requested(self, approval: Approval) -> None:
        """Publish that a question was asked."""
        self._publish(views.approval_requested(approval), approval)
        if approval.channel in IN_CHAT:
            self._publish_in_chat(confirmation(approval), approval)

    def resolved(self, approval: Approval, *, allowed: bool, by: str = "") -> None:
        """Publish that a question was allowed, or that it was denied, withdrawn or has expired.

        Args:
            by: who answered; empty = nobody did.
        """
        self._publish(ApprovalResolved(approval_id=approval.id, decision="allow" if allowed else "deny"), approval)
        if approval.channel in IN_CHAT:
            answered = ConfirmationAnswered(
                session_id=approval.session_id,
                approval_id=approval.id,
                decision="allow" if allowed else "deny",
                by=by,
            )
            self._publish_in_chat(answered, approval)

    def _publish(self, event: AnyEvent, approval: Approval) -> None:
        self._hub.publish(event, self._approvers.topics(approval.project, approval.user_id))

    def _publish_in_chat(self, event: AnyEvent, approval: Approval) -> None:
        self._hub.publish(event, (f"chat:{approval.thread}",))


def confirmation(approval: Approval) -> ConfirmationAsked:
    """Return a question as the chat shows it that its turn was written in."""
    return ConfirmationAsked(
        session_id=approval.session_id,
        approval_id=approval.id,
        code=approval.code,
        tool_use_id=approval.tool_use_id,
        tool=approval.tool,
        input=approval.input or {},
        summary=approval.summary,
        expires_at=rfc3339(approval.expires_ms),
    )
