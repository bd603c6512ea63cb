"""Tells subscribers of questions and of their answers."""

from __future__ import annotations

from supervisor.approvals.approvers import Approvers
from supervisor.delivery import views
from supervisor.delivery.hub import Hub
from supervisor.protocol.events import ApprovalRequested, ApprovalResolved
from supervisor.store.ports.approvals import Approval


class ApprovalAnnouncer:
    """Publishes events about questions to everybody who may answer them."""

    def __init__(self, hub: Hub, approvers: Approvers) -> None:
        self._hub = hub
        self._approvers = approvers

    def requested(self, approval: Approval) -> None:
        """Publish that a question was asked."""
        self._publish(views.approval_requested(approval), approval)

    def resolved(self, approval: Approval, *, allowed: bool) -> None:
        """Publish that a question was allowed, or that it was denied, withdrawn or has expired."""
        event = ApprovalResolved(approval_id=approval.id, decision="allow" if allowed else "deny")
        self._publish(event, approval)

    def _publish(self, event: ApprovalRequested | ApprovalResolved, approval: Approval) -> None:
        self._hub.publish(event, self._approvers.topics(approval.project, approval.user_id))
