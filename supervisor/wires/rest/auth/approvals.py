"""REST: a yes that is proven with a passkey, the second way of calls with a high risk."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Request
from pydantic import BaseModel, Field

from supervisor.operations.approvals import ApprovalOperations
from supervisor.people.sign_in.freshness import strength
from supervisor.people.sign_in.passkeys import Passkeys
from supervisor.people.sign_in.site import Site
from supervisor.protocol.errors import NotAllowed
from supervisor.protocol.limits import Between, Length
from supervisor.sentences.sign_in import ANOTHER_PERSON
from supervisor.store.ports.approvals import Approval, Refused
from supervisor.wires.http.auth import Calling
from supervisor.wires.http.cookies import Cookies
from supervisor.wires.rest.approvals import CHANNEL, Resolved
from supervisor.wires.rest.auth.passkeys import BrowserOptions
from supervisor.wires.rest.auth.sessions import person
from supervisor.wires.rest.auth.visitors import visitor
from supervisor.wires.rest.resource import Endpoint

Name = Annotated[str, Path(max_length=64, description="Its id, or its code")]
Minutes = Annotated[int, Between(0, 120)]


class Wish(BaseModel):
    """For how many minutes the yes counts for further calls; 0 = for this call alone."""

    minutes: Minutes = 0


class ProvenYes(BaseModel):
    """A yes, with the assertion of a passkey that answers the options of this approval and these minutes."""

    minutes: Minutes = 0
    note: Annotated[str, Length(0, 1000)] = ""
    credential: dict[str, Any] = Field(repr=False)


class ProvenApprovalRoutes:
    """The routes of answers that a passkey proves."""

    def __init__(self, approvals: ApprovalOperations, passkeys: Passkeys, cookies: Cookies) -> None:
        self._approvals = approvals
        self._passkeys = passkeys
        self._cookies = cookies

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("POST", "/api/auth/approvals/{name}/options", self.options),
            Endpoint("POST", "/api/auth/approvals/{name}", self.allow),
        ]

    async def options(self, request: Request, caller: Calling, name: Name, body: Wish) -> BrowserOptions:
        """Return what the browser needs to prove a yes to one question, for this whole call and these minutes."""
        person(caller)
        approval = await self._approvals.get(caller, name)
        return BrowserOptions(options=self._passkeys.to_prove(self._site(request), _purpose(approval, body.minutes)))

    async def allow(self, request: Request, caller: Calling, name: Name, body: ProvenYes) -> Resolved:
        """Allow a call with a passkey. One that was added with a link by mail or text counts as that link."""
        user_id = person(caller)
        approval = await self._approvals.to_answer(caller, name, allow=True, channel=CHANNEL)
        site, purpose = self._site(request), _purpose(approval, body.minutes)
        passkey = await self._passkeys.prove(site, body.credential, purpose, visitor(request, self._cookies))
        if passkey.user_id != user_id:
            await self._approvals.refused(caller, approval, Refused.PASSKEY, allow=True, channel=CHANNEL)
            raise NotAllowed(ANOTHER_PERSON())
        done = await self._approvals.resolve(
            caller,
            approval.id,
            allow=True,
            channel=CHANNEL,
            proven_by=strength(passkey),
            minutes=body.minutes,
            note=body.note,
        )
        return Resolved(approval_id=done.id, decision="allow", summary=done.summary)

    def _site(self, request: Request) -> Site:
        return Site(origin=self._cookies.own_origin(request.scope))


def _purpose(approval: Approval, minutes: int) -> str:
    """Return what a challenge is bound to: the question, the whole call that it is about, how long a yes counts."""
    return f"approval {approval.id} {approval.call_sha256.hex()} {minutes}"
