"""/api/admin/*: people's rights, the database, and where a message would go; with or without a daemon around it."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import APIRouter
from fastapi import Path as InPath
from fastapi.params import Depends as DependsOn
from pydantic import BaseModel, Field
from starlette.types import ASGIApp, Message, Scope

from supervisor.models.gateway.meter import CallTotals
from supervisor.people.accounts import Accounts
from supervisor.people.passphrases import Passphrases
from supervisor.protocol.errors import InvalidMessage, Unsupported
from supervisor.protocol.limits import Length
from supervisor.protocol.messages import UserId
from supervisor.protocol.requests import Name, Text
from supervisor.protocol.times import rfc3339, usd
from supervisor.routing.rules import Decision
from supervisor.store.port import Store
from supervisor.store.ports.audit import AuditEntry
from supervisor.store.records.accounts import User
from supervisor.wires.http.api import api
from supervisor.wires.http.bodies import Bodies
from supervisor.wires.http.guard import Guard
from supervisor.wires.rest.answers import Failure

PREFIX = "/api/admin"
DEFAULT_CHANNEL = "sms"

AUDIT_PAGE = 1_000
MAX_SEQ = 2**63 - 1
"""The largest number that the database holds."""

Decide = Callable[[User, str, str], Awaitable[Decision]]
"""Says where a message would go: user, channel, thread, text (`Intake.decide`)."""

Meter = Callable[[], Mapping[str, CallTotals]]
"""Says what the gateway to the models has counted since the daemon's start, by model (`Gateway.metered`)."""

Id = Annotated[str, InPath(max_length=256)]
Texts = Annotated[list[Annotated[str, Length(1, 320)]], Length(0, 100)]


class Person(BaseModel):
    """All that is known of a user; what is left out is taken away."""

    name: Annotated[str, Length(1, 256)]
    role: Annotated[str, Length(1, 32)]
    phones: Texts = []
    emails: Texts = []
    projects: Texts = []


class NewToken(BaseModel):
    """Whom a token speaks for: one user, or every user (a service)."""

    user_id: Name | None = None
    service: Name | None = None
    expires_days: int | None = None


class NewPassphrase(BaseModel):
    """What a user is to know."""

    passphrase: Annotated[str, Length(1, 400)] = Field(repr=False)


class NewJwt(BaseModel):
    """Whom a JWT speaks for, and how long."""

    user_id: Name
    minutes: int = 60


class Backup(BaseModel):
    """Where the copy goes: absolute, a new file in a folder that exists."""

    path: Annotated[str, Length(1, 4096)]


class Question(BaseModel):
    """A message that somebody might write."""

    text: Text
    user_id: Name | None = None
    channel: Annotated[str, Length(1, 32)] = DEFAULT_CHANNEL


