"""Refusals that only people who are signed in with a browser can get."""

from __future__ import annotations

from supervisor.protocol.errors import XswarmError


class FreshCheckNeeded(XswarmError):
    """The person is signed in, and has not proven a short time ago that it is still them.

    Attributes:
        remedy: how they prove it.
    """

    code = "fresh_check_needed"

    def __init__(self, remedy: str) -> None:
        super().__init__(remedy)
        self.remedy = remedy

    def __str__(self) -> str:
        return "Not allowed without a fresh check that it is you"


class SignInNotFound(XswarmError):
    """The person is not signed in with this session, or not any more."""

    code = "sign_in_not_found"
    remedy = "GET /api/auth/sessions lists where you are signed in; a session that has ended needs no end"

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return f"You are not signed in with this session: {self.session_id}"


class BadCredential(Exception):
    """What a browser made with a passkey does not count; the message says why."""
