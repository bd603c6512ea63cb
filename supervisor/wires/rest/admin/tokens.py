"""Admin: tokens and JWTs."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from supervisor.people.accounts import Accounts
from supervisor.protocol.errors import NotAllowed
from supervisor.protocol.requests import Name
from supervisor.wires.http.auth import Calling
from supervisor.wires.rest.admin.users import CHANNEL
from supervisor.wires.rest.resource import Endpoint, Id


class NewToken(BaseModel):
    """The owner of a new token: a user, or a service that may act for every user."""

    user_id: Name | None = None
    service: Name | None = None
    expires_days: int | None = None


class NewJwt(BaseModel):
    """The user of a new JWT, and its lifetime."""

    user_id: Name
    minutes: int = 60


class TokenRoutes:
    """The routes of tokens."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", "/tokens", self.tokens),
            Endpoint("POST", "/tokens", self.create_token, 201),
            Endpoint("DELETE", "/tokens/{token_id}", self.revoke_token, 204),
        ]

    def operator_endpoints(self) -> list[Endpoint]:
        """Return the routes that only the operator has."""
        return [Endpoint("POST", "/jwt", self.jwt)]

    async def tokens(self, caller: Calling) -> dict[str, Any]:
        """Return all tokens without their secret parts; an administrator sees those of users."""
        return {"tokens": await self._accounts.tokens(of_services=caller.operator)}

    async def create_token(self, caller: Calling, body: NewToken) -> dict[str, Any]:
        """Create a token; only this answer contains it. Tokens of services take the operator's token."""
        if body.service is not None and not caller.operator:
            raise NotAllowed("tokens of services", "`xswarm token create --service NAME` makes one")
        return await self._accounts.create_token(
            user_id=body.user_id, service=body.service, expires_days=body.expires_days, by=caller.actor(CHANNEL)
        )

    async def revoke_token(self, caller: Calling, token_id: Id) -> None:
        """Revoke a token; for an administrator those of services do not exist."""
        await self._accounts.revoke_token(token_id, of_services=caller.operator, by=caller.actor(CHANNEL))

    async def jwt(self, caller: Calling, body: NewJwt) -> dict[str, Any]:
        """Create a JWT; only this answer contains it."""
        return await self._accounts.jwt(body.user_id, minutes=body.minutes, by=caller.actor(CHANNEL))
