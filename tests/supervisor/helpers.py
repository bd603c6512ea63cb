"""Short functions for what tests of a `Core` do often: connect, send, ask, read the state."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

from supervisor.config import ClaudeCode, ProjectConfig
from supervisor.intake.submission import Taken
from supervisor.operations.work_request import WorkRequest
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import Address, Inbound, MessageId, Receipt, Reply, SessionId
from supervisor.protocol.status import Permissions, TurnState
from supervisor.protocol.times import now_ms
from supervisor.store.records.result import Result
from supervisor.store.records.session import Session
from supervisor.store.sqlite.database import SqliteDatabase
from tests.fakes import ScriptedConnector
from tests.slowness import scaled
from tests.supervisor.harness import ALICE_PHONE, OPERATOR, Core

PLENTY = ClaudeCode(max_sessions=10_000, max_processes=10_000)
OUR_NUMBER = "+15550199"
BOBS_PHONE = "+15550101"


def asked(core: Core, *, external_id: str | None = None, digest: str = "", token: str = OPERATOR) -> WorkRequest:
    """Return a request of the operator by the socket."""
    return WorkRequest(caller=core.directory.caller(token), channel="socket", external_id=external_id, digest=digest)


def scripted(core: Core) -> ScriptedConnector:
    """Return the `ScriptedConnector` of a core."""
    assert isinstance(core.connector, ScriptedConnector)
    return core.connector


def project(folder: Path, name: str, **settings: Any) -> dict[str, ProjectConfig]:
    """Return the configuration of a project of alice and bob, and create its folder."""
    path = folder / name
    path.mkdir(exist_ok=True)
    known = {"users": ("alice", "bob"), "permissions": Permissions.EDIT, **settings}
    return {name: ProjectConfig(path=str(path), **known)}


async def connect(core: Core, session_id: str = "s1", *, path: Path | None = None, user: str = "alice") -> bool:
    """Connect a session; return whether it was resumed."""
    caller = core.directory.caller(OPERATOR)
    connected = await core.operations.sessions.connect(caller, SessionId(session_id), str(path or core.site), user)
    return connected.resumed


async def send(core: Core, text: str, session_id: str = "s1") -> Taken:
    """Accept a prompt for a session and start it, without waiting for its end."""
    taken = await core.operations.messages.send(asked(core), SessionId(session_id), text, None)
    core.operations.messages.start(taken)
    return taken


async def ask(core: Core, text: str, session_id: str = "s1", *, context: Mapping[str, Any] | None = None) -> Result:
    """Send a prompt to a session and wait for its end."""
    return await core.operations.messages.answer(
        await core.operations.messages.send(asked(core), SessionId(session_id), text, context)
    )


async def session(core: Core, session_id: str = "s1") -> Session:
    """Return a session as stored."""
    found = await core.store.sessions.get(SessionId(session_id))
    assert found is not None, f"there is no session {session_id}"
    return found


async def state(core: Core, taken: Taken | Receipt) -> TurnState:
    """Return how a message's turn stands."""
    message_id = taken.accepted.message_id if isinstance(taken, Taken) else taken.message_id
    return (await result(core, message_id)).turn.state


async def result(core: Core, message_id: MessageId | None) -> Result:
    """Return the result of a message."""
    assert message_id is not None, "it was not accepted"
    found = await core.store.turns.result(message_id)
    assert found is not None, "it was accepted"
    return found


def text_message(
    text: str, *, phone: str = ALICE_PHONE, key: str | None = None, channel: str = "sms", thread: str | None = None
) -> Inbound:
    """Return a text message as its channel hands it in."""
    sender = Address(kind=channel, value=phone)
    return Inbound(
        channel=channel,
        account=OUR_NUMBER,
        dedup_key=key or uuid7(),
        sender=sender,
        text=text,
        thread=thread,
        reply=Reply(channel=channel, to=sender, account=OUR_NUMBER),
    )


async def give_phone(core: Core) -> None:
    """Give bob, who has none in a `Core`, a phone with the number `BOBS_PHONE`."""
    await core.accounts.put_user("bob", name="Bob", role="COORDINATOR", phones=[BOBS_PHONE])


class Gate:
    """A crash hook of the store that blocks the writer at one point until `open`.

    Args:
        point: e.g. "start.before_commit".
    """

    def __init__(self, point: str) -> None:
        self.reached = threading.Event()
        self._point = point
        self._closed = True
        self._go = threading.Event()

    def __call__(self, point: str) -> None:
        if point == self._point and self._closed:
            self._closed = False
            self.reached.set()
            assert self._go.wait(scaled(20)), f"{point}: nobody opened the gate"

    def open(self) -> None:
        """Unblock the writer; later writes pass."""
        self._go.set()


@asynccontextmanager
async def full_disk(core: Core) -> AsyncIterator[None]:
    """Make SQLite fail as on a full disk: the database must not grow."""
    database = core.store._database
    assert isinstance(database, SqliteDatabase)  # its connection is not reachable otherwise

    def lower(connection: sqlite3.Connection) -> int:
        pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return pages

    await database._writer.run(lower)
    try:
        yield
    finally:
        await database._writer.run(
            lambda connection: connection.execute("PRAGMA max_page_count = 1073741823").fetchall()
        )


async def told_texts(core: Core, channel: str = "sms") -> list[str]:
    """Return the texts or mails to alice so far, oldest first."""
    texts = []
    while rows := await core.store.outbox.due(channel, now_ms=now_ms(), limit=9):
        for row in rows:
            texts.append(row.text)
            await core.store.outbox.begin(row.id, now_ms=now_ms())
            await core.store.outbox.dead(row.id, "seen", now_ms=now_ms())
    return texts


@contextmanager
def full_trail(core: Core) -> Iterator[None]:
    """Let the database refuse each entry of the audit trail, and nothing else."""
    with closing(sqlite3.connect(core.file, timeout=scaled(10.0))) as database:
        database.execute("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no entry'); END")
        yield
        database.execute("DROP TRIGGER full")
