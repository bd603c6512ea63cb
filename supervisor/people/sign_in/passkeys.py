"""Passkeys (WebAuthn level 3): added by whoever is signed in, and used to sign in and to prove an answer.

No backoff stands before a passkey: its signature cannot be guessed, and whoever locks a link out must not lock it out.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from supervisor.people.identity import Caller, Directory
from supervisor.people.sign_in.challenges import SECONDS, Challenges
from supervisor.people.sign_in.errors import BadCredential
from supervisor.people.sign_in.freshness import WEAK, FreshProof, strength
from supervisor.people.sign_in.sign_in import SignedIn, SignIn
from supervisor.people.sign_in.site import Site
from supervisor.protocol.errors import InvalidMessage, NotAllowed
from supervisor.protocol.messages import UserId
from supervisor.protocol.times import Clock, now_ms
from supervisor.sentences.sign_in import (
    ADD_A_PASSKEY,
    ADD_IT_ANEW,
    NO_PASSKEY,
    PASSKEY_DOES_NOT_COUNT,
    PASSKEY_IS_KNOWN,
)
from supervisor.store.ports.people.passkeys import Passkey, PasskeyStore
from supervisor.store.ports.people.sign_in import Visitor, Way

if TYPE_CHECKING:
    from supervisor.people.sign_in.ceremony import Made

logger = logging.getLogger(__name__)

SIGN_IN = "sign in"
CEREMONY = "supervisor.people.sign_in.ceremony"
"""The module that imports the WebAuthn library. It is loaded soon after the start, or by the first ceremony."""
MOST_PASSKEYS = 50
"""Most passkeys of one user."""

Options = dict[str, Any]
"""What a browser gets, as WebAuthn's JSON."""


