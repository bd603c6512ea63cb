"""Errors of commands, each with a sentence for a person and an exit code for a shell.

::

    XswarmError
    ├── Unreachable     the daemon does not answer
    ├── Mistake         wrong usage of the command
    └── Refused         the daemon refused the request, with its own code and text
"""

from __future__ import annotations

from enum import IntEnum

from cli.plain import plain
from supervisor.protocol.errors import XswarmError

_REMEDIES = {
    **{kind.code: kind.remedy for kind in XswarmError.__subclasses__()},
    "unsupported": "a newer version of the daemon may support it",
}
"""Remedies by error code, for errors that arrive over a wire without one."""

_OF_COMMANDS = {
    **{
        code: _REMEDIES[code] for code in ("session_not_found", "max_sessions", "token_not_found", "approval_not_found")
    },
    "session_not_active": "`xswarm claude connect` with its id brings it back",
    "message_not_waiting": "`xswarm claude interrupt` stops a running turn",
    "not_authenticated": "set SUPERVISOR_TOKEN to a valid token; `xswarm token create` makes one",
}
"""Remedies by error code that name a command, for errors whose remedy on the wire names a request."""


class ExitCode(IntEnum):
    """Exit codes of a command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    """The daemon cannot be reached."""
    NOT_FOUND = 4
    NOT_ALLOWED = 5
    STOPPED = 130
    """Ctrl-C: 128 and the number of SIGINT, as shells report it."""


class Unreachable(XswarmError):
    """The daemon does not run, or the connection to it was lost."""

    code = "unreachable"
    remedy = "start it with `xswarm serve`"

    def __init__(self, why: str, remedy: str | None = None) -> None:
        super().__init__(why)
        self.why = why
        if remedy is not None:
            self.remedy = remedy

    def __str__(self) -> str:
        return f"The daemon cannot be reached: {self.why}"


class Mistake(XswarmError):
    """Wrong usage of the command."""

    code = "usage"

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return self.what


class Refused(XswarmError):
    """The daemon refused the request.

    Args:
        message: the daemon's sentence.
        code: the wire code (docs/protocol.md, Errors).
        remedy: empty, or one that names a request of HTTP, for the remedy that is known for the code.
        retry_after: in seconds; None where the daemon names no time.
    """

    def __init__(self, message: str, code: str, remedy: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        if not remedy or _names_request(remedy):
            remedy = _OF_COMMANDS.get(code, remedy or _REMEDIES.get(code, ""))
        self.remedy = remedy
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.message


def _names_request(remedy: str) -> bool:
    """Return whether a remedy is for clients of HTTP."""
    return " /api/" in remedy or "`Authorization: " in remedy


def exit_code(error: XswarmError) -> ExitCode:
    """Return the exit code for an error."""
    match error.code:
        case "unreachable":
            return ExitCode.UNREACHABLE
        case "usage" | "invalid_message":
            return ExitCode.USAGE
        case "not_authenticated" | "not_allowed" | "project_not_allowed":
            return ExitCode.NOT_ALLOWED
        case code if code.endswith("not_found"):
            return ExitCode.NOT_FOUND
        case _:
            return ExitCode.FAILED


def sentence(error: XswarmError) -> str:
    """Return an error for a person: the sentence, then on lines of their own when to retry and the remedy."""
    lines = [f"Error: {error}"]
    if error.retry_after is not None:
        lines.append(f"Try again in {error.retry_after:g} s.")
    if error.remedy:
        lines.append(f"To do: {error.remedy}")
    return plain("\n".join(lines))
