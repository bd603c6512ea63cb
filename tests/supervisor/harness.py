"""The core of the daemon over a real store, without wires, channels and processes: what wire tests talk to.

`Core` builds what `supervisor.daemon` builds, in the same order. Whoever tests a wire puts it in front of
`core.operations`, `core.intake`, `core.directory`, `core.accounts`, `core.hub`, `core.outbox` and `core.store`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from supervisor import config
from supervisor.accounts import Accounts
from supervisor.assistant import Assistant
from supervisor.commands import Commands
from supervisor.conversations import Conversations
from supervisor.endings import Endings
from supervisor.hub import Hub
from supervisor.identity import Directory
from supervisor.intake import MAX_WAITING, Intake
from supervisor.keywords import Keywords
from supervisor.models.prices import PriceList
from supervisor.models.proxy import Gateway
from supervisor.operations import ONE_TURN_TO_END_SECONDS, Operations
from supervisor.outbox import RECONCILE_PAUSE_MS, Outbox
from supervisor.plain_words import PlainWords
from supervisor.projects import Projects
from supervisor.protocol.ports import Connector
from supervisor.protocol.status import EndReason, Permissions
from supervisor.queries import Queries
from supervisor.rates import Rates
from supervisor.recovery import recover
from supervisor.rights import Rights
from supervisor.router import Router
from supervisor.sessions import Sessions
from supervisor.store import SqliteStore, open_store
from supervisor.turns import GRACE_SECONDS, Turns
from tests.supervisor.scripted import ScriptedConnector

OPERATOR = "operator-token-of-the-tests"
SERVICE = "service-token-of-the-tests"
JWT_SECRET = b"a secret of the tests, 32 bytes long"
ALICE_PHONE = "+15550100"
ALICE_MAIL = "alice@example.org"
DRAIN_SECONDS = 0.2
NOWHERE = "http://127.0.0.1:9"


def seal(before: bytes, content: bytes) -> bytes:
    """Seal an audit row, as the daemon does."""
    return hmac.new(b"audit", before + content, hashlib.sha256).digest()


class Core:
    """Store, sessions, turns, outbox, intake and operations, started; `async with` ends them in reverse.

    Users: alice (ADMIN, a phone and a mailbox), bob (COORDINATOR) and olga (OPERATOR), all with the project "site".
    Nobody has "vault" or "open" (full permissions).

    Args:
        folder: state and project folders; the same one again is the same daemon restarted.
        connector: what answers; a `ScriptedConnector` by default.
        assistant: what answers as the assistant; the same.
        claude_code: `[claude_code]`; `routing` and `limits` are those tables.
        projects: `[projects.NAME]` besides "site" and "vault".
        upstream: of the gateway; the default answers nothing.
        crash: given to the store: called at its crash points, in the writer's thread.
        reconcile_pause_ms: see `Outbox`.
        grace_seconds, max_waiting, turn_to_end_seconds: see `Turns`, `Intake` and `Operations`.
        recovering: whether what an earlier daemon left is settled at the start.
    """

    def __init__(
        self,
        folder: Path,
        *,
        connector: Connector | None = None,
        assistant: Connector | None = None,
        claude_code: config.ClaudeCode | None = None,
        routing: config.Routing | None = None,
        limits: config.Limits | None = None,
        projects: Mapping[str, config.Project] | None = None,
        upstream: str = NOWHERE,
        crash: Callable[[str], None] | None = None,
        reconcile_pause_ms: int = RECONCILE_PAUSE_MS,
        grace_seconds: float = GRACE_SECONDS,
        max_waiting: int = MAX_WAITING,
        turn_to_end_seconds: float = ONE_TURN_TO_END_SECONDS,
        recovering: bool = True,
    ) -> None:
        self.folder = folder
        self.connector = connector or ScriptedConnector()
        self.assistant_connector = assistant or ScriptedConnector()
        self.claude_code = claude_code or config.ClaudeCode()
        self._routing = routing or config.Routing()
        self._limits = limits or config.Limits()
        self._more_projects = dict(projects or {})
        self._upstream = upstream
        self._crash = crash
        self._reconcile_pause_ms = reconcile_pause_ms
        self._grace_seconds = grace_seconds
        self._max_waiting = max_waiting
        self._turn_to_end_seconds = turn_to_end_seconds
        self._recovering = recovering
        self.site = folder / "site"
        self.vault = folder / "vault"
        self.open = folder / "open"
        self._stack = AsyncExitStack()

    @property
    def scripted(self) -> ScriptedConnector:
        """The default connector."""
        assert isinstance(self.connector, ScriptedConnector)
        return self.connector

    async def __aenter__(self) -> Core:
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    async def _start(self, stack: AsyncExitStack) -> None:
        for path in (self.site, self.vault, self.open):
            path.mkdir(exist_ok=True)
        self.store: SqliteStore = await open_store(self.folder / "xswarm.db", seal=seal, crash=self._crash)
        stack.push_async_callback(self.store.close)
        self.directory = Directory(operator_token=OPERATOR, service_token=SERVICE, jwt_secret=JWT_SECRET)
        self.projects = Projects(
            {
                "site": config.Project(
                    path=str(self.site), users=("alice", "bob", "olga"), permissions=Permissions.EDIT
                ),
                "vault": config.Project(path=str(self.vault)),
                "open": config.Project(path=str(self.open), permissions=Permissions.FULL),
                **self._more_projects,
            }
        )
        self.accounts = Accounts(self.store, self.directory, self.projects)
        await self.accounts.reload()
        await self.accounts.put_user("alice", name="Alice", role="ADMIN", phones=[ALICE_PHONE], emails=[ALICE_MAIL])
        await self.accounts.put_user("bob", name="Bob", role="COORDINATOR")
        await self.accounts.put_user("olga", name="Olga", role="OPERATOR")
        gateway = Gateway(upstream=self._upstream, api_key=None, prices=PriceList())
        self.gateway = await stack.enter_async_context(gateway)
        self.hub = Hub()
        self.outbox = Outbox(self.store.outbox, reconcile_pause_ms=self._reconcile_pause_ms)
        self.sessions = Sessions(
            store=self.store,
            hub=self.hub,
            connector=self.connector,
            gateway=gateway,
            state_dir=self.folder,
            max_processes=self.claude_code.max_processes,
            turn_timeout=self.claude_code.turn_timeout_seconds,
        )
        self.endings = Endings(store=self.store, hub=self.hub, replied=self.outbox.notify)
        self.turns = Turns(
            store=self.store,
            hub=self.hub,
            sessions=self.sessions,
            assistant=Assistant(connector=self.assistant_connector, gateway=gateway, store=self.store),
            projects=self.projects,
            rights=Rights(self.directory, self.projects),
            endings=self.endings,
            replied=self.outbox.notify,
            grace_seconds=self._grace_seconds,
            turn_timeout=self.claude_code.turn_timeout_seconds,
        )
        routing = self._routing
        conversations = Conversations(
            store=self.store,
            projects=self.projects,
            router=Router(Keywords(routing.keywords), routing.unauthorised),
            followup_seconds=routing.followup_seconds,
            default_project=routing.default_project,
        )
        self.intake = Intake(
            store=self.store,
            directory=self.directory,
            projects=self.projects,
            conversations=conversations,
            rates=Rates(self._limits),
            sessions=self.sessions,
            turns=self.turns,
            outbox=self.outbox,
            commands=Commands([PlainWords(self.store, self.turns)]),
            max_waiting=self._max_waiting,
        )
        self.operations = Operations(
            store=self.store,
            directory=self.directory,
            projects=self.projects,
            queries=Queries(self.store, self.directory, self.sessions),
            intake=self.intake,
            sessions=self.sessions,
            turns=self.turns,
            waiters=self.endings.waiters,
            claude_code=self.claude_code,
            turn_to_end_seconds=self._turn_to_end_seconds,
        )
        stack.push_async_callback(self.sessions.close_all, EndReason.SHUTDOWN)
        stack.push_async_callback(self.turns.drain, DRAIN_SECONDS)
        if self._recovering:
            await self.recover()

    async def recover(self) -> None:
        """Settle what an earlier daemon left."""
        await recover(self.store, self.turns, self.endings)

    async def token(self, user_id: str) -> str:
        """Make a token for a user and return it."""
        made = await self.accounts.create_token(user_id=user_id)
        return str(made["token"])
