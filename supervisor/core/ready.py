"""What the daemon prints when it is ready, besides its addresses: how the first person gets in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from supervisor.operations.api import Api
from supervisor.people.sign_in.sign_in import LINK_MINUTES

MakeLink = Callable[[str], Awaitable[tuple[str, int]]]
"""Returns a link for a user, and when it expires, in milliseconds UTC."""

NOBODY = "Nobody may use it yet: add a person with `xswarm user add`"


async def how_to_begin(api: Api, make_link: MakeLink, *, terminal: bool) -> list[str]:
    """Return the lines to print where nobody may use the daemon, or nobody has signed in with a browser.

    Args:
        terminal: whether a person reads them. In a file or a journal a link would be a secret that others read.
    """
    if not api.directory.users():
        return [NOBODY]
    user = api.sign_in.newcomer()
    if user is None or await api.passkeys.any():
        return []
    if not terminal:
        return [f"Nobody is signed in yet: `xswarm user link {user.id}` prints a link for a browser"]
    link, _ = await make_link(user.id)
    return [f"Sign in as {user.id} (the link works once, for {LINK_MINUTES} minutes): {link}"]
