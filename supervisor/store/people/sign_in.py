"""One-time links, and the sessions of people who signed in."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from supervisor.protocol.messages import UserId
from supervisor.protocol.times import DAY_MS
from supervisor.protocol.values.record import values_of
from supervisor.store.drafts import add_drafts
from supervisor.store.engine import Database
from supervisor.store.people.version import accounts_changed
from supervisor.store.ports.people.accounts import THE_OPERATOR
from supervisor.store.ports.people.sign_in import (
    LinkProblem,
    NewSession,
    SignInLink,
    SignInSession,
    Visitor,
    Way,
)
from supervisor.store.records.accounts import Actor
from supervisor.store.records.outbox import OutboxDraft
from supervisor.store.transaction import Reader, Row, Transaction

NOBODY = "nobody"
"""The actor of a sign-in that failed before it was known whose it is."""

_SESSION = "SELECT id, user_id, way, source, agent, created_ms, used_ms, expires_ms, passkey FROM sign_in_sessions"
_SESSIONS = _SESSION.replace("SELECT ", "SELECT sha256, ") + " ORDER BY created_ms, id"
_LINK = "SELECT user_id, way, address, browser, expires_ms, used_ms FROM sign_in_links WHERE sha256 = ?"
_HAS_ADDRESS = "SELECT 1 FROM addresses WHERE user_id = ? AND kind = ? AND value = ?"
_USE_LINK = "UPDATE sign_in_links SET used_ms = ? WHERE sha256 = ?"
_IS_USER = "SELECT 1 FROM users WHERE id = ? AND removed_ms IS NULL"
_USED = "UPDATE sign_in_sessions SET used_ms = ? WHERE id = ?"
_END = "DELETE FROM sign_in_sessions WHERE id = ?"
_FORGET_LINKS = "DELETE FROM sign_in_links WHERE expires_ms < ?"
_LAPSED = f"{_SESSION} WHERE expires_ms < ?"
_WITH_PASSKEY = f"{_SESSION} WHERE passkey = ?"
_OF_USER = tuple(
    f"DELETE FROM {table} WHERE user_id = ?" for table in ("sign_in_links", "sign_in_sessions", "passkeys")
)


class SqlSignIn:
    """`SignInStore` over a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sessions(self) -> Sequence[tuple[bytes, SignInSession]]:
        """Return all sessions with the SHA-256 of their secrets, oldest first."""
        return await self._database.read(
            lambda connection: [(row[0], _session(row[1:])) for row in connection.execute(_SESSIONS)]
        )

    async def add_link(
        self,
        link: SignInLink,
        draft: OutboxDraft | None,
        visitor: Visitor,
        *,
        by: Actor = THE_OPERATOR,
        now_ms: int,
    ) -> None:
        """Store a link, and the reply that carries it."""

        def work(tx: Transaction) -> None:
            tx.insert(
                "sign_in_links",
                {
                    "sha256": link.sha256,
                    "user_id": link.user_id,
                    "way": link.way,
                    "address": link.address.value if link.address is not None else "",
                    "browser": link.browser,
                    "created_ms": now_ms,
                    "expires_ms": link.expires_ms,
                },
            )
            detail = {"user": link.user_id, "way": link.way.value}
            if draft is None:
                tx.record(by.name, "signin.link_made", detail | by.where, now_ms)
                return
            add_drafts(tx, [draft], None, link.user_id, now_ms)
            tx.record(link.user_id, "signin.link_sent", detail | {"to": str(link.address)} | _from(visitor), now_ms)

        await self._database.write(work)

    async def link_owner(self, sha256: bytes) -> UserId | None:
        """Return whose link it is."""

        def work(reader: Reader) -> UserId | None:
            row = reader.execute(_LINK, (sha256,)).fetchone()
            return UserId(row[0]) if row is not None else None

        return await self._database.read(work)

    async def redeem(
        self, sha256: bytes, visitor: Visitor, session: NewSession, *, now_ms: int
    ) -> SignInSession | LinkProblem:
        """Begin a session with a link, which is used up by it."""

        def work(tx: Transaction) -> SignInSession | LinkProblem:
            row = tx.one(_LINK, (sha256,))
            problem = _problem(tx, row, visitor, now_ms)
            if problem is not None or row is None:
                problem = problem or LinkProblem.UNKNOWN
                actor, way = (row[0], {"way": row[1]}) if row is not None else (NOBODY, {})
                tx.record(actor, "signin.failed", {"why": problem.value} | way | _from(visitor), now_ms)
                return problem
            tx.execute(_USE_LINK, (now_ms, sha256))
            return _begin(tx, session, UserId(row[0]), Way(row[1]), visitor, now_ms)

        return await self._database.write(work)

    async def begin(
        self,
        session: NewSession,
        user_id: UserId,
        way: Way,
        visitor: Visitor,
        *,
        passkey: bytes | None = None,
        now_ms: int,
    ) -> SignInSession | None:
        """Begin a session of a person who proved who they are."""

        def work(tx: Transaction) -> SignInSession | None:
            if tx.one(_IS_USER, (user_id,)) is None:
                return None
            return _begin(tx, session, user_id, way, visitor, now_ms, passkey)

        return await self._database.write(work)

    async def checked(self, session: SignInSession, passkey: bytes, way: Way, visitor: Visitor, *, now_ms: int) -> None:
        """Note that the person of a session showed a passkey."""
        detail = {"session": session.id, "passkey": passkey.hex(), "way": way.value} | _from(visitor)
        await self._database.write(lambda tx: tx.record(session.user_id, "signin.checked", detail, now_ms))

    async def used(self, session_id: str, *, now_ms: int) -> None:
        """Note that a session was used."""
        await self._database.write(lambda tx: tx.changed(_USED, (now_ms, session_id)))

    async def end(self, session_id: str, *, by: str, why: str, now_ms: int) -> bool:
        """End a session."""

        def work(tx: Transaction) -> bool:
            row = tx.one(f"{_SESSION} WHERE id = ?", (session_id,))
            if row is None:
                return False
            _end(tx, _session(row), by, why, now_ms)
            return True

        return await self._database.write(work)

    async def failed(self, visitor: Visitor, why: str, *, actor: str = "", now_ms: int) -> None:
        """Leave an entry about a sign-in that failed."""

        def work(tx: Transaction) -> None:
            tx.record(actor or NOBODY, "signin.failed", {"why": why} | _from(visitor), now_ms)

        await self._database.write(work)


