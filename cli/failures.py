"""What a command can fail with, as a sentence and an exit code.

::

    XswarmError
    ├── Unreachable     the daemon does not answer
    ├── Mistake         the command was used wrongly
    └── Refused         what the daemon said no to, with its own code and text
"""

from __future__ import annotations

from enum import IntEnum

from cli.plain import plain
from supervisor.protocol.errors import XswarmError

_REMEDIES = {
    **{kind.code: kind.remedy for kind in XswarmError.__subclasses__()},
    "session_not_active": "`xswarm claude connect` with its id brings it back",
    "unsupported": "a newer version of the daemon may carry it out",
}
"""What to do about a code that came over a wire without its remedy."""


class ExitCode(IntEnum):
    """What a shell learns from a command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    """The daemon cannot be reached."""
    NOT_FOUND = 4
    NOT_ALLOWED = 5
    STOPPED = 130
    """Ctrl-C, as shells say it."""


class Unreachable(XswarmError):
    """The daemon is not there, or went away."""

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
    """The command was used wrongly."""

    code = "usage"

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return self.what


class Refused(XswarmError):
    """The daemon's own no.

    Args:
        message: the daemon's sentence.
        code: the wire code (protocol.md section 1, error texts and codes).
        remedy: empty = what is known about the code.
        retry_after: seconds, or None.
    """

    def __init__(self, message: str, code: str, remedy: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.remedy = remedy or _REMEDIES.get(code, "")
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.message


def exit_code(error: XswarmError) -> ExitCode:
    """Return what the shell is told about an error."""
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
    """Return an error for a person: what happened, and on a line of its own what to do about it."""
    lines = [f"Error: {error}"]
    if error.retry_after is not None:
        lines.append(f"Try again in {error.retry_after:g} s.")
    if error.remedy:
        lines.append(f"To do: {error.remedy}")
    return plain("\n".join(lines))
