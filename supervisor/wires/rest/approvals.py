"""REST: open questions about tool calls, and their answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel

from supervisor.delivery import views
from supervisor.delivery.sizes import beginning
from supervisor.operations.approvals import ApprovalOperations
from supervisor.protocol.limits import Between, Length
from supervisor.protocol.times import rfc3339
from supervisor.protocol.values.record import record
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


@record
class OpenApproval:
    """A question about a tool call.

    Attributes:
        call: the whole call, invisible characters escaped; a list holds at most 256 KiB of it.
        diff: what it changes in files, in a list at most 128 KiB; empty = not known, or nothing.
        characters: the length of the whole call.
        truncated: whether `call` or `diff` is cut.
    """

    approval_id: str
    code: str
    session_id: str
    user_id: str
    project: str
    tool: str
    risk: str
    summary: str
    call: str
    diff: str
    characters: int
    truncated: bool
    state: str
    expires_at: str


@record
class OpenApprovals:
    """The questions that the caller may answer, oldest first."""

    approvals: Sequence[OpenApproval]


@record
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
            Endpoint("GET", "/api/approvals/{name}", self.get),
            Endpoint("POST", "/api/approvals/{name}", self.resolve),
        ]

    async def open(self, caller: Calling) -> OpenApprovals:
        """Return the open questions that the caller may decide."""
        return OpenApprovals(
            approvals=[_shown(approval, whole=False) for approval in await self._approvals.open(caller)]
        )

    async def get(self, caller: Calling, name: Name) -> OpenApproval:
        """Return a question that the caller may decide, with its whole call."""
        return _shown(await self._approvals.get(caller, name), whole=True)

    async def resolve(self, caller: Calling, name: Name, body: Decision) -> Resolved:
        """Decide a question, once."""
        approval = await self._approvals.resolve(
            caller, name, allow=body.decision == "allow", channel=CHANNEL, minutes=body.minutes, note=body.note or ""
        )
        return Resolved(approval_id=approval.id, decision=body.decision, summary=approval.summary)


def _shown(approval: Approval, *, whole: bool) -> OpenApproval:
    call, diff = approval.text, approval.diff
    if not whole:
        call, diff = beginning(call, views.CALL_BYTES), beginning(diff, views.DIFF_BYTES)
    return OpenApproval(
        approval_id=approval.id,
        code=approval.code,
        session_id=approval.session_id,
        user_id=approval.user_id,
        project=approval.project,
        tool=approval.tool,
        risk=approval.risk,
        summary=approval.summary,
        call=call,
        diff=diff,
        characters=len(approval.text),
        truncated=(call, diff) != (approval.text, approval.diff),
        state=approval.state,
        expires_at=rfc3339(approval.expires_ms),
    )
