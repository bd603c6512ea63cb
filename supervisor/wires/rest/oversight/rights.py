"""Who may read what everybody did."""

from __future__ import annotations

from collections.abc import Callable

from supervisor.people.identity import Caller, Directory
from supervisor.protocol.errors import NotAllowed


def administrators(directory: Directory, what: str) -> Callable[[Caller], None]:
    """Return a check that lets pass administrators and the operator; it raises `NotAllowed` for everybody else.

    Args:
        what: is refused, e.g. "the audit trail".
    """

    def check(caller: Caller) -> None:
        if not directory.administers(caller):
            raise NotAllowed(what, "it is for users with the role ADMIN, and for the operator's token")

    return check
