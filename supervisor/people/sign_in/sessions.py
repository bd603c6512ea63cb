"""Who is signed in now, in memory: which secret belongs to which session, and when a session ends by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum

from supervisor.protocol.messages import UserId
from supervisor.store.ports.people.sign_in import SignInSession

STORE_AFTER_MS = 60_000
"""How much later than stored a session must be used before that is stored: not each request is a write."""


class Lapsed(StrEnum):
    """Why a session has ended by itself."""

    IDLE = "idle"
    """Nobody used it for too long."""
    EXPIRED = "expired"
    """It has lasted as long as a session may."""


class Sessions:
    """The sessions by the SHA-256 of their secrets. The lookup is by hash, so its time says nothing about a secret.

    Args:
        idle_ms: after so long without use a session ends, in milliseconds.
    """

    def __init__(self, idle_ms: int) -> None:
        self._idle_ms = idle_ms
        self._by_digest: dict[bytes, SignInSession] = {}
        self._digests: dict[str, bytes] = {}

    def replace(self, sessions: Iterable[tuple[bytes, SignInSession]]) -> None:
        """Replace all sessions."""
        self._by_digest = dict(sessions)
        self._digests = {session.id: digest for digest, session in self._by_digest.items()}

    def add(self, digest: bytes, session: SignInSession) -> None:
        """Add a session."""
        self._by_digest[digest] = session
        self._digests[session.id] = digest

    def remove(self, session_id: str) -> None:
        """Remove a session; one that is not there is ignored."""
        self._by_digest.pop(self._digests.pop(session_id, b""), None)

    def find(self, digest: bytes) -> SignInSession | None:
        """Return the session of a secret, also a lapsed one; None = there is none."""
        return self._by_digest.get(digest)

    def get(self, session_id: str) -> SignInSession | None:
        """Return a session by its id; None = there is none."""
        return self._by_digest.get(self._digests.get(session_id, b""))

    def of(self, user_id: UserId) -> list[SignInSession]:
        """Return the sessions of a user, oldest first."""
        return [session for session in self._by_digest.values() if session.user_id == user_id]

    def all(self) -> list[SignInSession]:
        """Return every session, oldest first."""
        return list(self._by_digest.values())

    def lapsed(self, session: SignInSession, now_ms: int) -> Lapsed | None:
        """Return why a session has ended by itself; None = it goes on."""
        if now_ms >= session.expires_ms:
            return Lapsed.EXPIRED
        return Lapsed.IDLE if now_ms - session.used_ms >= self._idle_ms else None

    def used(self, session: SignInSession, now_ms: int) -> bool:
        """Note that a session is used; return whether that must be stored now.

        The clock may go back: then the session counts as used at the later time, as it was.
        """
        if now_ms - session.used_ms < STORE_AFTER_MS:
            return False
        self._by_digest[self._digests[session.id]] = replace(session, used_ms=now_ms)
        return True