class Passkeys:
    """Adds, checks and removes passkeys.

    Args:
        clock: milliseconds UTC.

    Attributes:
        fresh: says who must show one first.
    """

    def __init__(
        self,
        store: PasskeyStore,
        directory: Directory,
        sign_in: SignIn,
        *,
        challenges: Challenges | None = None,
        clock: Clock = now_ms,
    ) -> None:
        self._store = store
        self._directory = directory
        self._sign_in = sign_in
        self._challenges = challenges or Challenges()
        self._clock = clock
        self.fresh = FreshProof(store, sign_in.freshness)

    async def of(self, user_id: UserId) -> Sequence[Passkey]:
        """Return the passkeys of a user, oldest first."""
        return await self._store.of(user_id)

    async def any(self) -> bool:
        """Return whether anybody has a passkey."""
        return await self._store.any()

    async def to_add(self, caller: Caller, site: Site) -> Options:
        """Return the options with which a browser makes a passkey.

        Raises:
            FreshCheckNeeded: the person must show a passkey first, or sign in anew.
            NotAllowed: the user has too many.
        """
        assert caller.user_id is not None, "a person is signed in"
        await self.fresh.own(caller)
        user, known = self._directory.user(caller.user_id), await self._store.of(caller.user_id)
        if len(known) >= MOST_PASSKEYS:
            raise NotAllowed(f"more than {MOST_PASSKEYS} passkeys")
        options: Options = _ceremony().to_make(
            site,
            self._challenges.make(_adding(caller)),
            handle=hashlib.sha256(f"passkeys of {user.id}".encode()).digest(),
            user=user.id,
            name=user.name,
            known=[passkey.id for passkey in known],
            seconds=SECONDS,
        )
        return options

    async def add(
        self, caller: Caller, site: Site, name: str, credential: Mapping[str, Any], visitor: Visitor
    ) -> Passkey:
        """Store a passkey that a browser has made.

        Raises:
            FreshCheckNeeded: the person must show a passkey first, or sign in anew.
            NotAllowed: it does not count, or is known already.
            StorageError: it is not stored.
        """
        assert caller.user_id is not None, "a person is signed in"
        await self.fresh.own(caller)
        challenge = await self._challenge(credential, _adding(caller), visitor, caller.name)
        try:
            made: Made = _ceremony().made(site, challenge, credential)
        except BadCredential as error:
            raise await self._refused(visitor, str(error), caller.name) from error
        self._challenges.use(challenge)
        now = self._clock()
        passkey = Passkey(
            id=made.id,
            user_id=caller.user_id,
            public_key=made.public_key,
            sign_count=made.sign_count,
            name=name,
            root=self._root(caller),
            created_ms=now,
        )
        if not await self._store.add(passkey, visitor, now_ms=now):
            raise NotAllowed(PASSKEY_IS_KNOWN())
        return passkey

    async def remove(self, caller: Caller, passkey_id: str, visitor: Visitor) -> bool:
        """Remove a passkey of whoever is signed in, and end the sessions that it signed in.

        Args:
            passkey_id: in hexadecimal.

        Returns:
            Whether the session of the caller has ended with it.

        Raises:
            FreshCheckNeeded: the person must show a passkey first, and one that does not count as a link where the
                one to remove does not.
            InvalidMessage: the user has no such passkey.
        """
        assert caller.user_id is not None, "a person is signed in"
        try:
            wanted = bytes.fromhex(passkey_id)
        except ValueError:
            wanted = b""
        found = next((one for one in await self._store.of(caller.user_id) if one.id == wanted), None)
        await self.fresh.own(caller, strong=found is not None and strength(found) not in WEAK)
        ended = await self._store.remove(wanted, caller.user_id, visitor, now_ms=self._clock())
        if ended is None:
            raise InvalidMessage("passkey_id", "must be one of your passkeys")
        self._sign_in.freshness.forget_passkey(wanted)
        self._sign_in.ended(ended)
        return caller.session_id in ended

    async def to_check(self, caller: Caller, site: Site) -> Options:
        """Return the options with which a browser proves that the person who is signed in still sits there.

        Raises:
            NotAllowed: they have no passkey.
        """
        assert caller.user_id is not None, "a person is signed in"
        known = await self._store.of(caller.user_id)
        if not known:
            raise NotAllowed(NO_PASSKEY(), ADD_A_PASSKEY())
        return self.to_prove(site, _checking(caller), known)

    async def check(self, caller: Caller, site: Site, credential: Mapping[str, Any], visitor: Visitor) -> float:
        """Note that the person who is signed in showed a passkey; return for how many seconds that counts.

        Raises:
            NotAllowed: it does not count.
            StorageError: it could not be noted.
        """
        passkey = await self.prove(site, credential, _checking(caller), visitor)
        session = self._sign_in.session(caller.session_id)
        if passkey.user_id != session.user_id:
            raise await self._refused(visitor, "another person's", session.user_id)
        await self._sign_in.checked(session, passkey, visitor)
        return self._sign_in.freshness.seconds_left(session.id)

    def to_prove(self, site: Site, purpose: str = SIGN_IN, known: Sequence[Passkey] = ()) -> Options:
        """Return the options with which a browser proves who uses it.

        Args:
            known: the passkeys that it may use; empty = those that it knows.
        """
        options: Options = _ceremony().to_prove(
            site, self._challenges.make(purpose), known=[passkey.id for passkey in known], seconds=SECONDS
        )
        return options

    async def sign_in(self, site: Site, credential: Mapping[str, Any], visitor: Visitor) -> SignedIn:
        """Begin a session of whoever holds a passkey.

        Raises:
            NotAllowed: the passkey does not count.
            StorageError: nobody is signed in.
        """
        passkey = await self.prove(site, credential, SIGN_IN, visitor)
        return await self._sign_in.begin(passkey.user_id, strength(passkey), visitor, passkey=passkey.id)

    async def prove(self, site: Site, credential: Mapping[str, Any], purpose: str, visitor: Visitor) -> Passkey:
        """Return the passkey that answered a challenge of a purpose, after which the challenge is used up.

        Raises:
            NotAllowed: it does not count.
        """
        challenge = await self._challenge(credential, purpose, visitor)
        passkey = await self._store.get(_bytes(credential.get("id")))
        if passkey is None:
            raise await self._refused(visitor, "no such passkey")
        try:
            signatures: int = _ceremony().proven(
                site, challenge, credential, public_key=passkey.public_key, sign_count=passkey.sign_count
            )
        except BadCredential as error:
            raise await self._refused(visitor, str(error), passkey.user_id) from error
        fresh = self._challenges.use(challenge)
        if not fresh or not await self._store.used(passkey, signatures, now_ms=self._clock()):
            raise await self._refused(visitor, "used twice", passkey.user_id)
        return passkey

    def _root(self, caller: Caller) -> Way:
        """Return how a person proved who they are, by the better of their sign-in and their check."""
        way, check = Way(caller.way), self._sign_in.freshness.check(caller.session_id)
        return check.way if way in WEAK and check is not None else way

    async def _challenge(self, credential: Mapping[str, Any], purpose: str, visitor: Visitor, actor: str = "") -> bytes:
        """Return the challenge that a credential answers.

        Raises:
            NotAllowed: it was not made for this purpose, or does not count any more.
        """
        try:
            data = json.loads(_bytes(credential["response"]["clientDataJSON"]))
            challenge = _bytes(data["challenge"])
        except (ValueError, KeyError, TypeError, RecursionError):
            challenge = b""
        if not self._challenges.fits(challenge, purpose):
            raise await self._refused(visitor, "challenge", actor)
        return challenge

    async def _refused(self, visitor: Visitor, why: str, actor: str = "") -> NotAllowed:
        """Leave an entry about a passkey that does not count; return the error for whoever sent it."""
        logger.info("a passkey does not count: %s", why)
        await self._sign_in.failed(visitor, f"passkey: {why}"[:200], actor=actor)
        return NotAllowed(PASSKEY_DOES_NOT_COUNT(), ADD_IT_ANEW())


def _ceremony() -> Any:
    return importlib.import_module(CEREMONY)


def _checking(caller: Caller) -> str:
    return f"check that {caller.user_id} is at {caller.session_id}"


def _adding(caller: Caller) -> str:
    return f"add a passkey of {caller.user_id} in {caller.session_id}"


def _bytes(text: object) -> bytes:
    """Return what base64url stands for; empty = it is none."""
    try:
        return base64.urlsafe_b64decode(text + "===") if isinstance(text, str) else b""
    except ValueError:
        return b""
