"""Tells subscribers of questions and of their answers."""

from __future__ import annotations

from supervisor.approvals.approvers import Approvers
from supervisor.delivery.hub import Hub
from supervisor.protocol.events import ApprovalRequested, ApprovalResolved
from supervisor.protocol.times import rfc3339
from supervisor.store.ports.approvals import Approval


class ApprovalAnnouncer:
    """Publishes events about questions to everybody who may answer them."""

    def __init__(self, hub: Hub, approvers: Approvers) -> None:
        self._hub = hub
        self._approvers = approvers

    def requested(self, approval: Approval) -> None:
        """Publish that a question was asked."""
        event = ApprovalRequested(
            approval_id=approval.id,
            session_id=approval.session_id,
            user_id=approval.user_id,
            tool=approval.tool,
            summary=approval.summary,
            expires_at=rfc3339(approval.expires_ms),
        )
        self._publish(event, approval)

    def resolved(self, approval: Approval, *, allowed: bool) -> None:
        """Publish that a question was allowed, or that it was denied, withdrawn or has expired."""
        event = ApprovalResolved(approval_id=approval.id, decision="allow" if allowed else "deny")
        self._publish(event, approval)

    def _publish(self, event: ApprovalRequested | ApprovalResolved, approval: Approval) -> None:
        self._hub.publish(event, self._approvers.topics(approval.project, approval.user_id))
