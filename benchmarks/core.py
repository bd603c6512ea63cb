"""The core of the daemon in this process, without wires and channels."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import supervisor.core.core
from supervisor import config
from supervisor.background.recovery import Recovery
from supervisor.delivery.hub import Hub
from supervisor.models.gateway.gateway import Gateway
from supervisor.models.prices import PriceList
from supervisor.operations.api import Api
from supervisor.operations.operations import Operations
from supervisor.people.identity import Caller, Directory
from supervisor.people.projects import Projects
from supervisor.plugins import loading as plugins
from supervisor.plugins.host import DaemonConnectorHost
from supervisor.protocol.messages import UserId
from supervisor.protocol.status import Permissions, Role
from supervisor.protocol.times import now_ms
from supervisor.runtime.credentials import Credentials
from supervisor.runtime.state import DATABASE_FILE, audit_seal, jwt_key
from supervisor.sessions.pool import SessionPool
from supervisor.sessions.reaper import Reaper
from supervisor.store import SqliteStore, open_store
from supervisor.store.records.accounts import User

USER = UserId("ann")
PROJECT = "bench"
MANY = 20_000
"""More sessions and processes than any benchmark opens."""
PLENTY = 1_000_000_000
"""More messages than any benchmark sends."""
DRAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The parts of the core that benchmarks use."""

    store: SqliteStore
    api: Api
    hub: Hub
    sessions: SessionPool
    operations: Operations
    reaper: Reaper
    recovery: Recovery
    caller: Caller
    project_path: str


async def open_bench_store(folder: Path, credentials: Credentials | None = None) -> SqliteStore:
    """Open the store of a state folder as the daemon does, and add our user."""
    credentials = credentials or Credentials(folder, {})
    store = await open_store(folder / DATABASE_FILE, seal=audit_seal(credentials.generated("audit")))
    await store.accounts.put_user(User(id=USER, name="Ann", role=Role.ADMIN), now_ms=now_ms())
    return store


@asynccontextmanager
async def core(
    folder: Path, *, connector: str = "echo", upstream: str = "http://127.0.0.1:9", idle_timeout: float = 0.0
) -> AsyncIterator[Core]:
    """Build the core as the daemon does, over a store in `folder`.

    Args:
        upstream: URL to which the gateway forwards model calls; the echo connector makes none.
        idle_timeout: seconds without a turn after which `reaper.reap()` closes a session; no schedule calls it.
    """
    project = folder / "project"
    project.mkdir(exist_ok=True)
    settings = config.Config(
        claude_code=config.ClaudeCode(
            connector=connector, max_sessions=MANY, max_processes=MANY, idle_timeout_seconds=idle_timeout
        ),
        limits=config.Limits(messages_per_minute=PLENTY, messages_per_hour=PLENTY),
        state=config.State(dir=str(folder)),
        projects={
            PROJECT: config.ProjectConfig(
                path=str(project), users=(USER,), permissions=Permissions.EDIT, concurrent=True
            )
        },
    )
    async with AsyncExitStack() as stack:
        credentials = Credentials(folder, {})
        store = await open_bench_store(folder, credentials)
        stack.push_async_callback(store.close)
        directory = Directory(
            operator_token=credentials.operator_token(), service_token=None, jwt_secret=jwt_key(credentials)
        )
        directory.replace(await store.accounts.users(), await store.accounts.tokens())
        projects = Projects(settings.projects)
        gateway = await stack.enter_async_context(Gateway(upstream=upstream, api_key=None, prices=PriceList()))
        side = DaemonConnectorHost(credentials, [folder])
        answers = plugins.build_connector(connector, "claude_code", settings.claude_code, side)
        await answers.prepare()
        built = supervisor.core.core.Core(
            settings,
            store=store,
            directory=directory,
            projects=projects,
            gateway=gateway,
            connector=answers,
            assistant=plugins.build_connector("assistant", "assistant", settings.assistant, side),
        )
        stack.push_async_callback(built.close)
        stack.push_async_callback(built.drain, DRAIN_SECONDS)
        yield Core(
            store=store,
            api=built.api,
            hub=built.hub,
            sessions=built.session_floor.pool,
            operations=built.api.operations,
            reaper=built.session_floor.reaper,
            recovery=built.recovery,
            caller=directory.caller(credentials.operator_token()),
            project_path=str(project),
        )
