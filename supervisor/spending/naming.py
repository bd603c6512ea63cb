"""How the limits are named in a sentence."""

from __future__ import annotations

from supervisor.protocol.messages import UserId
from supervisor.sentences import spending as say
from supervisor.spending.limits import Scope


def limit_name(scope: str, key: str, reader: UserId, *, project: str = "") -> str:
    """Return the name of a limit for one reader, as part of a sentence.

    Args:
        key: the id of the user, for a limit of a user.
        project: of the session, for a limit of a session; empty = not known.
    """
    match Scope(scope):
        case Scope.USER:
            return say.YOUR_DAY() if key == reader else say.USERS_DAY(who=key)
        case Scope.SYSTEM:
            return say.SYSTEMS_DAY()
        case Scope.SESSION:
            return say.SESSIONS(project=project) if project else say.A_SESSIONS()
        case Scope.MESSAGE:
            return say.MESSAGES()