class Admin:
    """The routes, over what carries them out."""

    def __init__(self, accounts: Accounts, store: Store, decide: Decide | None, meter: Meter | None) -> None:
        self._accounts = accounts
        self._store = store
        self._passphrases = Passphrases(store)
        self._decide = decide
        self._meter = meter

    def router(self, dependencies: Sequence[DependsOn]) -> APIRouter:
        """Return the routes."""
        router = APIRouter(prefix=PREFIX, dependencies=dependencies, responses={"default": {"model": Failure}})
        for method, path, endpoint, status in (
            ("GET", "/users", self.users, 200),
            ("GET", "/users/{user_id}", self.user, 200),
            ("PUT", "/users/{user_id}", self.put_user, 200),
            ("DELETE", "/users/{user_id}", self.remove_user, 204),
            ("PUT", "/users/{user_id}/passphrase", self.set_passphrase, 204),
            ("DELETE", "/users/{user_id}/passphrase", self.remove_passphrase, 204),
            ("GET", "/tokens", self.tokens, 200),
            ("POST", "/tokens", self.create_token, 201),
            ("DELETE", "/tokens/{token_id}", self.revoke_token, 204),
            ("POST", "/jwt", self.jwt, 200),
            ("POST", "/backup", self.backup, 200),
            ("POST", "/check", self.check, 200),
            ("GET", "/audit/verify", self.verify_audit, 200),
            ("GET", "/audit/entries/{after}", self.audit_entries, 200),
            ("POST", "/route", self.route, 200),
            ("GET", "/meter", self.meter, 200),
        ):
            router.add_api_route(path, endpoint, methods=[method], status_code=status)
        return router

    async def users(self) -> dict[str, Any]:
        """Return everybody."""
        return {"users": self._accounts.users()}

    async def user(self, user_id: Id) -> dict[str, Any]:
        """Return one user."""
        return self._accounts.user(user_id)

    async def put_user(self, user_id: Id, body: Person) -> dict[str, Any]:
        """Create a user, or replace all that is known of one."""
        return await self._accounts.put_user(
            user_id,
            name=body.name,
            role=body.role,
            phones=body.phones,
            emails=body.emails,
            projects=body.projects,
        )

    async def remove_user(self, user_id: Id) -> None:
        """Remove a user with their rights, addresses and tokens."""
        await self._accounts.remove_user(user_id)

    async def set_passphrase(self, user_id: Id, body: NewPassphrase) -> None:
        """Set what a user knows besides having a phone; it is shown nowhere."""
        await self._passphrases.set(UserId(self._accounts.user(user_id)["id"]), body.passphrase)

    async def remove_passphrase(self, user_id: Id) -> None:
        """Forget a user's passphrase; harmless where there is none."""
        await self._passphrases.remove(UserId(self._accounts.user(user_id)["id"]))

    async def tokens(self) -> dict[str, Any]:
        """Return all tokens, without what opens anything."""
        return {"tokens": await self._accounts.tokens()}

    async def create_token(self, body: NewToken) -> dict[str, Any]:
        """Make a token; it is shown in this answer only."""
        return await self._accounts.create_token(
            user_id=body.user_id, service=body.service, expires_days=body.expires_days
        )

    async def revoke_token(self, token_id: Id) -> None:
        """End a token."""
        await self._accounts.revoke_token(token_id)

    async def jwt(self, body: NewJwt) -> dict[str, Any]:
        """Make a JWT; it is shown in this answer only."""
        return await self._accounts.jwt(body.user_id, minutes=body.minutes)

    async def backup(self, body: Backup) -> dict[str, Any]:
        """Copy the database, consistently, while it is in use."""
        path = _new_file(body.path)
        await self._store.backup(path)
        return {"path": body.path, "bytes": _size(path)}

    async def check(self) -> dict[str, Any]:
        """Check the database from end to end."""
        return {"problems": await self._store.check()}

    async def verify_audit(self) -> dict[str, Any]:
        """Check the chain of the audit trail; what was cut off at its end shows in the number of entries alone."""
        return {"problem": await self._store.audit.verify(), "entries": await self._store.audit.last()}

    async def audit_entries(self, after: Annotated[int, InPath(ge=0, le=MAX_SEQ)]) -> dict[str, Any]:
        """Return the entries behind one, at most a thousand; none = that was the last."""
        found = await self._store.audit.entries(after=after, limit=AUDIT_PAGE)
        return {"entries": [_audited(entry) for entry in found]}

    async def route(self, body: Question) -> dict[str, Any]:
        """Say where a message would go, and why; nothing is sent."""
        if self._decide is None:
            raise Unsupported("routing without a running daemon")
        user = self._accounts.subject(body.user_id)
        decision = await self._decide(user, body.channel, body.text)
        project = decision.project.name if decision.project is not None else None
        return {"target": decision.target.value, "reason": decision.reason, "project": project}

    async def meter(self) -> dict[str, Any]:
        """Say what calls to models have cost since the daemon's start, as the gateway counted: to compare with."""
        if self._meter is None:
            raise Unsupported("the meter without a running daemon")
        return {"models": {model: _metered(found) for model, found in self._meter().items()}}


def admin_routes(
    accounts: Accounts,
    store: Store,
    decide: Decide | None,
    dependencies: Sequence[DependsOn] = (),
    meter: Meter | None = None,
) -> APIRouter:
    """Return the routes of /api/admin.

    Args:
        decide: None = there is no daemon to ask.
        meter: the same.
        dependencies: what a request must pass: who may call is for the application to say.
    """
    return Admin(accounts, store, decide, meter).router(dependencies)


def admin_app(accounts: Accounts, store: Store, decide: Decide | None = None) -> ASGIApp:
    """Return an application of these routes alone, for whoever holds the database: it asks for no token."""
    return Guard(Bodies(api(admin_routes(accounts, store, decide))))


async def call(app: ASGIApp, method: str, path: str, body: object | None = None) -> tuple[int, dict[str, Any]]:
    """Send a request to an application in this process; return the status and the JSON of its answer.

    Args:
        path: as it stands in a URL, quoted.
        body: None = no body.
    """
    content = b"" if body is None else json.dumps(body).encode()
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
        "client": None,
        "server": None,
    }
    status, answer = 0, b""

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, answer
        if message["type"] == "http.response.start":
            status = message["status"]
        answer += message.get("body", b"")

    await app(scope, receive, send)
    return status, json.loads(answer) if answer else {}


def _audited(entry: AuditEntry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": rfc3339(entry.at_ms),
        "epoch": entry.epoch,
        "actor": entry.actor,
        "event": entry.event,
        "detail": entry.detail,
        "mac": entry.mac.hex(),
    }


def _new_file(text: str) -> Path:
    """Return where a copy can go.

    Raises:
        InvalidMessage: it is not absolute, exists, or its folder does not.
    """
    if not os.path.isabs(text) or "\0" in text:
        raise InvalidMessage("path", "must be absolute")
    path = Path(text)
    if os.path.lexists(path):
        raise InvalidMessage("path", "exists: name a new file")
    if not path.parent.is_dir():
        raise InvalidMessage("path", "its folder does not exist")
    return path


def _metered(found: CallTotals) -> dict[str, Any]:
    return {
        "calls": found.calls,
        "cost_usd": usd(found.nanos),
        "input_tokens": found.tokens.input,
        "output_tokens": found.tokens.output,
        "unpriced": found.unpriced,
    }


def _size(path: Path) -> int:
    return path.stat().st_size
