"""REST: open questions about tool calls, and their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel

from supervisor.operations.approvals import ApprovalOperations
from supervisor.protocol.limits import Between, Length
from supervisor.protocol.times import rfc3339
from supervisor.store.ports.approvals import Approval
from supervisor.wires.http.auth import Calling, documented
from supervisor.wires.peers import no_agents
from supervisor.wires.rest.answers import Failure

CHANNEL = "http"
"""By which way an answer comes, for the audit trail."""

Name = Annotated[str, Path(max_length=64, description="Its id, or its code")]


class Decision(BaseModel):
    """Yes or no, and why; a yes may count for some minutes, for the same tool in the same project."""

    decision: Literal["allow", "deny"]
    minutes: Annotated[int, Between(0, 120)] = 0
    note: Annotated[str, Length(0, 1000)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenApproval:
    """A question that waits."""

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
    """What was decided."""

    approval_id: str
    decision: str
    summary: str


class ApprovalsApi:
    """The routes, over what carries them out."""

    def __init__(self, approval_operations: ApprovalOperations) -> None:
        self._approval_operations = approval_operations

    def router(self) -> APIRouter:
        """Return the routes; an agent may use none of them."""
        router = APIRouter(dependencies=[no_agents], responses={"default": {"model": Failure}})
        router.add_api_route("/api/approvals", self.open, methods=["GET"], dependencies=[documented])
        router.add_api_route("/api/approvals/{name}", self.resolve, methods=["POST"], dependencies=[documented])
        return router

    async def open(self, caller: Calling) -> OpenApprovals:
        """Return the questions that wait for an answer of the caller's."""
        return OpenApprovals(approvals=[_shown(approval) for approval in await self._approval_operations.open(caller)])

    async def resolve(self, caller: Calling, name: Name, body: Decision) -> Resolved:
        """Decide a question, once."""
        allow = body.decision == "allow"
        minutes, note = body.minutes, body.note or ""
        approval = await self._approval_operations.resolve(
            caller, name, allow=allow, channel=CHANNEL, minutes=minutes, note=note
        )
        return Resolved(approval_id=approval.id, decision=body.decision, summary=approval.summary)


def _shown(approval: Approval) -> OpenApproval:
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
