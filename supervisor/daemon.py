"""Builds every part in order and stops them in reverse: the one file that knows them all."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import uvloop

from supervisor.config import Config, State
from supervisor.core import Core
from supervisor.delivery.outbox import Outbox
from supervisor.demo import demo as demonstration
from supervisor.models.gateway.gateway import Gateway
from supervisor.models.offline.model import OfflineModel
from supervisor.models.prices import PriceList
from supervisor.people.accounts import Accounts
from supervisor.people.identity import Directory
from supervisor.people.projects import Projects
from supervisor.plugins import loading as plugins
from supervisor.plugins.host import ConnectorSide, Host
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.ports import Channel, Connector
from supervisor.runtime import hardening, logs
from supervisor.runtime.children import Child, Health
from supervisor.runtime.credentials import OPERATOR_TOKEN, Credentials
from supervisor.runtime.lock import StateLock
from supervisor.runtime.state import DATABASE, jwt_secret, seal_with
from supervisor.store import Store, open_store
from supervisor.wires.http_server import HttpServer
from supervisor.wires.socket.channel import SocketChannel
from supervisor.wires.socket.server import SocketServer

logger = logging.getLogger(__name__)

ADDRESSES = "addresses.json"
API_URL = "https://api.anthropic.com"

READY_SECONDS = 10.0
"""How long the start waits for a channel to listen."""

FLUSH_SECONDS = 3.0
"""What the replies of a shutdown get to leave by their channels."""

GARBAGE_OBJECTS = 20_000
"""New objects after which the garbage collector looks for cycles among them; Python's own 700 are for scripts."""


def main(config: Config, *, config_path: Path | None, offline: bool, demo: bool) -> int:
    """Run the daemon until it is told to stop; return the process's exit code.

    Raises:
        ConfigError: it cannot start; nothing was started.
    """
    if demo:
        # The demo's users and messages stay out of the real database.
        config = replace(config, state=State(dir=str(config.state_dir / "demo")))
    else:
        plugins.check(config)
    state_dir = config.state_dir
    with StateLock(state_dir):
        hardening.harden()
        credentials = Credentials(state_dir, os.environ)
        logs.setup(config.log.level, config.log.format, credentials.known)
        logger.info("configuration: %s", config_path or "none, everything at its default")
        return uvloop.run(Daemon(config, credentials, offline=offline, demo=demo).run())


