"""Answers that people gave at other nodes to questions for which a call of this node waits."""

from __future__ import annotations

from collections.abc import Collection

from supervisor.approvals import wording
from supervisor.approvals.pending import PendingApprovals
from supervisor.store.ports.approvals import ApprovalState, ApprovalStore


class Answers:
    """Wakes the calls whose questions were decided at another node."""

    def __init__(self, pending: PendingApprovals, store: ApprovalStore) -> None:
        self._pending = pending
        self._store = store

    async def look(self, approval_ids: Collection[str] | None) -> None:
        """Look whether some questions were decided; None = all for which a call waits.

        Raises:
            StorageError: the store could not be read.
        """
        for question in self._pending.all():
            if question.answered or (approval_ids is not None and question.approval_id not in approval_ids):
                continue
            found = await self._store.find(question.approval_id)
            if found is None or found.state is ApprovalState.OPEN or question.answered:
                continue
            if found.state is ApprovalState.DENIED and found.note:
                question.denied = wording.denied(found.decided_by or "", found.note)
            question.answer()
