"""Texts and prompts to a whole daemon while something troubles it; in the end promises P1 to P8 must hold.

The agents are the real Claude Code on the offline model; each of their turns appends one line to a file of its
project by a shell command.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from supervisor.demo.twilio import TwilioStandIn
from supervisor.protocol.messages import MessageId
from supervisor.protocol.status import TurnState
from supervisor.runtime.credentials import Credentials
from supervisor.runtime.state import DATABASE_FILE, audit_seal
from supervisor.store import SqliteStore, open_store
from supervisor.store.postgres.store import Address, PostgresStore, open_postgres
from tests.e2e.process import DaemonProcess
from tests.ports import free_port
from tests.slowness import scaled
from tests.waiting import until

ACCOUNT = "AC" + "0123456789abcdef" * 2
AUTH_TOKEN = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
PHONES = {"ann": "+15551110001", "ben": "+15551110002"}

TABLES = """
[claude_code]
sandbox = "off"

[approvals]
high_risk = []

[limits]
messages_per_minute = 100000
messages_per_hour = 100000

[channels.sms]
account_sid = "{account}"
from_number = "{number}"
api_url = "{api}"
reconcile_after_seconds = 1
catch_up_seconds = 1
"""

ENDS = frozenset({TurnState.COMPLETED, TurnState.INTERRUPTED, TurnState.FAILED})
"""The states in which a turn may end, unless a test knows better."""

PROJECT = """
[projects.{name}]
path = "{path}"
users = ["{name}"]
permissions = "full"
"""


@dataclass
class World:
    """The daemon, the stand-in for Twilio, and what was sent to them.

    Attributes:
        url: of its database in PostgreSQL; empty = it is SQLite.
        sent: the keys of all messages, by how they were sent.
        ends: by key, how each message of the socket ended.
    """

    folder: Path
    twilio: TwilioStandIn
    daemon: DaemonProcess
    url: str = ""
    sent: dict[str, list[str]] = field(default_factory=lambda: {"sms": [], "socket": []})
    ends: dict[str, str] = field(default_factory=dict)
    over: bool = False

    @property
    def answered(self) -> int:
        """How many messages have been answered."""
        return sum(message.outgoing for message in self.twilio.messages) + len(self.ends)

    async def some_answers(self, count: int) -> None:
        """Wait for more answers."""
        enough = self.answered + count
        await until(lambda: self.answered >= enough, "some messages are answered", timeout=120)

    def answers(self, key: str) -> list[str]:
        """Return the texts that answered a message by SMS; that of a turn that failed does not repeat the message."""
        phone = PHONES[key.partition("-")[0]]
        told = [message.body for message in self.twilio.messages if message.outgoing and key in message.body]
        failed = []
        asked = ""
        for message in self.twilio.messages:
            if not message.outgoing and message.sender == phone:
                asked = message.body
            elif message.outgoing and message.to == phone and key in asked and "failed: " in message.body:
                failed.append(message.body)
        return told or failed

    def effects(self) -> Counter[str]:
        """Return how often each turn has written its line."""
        paths = [self.folder / name / "effects.log" for name in PHONES]
        lines = [path.read_text(encoding="utf-8").split() for path in paths if path.exists()]
        return Counter(key for found in lines for key in found)


def work(key: str) -> str:
    """Return a prompt whose turn appends a line to a file, and then says so."""
    command = {"name": "Bash", "input": {"command": f"echo {key} >> effects.log", "description": "note it"}}
    return f"{key} @@" + json.dumps({"steps": [{"tools": [command]}, {"text": f"done {key}"}]})


async def text_in(world: World, name: str) -> None:
    """Text the daemon, sometimes twice; as with Twilio, a webhook that failed is not repeated."""
    pick = random.Random(name)
    number = 0
    while not world.over:
        number += 1
        key = f"{name}-{number:04}"
        to_assistant = number % 3 == 0
        said = f"{key} @@" + json.dumps({"steps": [{"text": f"said {key}"}]})
        world.sent["sms"].append(key)
        await world.twilio.receive(PHONES[name], f"assistant: {said}" if to_assistant else f"claude: {work(key)}")
        if pick.random() < 0.2:
            message = next(m for m in reversed(world.twilio.messages) if key in m.body and not m.outgoing)
            await world.twilio.receive(PHONES[name], "", sid=message.sid)
        await until(lambda: world.answers(key), f"{key} is answered", timeout=120)  # noqa: B023


async def call_in(world: World) -> None:
    """Prompt a session over the socket; a request without an answer is repeated under its `external_id`."""
    number = 0
    while not world.over:
        number += 1
        key = f"call-{number:04}"
        world.sent["socket"].append(key)
        while key not in world.ends:
            with suppress(OSError, WebSocketException, TimeoutError, KeyError):
                world.ends[key] = await request(world, key)
            await asyncio.sleep(0.05)  # a client that finds nobody waits before it dials again


async def request(world: World, key: str) -> str:
    """Send one prompt on a new connection; return the answer or the error."""
    headers = {"Authorization": f"Bearer {world.daemon.token}"}
    async with (
        asyncio.timeout(scaled(90)),
        connect(world.daemon.addresses["socket"], additional_headers=headers, open_timeout=scaled(30.0)) as wire,
    ):
        project = str(world.folder / "ann")
        asking = {"type": "claude_code_connect", "session_id": "calls", "project_path": project, "user_id": "ann"}
        prompt = {"type": "claude_code_message", "session_id": "calls", "message": work(key), "external_id": key}
        for number, message in enumerate((asking, prompt)):
            await wire.send(json.dumps(message | {"request_id": str(number)}))
            while (answer := json.loads(await wire.recv())).get("request_id") != str(number):
                pass
        if answer["type"] == "error" and answer["code"] != "turn_failed":
            raise TimeoutError(answer["message"])
        return str(answer.get("content") or answer["message"])


async def run_through(
    folder: Path, url: str, trouble: Callable[[World], Awaitable[None]], *, ends: Collection[TurnState] = ENDS
) -> None:
    """Send messages until the trouble is over, wait for the last answers, and check the promises.

    Args:
        url: of an empty database in PostgreSQL; empty = SQLite.
        ends: the states in which a turn may end.
    """
    port = free_port()
    public_url = f"http://127.0.0.1:{port}"
    async with TwilioStandIn(ACCOUNT, AUTH_TOKEN, webhook_url=f"{public_url}/webhooks/twilio/sms") as twilio:
        tables = TABLES.format(account=ACCOUNT, number=twilio.number, api=twilio.url)
        for name in PHONES:
            (folder / name).mkdir()
            tables += PROJECT.format(name=name, path=folder / name)
        daemon = DaemonProcess(
            folder,
            config=f'[store]\nurl = "{url}"\n{tables}',
            http=f'port = {port}\npublic_url = "{public_url}"',
            arguments=("--offline",),
            environment={"TWILIO_AUTH_TOKEN": AUTH_TOKEN},
        )
        for name, phone in PHONES.items():
            added = await daemon.xswarm("user", "add", name, "--role", "ADMIN", "--phone", phone)
            assert added.code == 0, added
        world = World(folder, twilio, daemon, url)
        async with daemon, asyncio.TaskGroup() as group:
            for name in PHONES:
                group.create_task(text_in(world, name), name=f"texts of {name}")
            group.create_task(call_in(world), name="calls")
            group.create_task(_trouble(world, trouble), name="trouble")
        await check(world, ends)


async def _trouble(world: World, trouble: Callable[[World], Awaitable[None]]) -> None:
    await trouble(world)
    world.over = True


async def check(world: World, ends: Collection[TurnState]) -> None:
    """Check that every message has ended once, and was told once, with its effects done at most once."""
    told = {key: world.answers(key) for key in world.sent["sms"]}
    assert {key: len(texts) for key, texts in told.items()} == dict.fromkeys(told, 1)
    assert set(world.ends) == set(world.sent["socket"])
    effects = world.effects()
    assert {key: count for key, count in effects.items() if count > 1} == {}
    credentials = Credentials(world.daemon.state, {})
    seal = audit_seal(credentials.generated("audit"))
    store: SqliteStore | PostgresStore
    if world.url:
        store = await open_postgres(Address(world.url), seal=seal)
    else:
        store = await open_store(world.daemon.state / DATABASE_FILE, seal=seal)
    try:
        assert await store.check() == []
        assert await store.audit.verify() is None
        assert not any((await store.outbox.counts()).values())
        assert await store.turns.pending_count() == 0
        states: Counter[TurnState] = Counter()
        for message_id, text in await _accepted(store):
            found = await store.turns.result(message_id)
            assert found is not None
            states[found.turn.state] += 1
            key = text.split()[0]
            if found.turn.state is TurnState.COMPLETED and f"echo {key}" in text:
                assert effects[key] == 1
        assert states.total() == len(world.sent["sms"]) + len(world.sent["socket"])
        assert set(states) <= set(ends)
    finally:
        await store.close()


async def _accepted(store: SqliteStore | PostgresStore) -> list[tuple[MessageId, str]]:
    """Return the id and text of every message in the database."""
    return await store._database.read(
        lambda connection: connection.execute(
            "SELECT i.message_id, coalesce(i.body, m.message) FROM inbox AS i"
            " LEFT JOIN claude_code_messages AS m ON m.seq = 2 * i.turn_id"
        ).fetchall()
    )
