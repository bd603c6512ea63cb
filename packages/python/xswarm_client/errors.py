"""All errors of this package: a code, a sentence, and a remedy.

::

    XswarmError                 any code of the daemon, such as `rate_limited` or `turn_failed`
    ├── NotConfigured           not_configured: the token or the user is missing
    ├── Unreachable             unreachable: nothing answers there
    │   └── ConnectionLost      connection_lost: it is not known whether the request was carried out
    ├── NotXswarm               not_xswarm: what answers there is no xswarm
    ├── NotAuthenticated        not_authenticated: the token is wrong or expired
    └── TimedOut                timed_out: no answer in time; the turn was interrupted
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

REMEDIES = {
    "session_not_found": "open a session first",
    "session_not_active": "open the session again",
    "project_not_allowed": "name a folder of one of the user's projects",
    "user_not_found": "`xswarm user add` adds a user",
    "max_sessions": "close a session, or raise claude_code.max_sessions",
    "rate_limited": "wait, then ask again",
    "overloaded": "wait, then ask again",
    "budget_exceeded": "an administrator raises the limit",
    "unsupported": "update xswarm",
    "unavailable": "the daemon is restarting: ask again in a moment",
    "turn_failed": "look at the history of the session, then ask again",
    "internal": "the log of the daemon tells more",
}
"""What to do about an error of the daemon, by its code."""


class XswarmError(Exception):
    """The daemon refused a request, or it failed; `str(error)` is the sentence.

    Attributes:
        code: the code of the protocol.
        sentence: what happened.
        remedy: what to do; empty = the sentence says enough.
        retry_after: seconds after which a retry makes sense; None = not known.
    """

    code = "internal"
    remedy = ""

    def __init__(
        self, sentence: str, code: str | None = None, *, remedy: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        if code is not None:
            self.code = code
            self.remedy = REMEDIES.get(code, "")
        if remedy is not None:
            self.remedy = remedy
        self.retry_after = retry_after
        if self.remedy:
            self.add_note(f"What to do: {self.remedy}")  # below the sentence in a traceback

    def __str__(self) -> str:
        return self.sentence


class NotConfigured(XswarmError):
    """Something that the client needs is neither an argument nor in the environment."""

    code = "not_configured"


class Unreachable(XswarmError):
    """Nothing answers at the URL."""

    code = "unreachable"
    remedy = "start it with `xswarm serve`, or set XSWARM_URL"


class ConnectionLost(Unreachable):
    """The connection ended before the answer to a request that must not be sent twice."""

    code = "connection_lost"
    remedy = "look whether it was done before you ask again"


class NotXswarm(XswarmError):
    """Something answers at the URL that does not speak the protocol of xswarm."""

    code = "not_xswarm"
    remedy = "set XSWARM_URL to the socket of xswarm: ws://127.0.0.1:9999 by default"


class NotAuthenticated(XswarmError):
    """The daemon does not accept the token."""

    code = "not_authenticated"
    remedy = "set XSWARM_TOKEN; `xswarm token create` makes a token"


class TimedOut(XswarmError):
    """There was no answer in time."""

    code = "timed_out"
    remedy = "allow more time"


def of_frame(frame: Mapping[str, Any]) -> XswarmError:
    """Return the error that an `error` frame, or the body of a failed request, stands for."""
    code = str(frame.get("code", "internal"))
    sentence = str(frame.get("message") or frame.get("error") or "the request failed")
    after, remedy = frame.get("retry_after"), frame.get("remedy")
    retry_after = float(after) if isinstance(after, int | float) else None
    if code == NotAuthenticated.code:
        return NotAuthenticated(sentence)
    return XswarmError(sentence, code, remedy=str(remedy) if remedy else None, retry_after=retry_after)
