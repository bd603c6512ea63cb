"""The core of the daemon over a real store, without wires, channels and processes.

`Core` builds the parts that `supervisor.daemon` builds, in the same order. A test of a wire gives it `core.api`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import supervisor.core.core
from supervisor import config
from supervisor.config.tables import Approvals
from supervisor.core.ground import Tuning
from supervisor.models.gateway.gateway import Gateway
from supervisor.models.prices import PriceList
from supervisor.people.identity import Directory
from supervisor.people.projects import Projects
from supervisor.protocol.ports.connector import Connector
from supervisor.protocol.status import Permissions, TurnState
from supervisor.sessions.tool_access import ToolAccess
from supervisor.sessions.tool_sources import ToolsOfTurn, no_tools
from supervisor.store import SqliteStore, open_store
from supervisor.store.ports.cluster.nodes import ALONE, NewNode
from supervisor.store.postgres.store import Address, PostgresStore, open_postgres
from tests.supervisor.scripted import ScriptedConnector

OPERATOR = "operator-token-of-the-tests"
SERVICE = "service-token-of-the-tests"
JWT_SECRET = b"a secret of the tests, 32 bytes long"
ALICE_PHONE = "+15550100"
ALICE_MAIL = "alice@example.org"
DRAIN_SECONDS = 0.2
NOWHERE = "http://127.0.0.1:9"

AnyStore = SqliteStore | PostgresStore


def seal(before: bytes, content: bytes) -> bytes:
    """Seal an audit row as the daemon does, with a fixed key."""
    return hmac.new(b"audit", before + content, hashlib.sha256).digest()


async def open_database(
    url: str, file: Path, crash: Callable[[str], None] | None = None, node: NewNode = ALONE
) -> AnyStore:
    """Open the store of a core, in PostgreSQL where there is a URL."""
    if url:
        return await open_postgres(Address(url, node=node), seal=seal, crash=crash)
    return await open_store(file, seal=seal, crash=crash)


class Core:
    """The core, started by `async with` and stopped in reverse order.

    Users: alice (ADMIN, a phone and a mailbox), bob (COORDINATOR) and olga (OPERATOR), all with the project "site".
    No user has "vault" or "open" (full permissions).

    Args:
        folder: contains the state and the projects; a second core on it is a restarted daemon.
        url: of a PostgreSQL database; empty = SQLite, in a file in the folder.
        node: what it says of itself to other cores on the same PostgreSQL database.
        connector: answers in sessions; a `ScriptedConnector` by default.
        assistant: answers as the assistant; the same default.
        claude_code: `[claude_code]`; `routing` and `limits` are those tables.
        projects: `[projects.NAME]` besides "site" and "vault".
        upstream: the URL behind the gateway; the default refuses connections.
        crash: called by the store at its crash points, in the writer thread.
        tuning: constants of the core.
        tools: those of a turn of the assistant.
        recovering: whether the start runs the recovery.
    """

    def __init__(
        self,
        folder: Path,
        *,
        url: str = "",
        node: NewNode = ALONE,
        connector: Connector | None = None,
        assistant: Connector | None = None,
        claude_code: config.ClaudeCode | None = None,
        routing: config.Routing | None = None,
        limits: config.Limits | None = None,
        budgets: config.BudgetConfig | None = None,
        queue: config.Queue | None = None,
        approvals: Approvals | None = None,
        projects: Mapping[str, config.ProjectConfig] | None = None,
        upstream: str = NOWHERE,
        crash: Callable[[str], None] | None = None,
        tuning: Tuning | None = None,
        tools: ToolsOfTurn = no_tools,
        recovering: bool = True,
    ) -> None:
        self.folder = folder
        self.file = folder / "xswarm.db"
        self._url = url
        self._node = node
        self.connector = connector or ScriptedConnector()
        self.assistant_connector = assistant or ScriptedConnector()
        self.claude_code = claude_code or config.ClaudeCode()
        self._routing = routing or config.Routing()
        self._limits = limits or config.Limits()
        self._budgets = budgets
        self._queue = queue or config.Queue()
        self._approvals = approvals or Approvals()
        self._more_projects = dict(projects or {})
        self._upstream = upstream
        self.crash = crash or (lambda _: None)
        self._tuning = tuning
        self._tools = tools
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
        self.store: AnyStore = await open_database(self._url, self.file, self.crash, self._node)
        stack.push_async_callback(self.store.close)
        self.directory = Directory(operator_token=OPERATOR, service_token=SERVICE, jwt_secret=JWT_SECRET)
        settings = config.Config(
            claude_code=self.claude_code,
            routing=self._routing,
            limits=self._limits,
            budgets=self._budgets,
            queue=self._queue,
            approvals=self._approvals,
            state=config.State(dir=str(self.folder)),
            node=config.NodeConfig(name=self._node.name),
            projects={
                "site": config.ProjectConfig(
                    path=str(self.site), users=("alice", "bob", "olga"), permissions=Permissions.EDIT
                ),
                "vault": config.ProjectConfig(path=str(self.vault)),
                "open": config.ProjectConfig(path=str(self.open), permissions=Permissions.FULL),
                **self._more_projects,
            },
        )
        self.projects = Projects(settings.projects, scratch=self.folder / "scratch")
        gateway = Gateway(upstream=self._upstream, api_key=None, prices=PriceList())
        self.gateway = await stack.enter_async_context(gateway)
        core = supervisor.core.core.Core(
            settings,
            store=self.store,
            directory=self.directory,
            projects=self.projects,
            gateway=gateway,
            connector=self.connector,
            assistant=self.assistant_connector,
            tools=ToolAccess(of_turn=self._tools),
            tuning=self._tuning,
        )
        self.api = core.api
        self.accounts = core.accounts
        self.hub = core.hub
        self.outbox = core.outbox
        self.approvals = core.session_floor.approvals
        self.approvers = core.session_floor.approvers
        self.approval_resolver = core.intake_floor.resolver
        self.sessions = core.session_floor.pool
        self.reaper = core.session_floor.reaper
        self.transitions = core.session_floor.transitions
        self.binder = core.turn_floor.binder
        self.completion = core.turn_floor.completion
        self.turns = core.turn_floor.scheduler
        self.intake = core.intake
        self.operations = core.api.operations
        self.recovery = core.recovery
        self.recorder = core.session_floor.recorder
        self.undo = core.api.undo
        self.approval_operations = core.api.approvals
        self.queue = core.api.queue
        self.progress = core.progress
        self.one_shot = core.api.one_shot
        self.drain = core.drain
        self.links = core.links
        self.spending = core.api.spending
        self.guard = core.turn_floor.guard
        await self._add_users()
        stack.push_async_callback(core.close)
        stack.push_async_callback(core.drain, DRAIN_SECONDS)
        self.elsewhere = core.elsewhere
        stack.push_async_callback(core.elsewhere.aclose)
        if self._recovering:
            await self.recover()

    async def _add_users(self) -> None:
        await self.accounts.reload()
        await self.accounts.put_user("alice", name="Alice", role="ADMIN", phones=[ALICE_PHONE], emails=[ALICE_MAIL])
        await self.accounts.put_user("bob", name="Bob", role="COORDINATOR")
        await self.accounts.put_user("olga", name="Olga", role="OPERATOR")

    async def recover(self) -> None:
        """Run the recovery, as the start of the daemon does."""
        await self.recovery.run()
        await self.elsewhere.start()

    async def all_answered(self) -> bool:
        """Return whether every turn in the database is final; a turn stops running a moment before that."""
        states = "SELECT DISTINCT state FROM turns"
        found = await self.store._database.read(lambda reading: reading.execute(states).fetchall())
        return all(TurnState(state).final for (state,) in found)

    async def token(self, user_id: str) -> str:
        """Create a token for a user and return it."""
        made = await self.accounts.create_token(user_id=user_id)
        return str(made["token"])
