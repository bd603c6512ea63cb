"""REST: open questions about tool calls, and their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel

from supervisor.operations.approvals import ApprovalOperations
from supervisor.protocol.limits import Between, Length
from supervisor.protocol.times import rfc3339
from supervisor.store.ports.approvals import Approval
from supervisor.wires.http.auth import Calling
from supervisor.wires.rest.resource import Endpoint

CHANNEL = "http"
"""The channel that the audit trail records for a decision."""

Name = Annotated[str, Path(max_length=64, description="Its id, or its code")]


class Decision(BaseModel):
    """Allow or deny, with a reason; for `minutes`, an allow also covers calls of this tool and risk in the project."""

    decision: Literal["allow", "deny"]
    minutes: Annotated[int, Between(0, 120)] = 0
    note: Annotated[str, Length(0, 1000)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenApproval:
    """An open question about a tool call."""

    approval_id: str
    code: str
    session_id: str
    user_id: str
    project: str
    tool: str
    risk: str
    summary: str
    expires_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenApprovals:
    """The questions that the caller may answer, oldest first."""

    approvals: Sequence[OpenApproval]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A question that was decided."""

    approval_id: str
    decision: str
    summary: str


class ApprovalRoutes:
    """The routes of approvals; `routes.py` keeps agents away from them."""

    def __init__(self, approvals: ApprovalOperations) -> None:
        self._approvals = approvals

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", "/api/approvals", self.open),
            Endpoint("POST", "/api/approvals/{name}", self.resolve),
        ]

    async def open(self, caller: Calling) -> OpenApprovals:
        """Return the open questions that the caller may decide."""
        return OpenApprovals(approvals=[_open(approval) for approval in await self._approvals.open(caller)])

    async def resolve(self, caller: Calling, name: Name, body: Decision) -> Resolved:
        """Decide a question, once."""
        approval = await self._approvals.resolve(
            caller, name, allow=body.decision == "allow", channel=CHANNEL, minutes=body.minutes, note=body.note or ""
        )
        return Resolved(approval_id=approval.id, decision=body.decision, summary=approval.summary)


def _open(approval: Approval) -> OpenApproval:
    return OpenApproval(
        approval_id=approval.id,
        code=approval.code,
        session_id=approval.session_id,
        user_id=approval.user_id,
        project=approval.project,
        tool=approval.tool,
        risk=approval.risk,
        summary=approval.summary,
        expires_at=rfc3339(approval.expires_ms),
    )