def forget_sign_ins(tx: Transaction, now_ms: int) -> None:
    """Forget links that are a day too old, and end the sessions whose time is over."""
    tx.execute(_FORGET_LINKS, (now_ms - DAY_MS,))
    for row in tx.execute(_LAPSED, (now_ms,)).fetchall():
        _end(tx, _session(row), row[1], "expired", now_ms)


def end_sign_ins_of(tx: Transaction, user_id: UserId) -> None:
    """End every session of a user who is removed, whose entry says so; their links and passkeys count no more."""
    for sql in _OF_USER:
        tx.execute(sql, (user_id,))


def _problem(tx: Transaction, row: Row | None, visitor: Visitor, now_ms: int) -> LinkProblem | None:
    """Return why a link does not count; None = it does."""
    if row is None:
        return LinkProblem.UNKNOWN
    user_id, way, address, browser, expires_ms, used_ms = row
    if used_ms is not None:
        return LinkProblem.USED
    if expires_ms <= now_ms:
        return LinkProblem.EXPIRED
    if browser is not None and not (visitor.browser is not None and hmac.compare_digest(browser, visitor.browser)):
        return LinkProblem.OTHER_BROWSER
    if address and tx.one(_HAS_ADDRESS, (user_id, way, address)) is None:
        return LinkProblem.NO_ADDRESS
    return None if tx.one(_IS_USER, (user_id,)) is not None else LinkProblem.UNKNOWN


def end_sign_ins_with(tx: Transaction, passkey: bytes, user_id: UserId, now_ms: int) -> Sequence[str]:
    """End every session that a passkey signed in, since it is removed; return their ids."""
    sessions = [_session(row) for row in tx.execute(_WITH_PASSKEY, (passkey,)).fetchall()]
    for session in sessions:
        _end(tx, session, user_id, "passkey_removed", now_ms)
    return [session.id for session in sessions]


def _begin(
    tx: Transaction,
    new: NewSession,
    user_id: UserId,
    way: Way,
    visitor: Visitor,
    now_ms: int,
    passkey: bytes | None = None,
) -> SignInSession:
    session = SignInSession(
        id=new.id,
        user_id=user_id,
        way=way,
        source=visitor.source,
        agent=visitor.agent,
        created_ms=now_ms,
        used_ms=now_ms,
        expires_ms=new.expires_ms,
        passkey=passkey,
    )
    accounts_changed(tx)
    tx.insert("sign_in_sessions", {"sha256": new.sha256, **values_of(session)})
    detail = {"session": new.id, "way": way.value} | ({"passkey": passkey.hex()} if passkey is not None else {})
    tx.record(user_id, "signin.ok", detail | _from(visitor), now_ms)
    return session


def _end(tx: Transaction, session: SignInSession, by: str, why: str, now_ms: int) -> None:
    tx.execute(_END, (session.id,))
    accounts_changed(tx)
    tx.record(by, "signin.ended", {"session": session.id, "user": session.user_id, "why": why}, now_ms)


def _session(row: Row) -> SignInSession:
    return SignInSession(
        id=row[0],
        user_id=UserId(row[1]),
        way=Way(row[2]),
        source=row[3],
        agent=row[4],
        created_ms=row[5],
        used_ms=row[6],
        expires_ms=row[7],
        passkey=row[8],
    )


def _from(visitor: Visitor) -> dict[str, str]:
    return {"from": visitor.source, "agent": visitor.agent}
