"""Fresh proof: some things only a person may do who showed a passkey, or signed in, within the last minutes.

A cookie shows who has the browser, not who sits at it. What would keep a thief of the cookie, or of the mailbox, inside
(passkeys, other sessions, the rights of people) needs more.
"""

from __future__ import annotations

import time
from dataclasses import replace

from supervisor.people.identity import Caller
from supervisor.people.rate_limits import Monotonic
from supervisor.people.sign_in.errors import FreshCheckNeeded
from supervisor.protocol.errors import NotAuthenticated
from supervisor.protocol.values.record import record
from supervisor.sentences.sign_in import ADD_A_PASSKEY, ADD_A_STRONG_PASSKEY, CHECK_A_PASSKEY, SIGN_IN_ANEW
from supervisor.store.ports.people.passkeys import Passkey, PasskeyStore
from supervisor.store.ports.people.sign_in import SignInSession, Way

SECONDS = 300.0
"""How long a check counts, in seconds."""

WEAK = frozenset({Way.MAIL, Way.SMS})
"""Ways that a forger may go: a passkey that was added on one proves no more than it."""


def strength(passkey: Passkey) -> Way:
    """Return as what a passkey counts: one that was added with a link by mail or text counts as that link."""
    return passkey.root if passkey.root in WEAK else Way.PASSKEY


@record
class Check:
    """The last check of a session.

    Attributes:
        at: seconds of a clock that never goes back.
        way: as what it counts: a passkey, or the way of the link with which that passkey was added.
    """

    at: float
    way: Way
    passkey_id: bytes


@record
class _Seen:
    signed_in: float
    check: Check | None = None


class Freshness:
    """When people signed in, and when they showed a passkey, in memory: after a restart nothing is fresh.

    Args:
        clock: seconds of a clock that never goes back, so no change of the time of day keeps a check fresh.
    """

    def __init__(self, clock: Monotonic = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    def signed_in(self, session: SignInSession) -> None:
        """Note that a session has begun; with a passkey, that is a check too."""
        now = self._clock()
        check = None
        if session.passkey is not None:
            check = Check(at=now, way=session.way, passkey_id=session.passkey)
        self._seen[session.id] = _Seen(signed_in=now, check=check)

    def checked(self, session_id: str, passkey: Passkey) -> None:
        """Note that the person of a session showed a passkey."""
        known = self._seen.get(session_id, _Seen(signed_in=float("-inf")))
        check = Check(at=self._clock(), way=strength(passkey), passkey_id=passkey.id)
        self._seen[session_id] = replace(known, check=check)

    def forget(self, session_id: str) -> None:
        """Forget a session that has ended."""
        self._seen.pop(session_id, None)

    def forget_passkey(self, passkey_id: bytes) -> None:
        """Let the checks with a passkey count no more, since it was removed."""
        for session_id, seen in self._seen.items():
            if seen.check is not None and seen.check.passkey_id == passkey_id:
                self._seen[session_id] = replace(seen, check=None)

    def check(self, session_id: str) -> Check | None:
        """Return the check of a session that still counts; None = there is none."""
        seen = self._seen.get(session_id)
        check = seen.check if seen is not None else None
        return check if check is not None and self._left(check.at) > 0 else None

    def seconds_left(self, session_id: str) -> float:
        """Return for how many seconds the check of a session counts; 0 = there is none."""
        check = self.check(session_id)
        return self._left(check.at) if check is not None else 0.0

    def has_just_signed_in(self, session_id: str) -> bool:
        """Return whether a session has begun within the last `SECONDS`."""
        seen = self._seen.get(session_id)
        return seen is not None and self._left(seen.signed_in) > 0

    def _left(self, since: float) -> float:
        return max(0.0, since + SECONDS - self._clock())


class FreshProof:
    """Says who must show a passkey first."""

    def __init__(self, store: PasskeyStore, freshness: Freshness) -> None:
        self._store = store
        self._freshness = freshness

    async def own(self, caller: Caller, *, strong: bool = False) -> None:
        """Return if a person may change how they sign in.

        They have just shown a passkey. Or they have just signed in, and have no passkey yet, or came by a link from
        the operator's terminal: by that way people come back who have lost their passkeys.

        Args:
            strong: a passkey that was added with a link by mail or text is not enough.

        Raises:
            FreshCheckNeeded: they may not now.
            NotAuthenticated: the caller is no person who is signed in.
        """
        if caller.user_id is None or not caller.session_id:
            raise NotAuthenticated
        check = self._freshness.check(caller.session_id)
        if check is not None and not (strong and check.way in WEAK):
            return
        known = await self._store.of(caller.user_id)
        just = self._freshness.has_just_signed_in(caller.session_id)
        if just and (caller.way == Way.TERMINAL or not known):
            return
        raise FreshCheckNeeded(CHECK_A_PASSKEY() if known else SIGN_IN_ANEW())

    async def of_others(self, caller: Caller) -> None:
        """Return if a person may change the rights of others: they have just shown a passkey, no sign-in replaces it.

        Raises:
            FreshCheckNeeded: they may not now.
            NotAuthenticated: the caller is no person who is signed in.
        """
        if caller.user_id is None or not caller.session_id:
            raise NotAuthenticated
        check = self._freshness.check(caller.session_id)
        if check is not None and check.way not in WEAK:
            return
        known = await self._store.of(caller.user_id)
        if any(strength(passkey) not in WEAK for passkey in known):
            raise FreshCheckNeeded(CHECK_A_PASSKEY())
        raise FreshCheckNeeded(ADD_A_STRONG_PASSKEY() if known else ADD_A_PASSKEY())