def _leave_to_itself_what_was_imported() -> None:
    """Keep the garbage collector from going through all modules again and again; it took a sixth of a busy loop."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, 20, 100)


class Daemon:
    """One run of the daemon.

    Args:
        credentials: where secrets come from.
        offline: the model is a script on this machine.
        demo: with a demo user, a scratch project and stand-ins for the outside world.
    """

    def __init__(self, config: Config, credentials: Credentials, *, offline: bool, demo: bool) -> None:
        self._config = config
        self._credentials = credentials
        self._offline = offline
        self._demo = demonstration.Demo(config.state_dir) if demo else None
        self._stop = asyncio.Event()
        self._children: list[Child] = []

    async def run(self) -> int:
        """Start, serve until SIGTERM or SIGINT, drain, stop; a second signal forces."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop)
        async with AsyncExitStack() as stack:
            await self._start(stack)
            _leave_to_itself_what_was_imported()
            await self._stop.wait()
            logger.info("stopping: running turns get %.0f s", self._config.supervisor.drain_seconds)
        logger.info("stopped")
        return 0

    def _asked_to_stop(self) -> None:
        if self._stop.is_set():
            logger.warning("told to stop a second time: leaving at once")
            os._exit(1)  # the fence ends every agent; what runs is marked at the next start
        self._stop.set()

    async def _start(self, stack: AsyncExitStack) -> None:
        config = self._config
        if self._demo is not None:
            config = await stack.enter_async_context(self._demo.around(config, self._credentials.lend))
        audit_key = self._credentials.generated("audit")
        store = await open_store(config.state_dir / DATABASE, seal=seal_with(audit_key))
        stack.push_async_callback(store.close)
        directory = Directory(
            operator_token=self._credentials.operator_token(),
            service_token=self._credentials.secret("SUPERVISOR_TOKEN"),
            jwt_secret=jwt_secret(self._credentials),
        )
        projects = Projects(config.projects, config.claude_code.model, scratch=config.state_dir / "scratch")
        gateway = await self._open_gateway(stack)
        connector, assistant = await self._prepare_connectors(config)

        core = Core(
            config,
            store=store,
            directory=directory,
            projects=projects,
            gateway=gateway,
            connector=connector,
            assistant=assistant,
        )
        await self._load_people(core.accounts)
        http = HttpServer(config.http, core.api, parts=self.parts, meter=gateway.metered)
        sockets = SocketServer(config.supervisor, core.api)
        sockets.bind()
        http.bind()
        public_url = config.http.public_url or (http.url if self._demo is not None else "")
        channels = [
            plugins.channel(name, table, self._host(name, core, store, lambda: public_url))
            for name, table in config.channels.items()
        ]
        for channel in channels:
            http.add_channel(channel)
            core.outbox.add_channel(channel)
        core.outbox.add_channel(SocketChannel(sockets))

        # What follows stops in reverse: first the clock, then the doors, then turns, processes, replies, wires.
        stack.push_async_callback(http.aclose)
        stack.push_async_callback(sockets.aclose)
        stack.push_async_callback(self._close_children)
        stack.push_async_callback(core.outbox.flush, FLUSH_SECONDS)
        stack.push_async_callback(core.close)
        stack.push_async_callback(core.drain, config.supervisor.drain_seconds)
        await core.recovery.run()
        await self._start_children(channels, core.outbox)
        await http.start()
        stack.callback(http.refuse_new)
        await sockets.start()
        stack.callback(sockets.refuse_new)
        if self._demo is not None:
            self._demo.listen(http.url)
        core.schedule.start()
        stack.callback(core.schedule.close)
        self._announce(stack, sockets.url, http.url, directory)

    async def _load_people(self, accounts: Accounts) -> None:
        """Read users and tokens from the store; in the demo, add its user."""
        await accounts.reload()
        if self._demo is None:
            return
        await accounts.put_user(
            demonstration.USER,
            name="Demo",
            role="ADMIN",
            phones=[demonstration.PHONE],
            emails=[demonstration.MAILBOX],
            projects=[],
        )
        logger.info("demo: user %s is %s", demonstration.USER, demonstration.PHONE)

    def parts(self) -> Mapping[str, bool]:
        """Return which of our own parts work, for /readyz."""
        return {"store": True} | {child.name: child.health is Health.OK for child in self._children}

    async def _open_gateway(self, stack: AsyncExitStack) -> Gateway:
        key = self._credentials.secret("ANTHROPIC_API_KEY")
        upstream = API_URL
        if self._offline or (self._demo is not None and key is None):
            upstream, key = (await stack.enter_async_context(OfflineModel())).url, None
            logger.info("offline: the model is a script on this machine")
        elif key is None:
            raise ConfigError("ANTHROPIC_API_KEY", "is not set", "set it, or start with --offline")
        return await stack.enter_async_context(Gateway(upstream=upstream, api_key=key, prices=PriceList()))

    async def _prepare_connectors(self, config: Config) -> tuple[Connector, Connector]:
        """Build both and make them ready, side by side: the one waits for processes while the other is imported."""
        side = ConnectorSide(self._credentials, config.state_dir)

        async def prepared(name: str, key: str, settings: object) -> Connector:
            connector = await asyncio.to_thread(plugins.connector, name, key, settings, side)
            for line in await connector.prepare():
                logger.info("%s", line)
            return connector

        claude_code = asyncio.create_task(
            prepared(config.claude_code.connector, "claude_code", config.claude_code), name="prepare claude_code"
        )
        assistant = asyncio.create_task(prepared("assistant", "assistant", config.assistant), name="prepare assistant")
        try:
            return await claude_code, await assistant
        finally:
            # Where one cannot be used, the other is not waited for in vain.
            for task in (claude_code, assistant):
                task.cancel()
            await asyncio.gather(claude_code, assistant, return_exceptions=True)

    def _host(self, name: str, core: Core, store: Store, public_url: Callable[[], str]) -> Host:
        return Host(
            name,
            credentials=self._credentials,
            intake=core.intake,
            outbox=core.outbox,
            store=store,
            public_url=public_url,
        )

    async def _start_children(self, channels: Sequence[Channel], outbox: Outbox) -> None:
        """Start each channel and each delivery; one that fails is started again, and reported."""

        def delivery(name: str) -> Child:
            async def run(ready: Callable[[], None]) -> None:
                ready()
                await outbox.run(name)

            return Child(f"replies by {name}", run)

        listeners = [Child(channel.name, channel.run) for channel in channels]
        self._children = [*listeners, *(delivery(name) for name in outbox.channels())]
        for child in self._children:
            child.start()
        await asyncio.gather(*(child.settled(READY_SECONDS) for child in self._children))
        for child in self._children:
            if child.health is not Health.OK:
                logger.error("%s does not work yet: %s", child.name, child.why)

    async def _close_children(self) -> None:
        await asyncio.gather(*(child.aclose() for child in self._children))

    def _announce(self, stack: AsyncExitStack, socket_url: str, http_url: str, directory: Directory) -> None:
        path = self._config.state_dir / ADDRESSES
        addresses = {
            "pid": os.getpid(),
            "socket": socket_url,
            "http": http_url,
            "operator_token_file": str(self._config.state_dir / OPERATOR_TOKEN),
        }
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(addresses), encoding="utf-8")
        temporary.replace(path)
        stack.callback(path.unlink, missing_ok=True)
        lines = [f"xswarm is ready: services {socket_url}, HTTP {http_url}"]
        if self._demo is not None:
            lines.append(self._demo.what_to_try())
        elif not directory.users():
            lines.append("Nobody may use it yet: add a person with `xswarm user add`")
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
