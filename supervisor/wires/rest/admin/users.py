"""Admin: users, with their addresses, projects and passphrase."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from supervisor.people.accounts import Accounts
from supervisor.people.passphrases import Passphrases
from supervisor.protocol.limits import Length
from supervisor.protocol.messages import UserId
from supervisor.wires.http.auth import Calling
from supervisor.wires.rest.resource import Endpoint, Id

CHANNEL = "http"
Texts = Annotated[list[Annotated[str, Length(1, 320)]], Length(0, 100)]


class Person(BaseModel):
    """All properties of a user; a list that is left out becomes empty."""

    name: Annotated[str, Length(1, 256)]
    role: Annotated[str, Length(1, 32)]
    phones: Texts = []
    emails: Texts = []
    projects: Texts = []


class NewPassphrase(BaseModel):
    """The new passphrase of a user."""

    passphrase: Annotated[str, Length(1, 400)] = Field(repr=False)


class UserRoutes:
    """The routes of users."""

    def __init__(self, accounts: Accounts, passphrases: Passphrases) -> None:
        self._accounts = accounts
        self._passphrases = passphrases

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", "/users", self.users),
            Endpoint("GET", "/users/{user_id}", self.user),
            Endpoint("PUT", "/users/{user_id}", self.put_user),
            Endpoint("DELETE", "/users/{user_id}", self.remove_user, 204),
            Endpoint("PUT", "/users/{user_id}/passphrase", self.set_passphrase, 204),
            Endpoint("DELETE", "/users/{user_id}/passphrase", self.remove_passphrase, 204),
        ]

    async def users(self) -> dict[str, Any]:
        """Return all users."""
        return {"users": self._accounts.users()}

    async def user(self, user_id: Id) -> dict[str, Any]:
        """Return one user."""
        return self._accounts.user(user_id)

    async def put_user(self, caller: Calling, user_id: Id, body: Person) -> dict[str, Any]:
        """Create a user, or replace all properties of an existing one."""
        return await self._accounts.put_user(
            user_id,
            name=body.name,
            role=body.role,
            phones=body.phones,
            emails=body.emails,
            projects=body.projects,
            by=caller.actor(CHANNEL),
        )

    async def remove_user(self, caller: Calling, user_id: Id) -> None:
        """Remove a user with all rights, addresses and tokens."""
        await self._accounts.remove_user(user_id, by=caller.actor(CHANNEL))

    async def set_passphrase(self, caller: Calling, user_id: Id, body: NewPassphrase) -> None:
        """Set the passphrase of a user; no route returns it."""
        await self._passphrases.set(
            UserId(self._accounts.user(user_id)["id"]), body.passphrase, by=caller.actor(CHANNEL)
        )

    async def remove_passphrase(self, caller: Calling, user_id: Id) -> None:
        """Remove the passphrase of a user; if there is none, do nothing."""
        owner = UserId(self._accounts.user(user_id)["id"])
        await self._passphrases.remove(owner, by=caller.actor(CHANNEL))
