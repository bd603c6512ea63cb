"""REST: who is signed in, the own sessions, and their end."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request, Response

from supervisor.people.identity import Caller, Directory
from supervisor.people.sign_in.freshness import FreshProof
from supervisor.people.sign_in.sign_in import SignIn
from supervisor.protocol.errors import NotAuthenticated
from supervisor.protocol.messages import UserId
from supervisor.protocol.times import rfc3339
from supervisor.protocol.values.record import record
from supervisor.store.ports.people.sign_in import SignInSession
from supervisor.wires.http.auth import Calling
from supervisor.wires.http.cookies import Cookies
from supervisor.wires.rest.resource import Endpoint, Id


@record
class OwnSession:
    """A browser in which the person is signed in. `way`: mail, sms, terminal, passkey or oidc."""

    id: str
    user_id: str
    way: str
    source: str
    agent: str
    created_at: str
    last_used: str
    expires_at: str
    current: bool


@record
class OwnSessions:
    """All sessions of the person, oldest first."""

    sessions: Sequence[OwnSession]


@record
class SignedInPerson:
    """Who is signed in, and with which session. `checked_seconds`: how long their last check counts; 0 = not."""

    user_id: str
    name: str
    role: str
    session: OwnSession
    checked_seconds: int = 0


class SignInSessionRoutes:
    """The routes; all but the first read end something."""

    def __init__(self, sign_in: SignIn, fresh: FreshProof, directory: Directory, cookies: Cookies) -> None:
        self._sign_in = sign_in
        self._fresh = fresh
        self._directory = directory
        self._cookies = cookies

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", "/api/auth/session", self.current),
            Endpoint("GET", "/api/auth/sessions", self.sessions),
            Endpoint("DELETE", "/api/auth/sessions/{session_id}", self.end, 204),
            Endpoint("POST", "/api/auth/sign-out", self.sign_out, 204),
        ]

    async def current(self, caller: Calling) -> SignedInPerson:
        """Return who is signed in with this browser."""
        user = self._directory.user(person(caller))
        session = self._sign_in.session(caller.session_id)
        return SignedInPerson(
            user_id=user.id,
            name=user.name,
            role=user.role.value,
            session=shown(session, current=True),
            checked_seconds=int(self._sign_in.freshness.seconds_left(session.id)),
        )

    async def sessions(self, caller: Calling) -> OwnSessions:
        """Return where the person is signed in."""
        found = self._sign_in.of(person(caller))
        return OwnSessions(sessions=[shown(one, current=one.id == caller.session_id) for one in found])

    async def end(self, caller: Calling, session_id: Id) -> None:
        """End a session of the person, who has just shown a passkey; open chats of it are closed within seconds."""
        user_id = person(caller)
        if session_id != caller.session_id:
            await self._fresh.own(caller)
        await self._sign_in.end(user_id, session_id, why="ended")

    async def sign_out(self, request: Request, response: Response, caller: Calling) -> None:
        """End this session."""
        await self._sign_in.end(person(caller), caller.session_id, why="signed_out")
        response.headers.append("Set-Cookie", self._cookies.forget_session(request.scope))


def person(caller: Caller) -> UserId:
    """Return the user who is signed in.

    Raises:
        NotAuthenticated: the caller came with a token.
    """
    if caller.user_id is None or not caller.session_id:
        raise NotAuthenticated
    return caller.user_id


def shown(session: SignInSession, *, current: bool) -> OwnSession:
    """Return a session as the wire shows it."""
    return OwnSession(
        id=session.id,
        user_id=session.user_id,
        way=session.way.value,
        source=session.source,
        agent=session.agent,
        created_at=rfc3339(session.created_ms),
        last_used=rfc3339(session.used_ms),
        expires_at=rfc3339(session.expires_ms),
        current=current,
    )
