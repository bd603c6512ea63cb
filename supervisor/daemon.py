"""Starts every part of the daemon in order and stops them in reverse; the only module that knows all of them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import uvloop

from supervisor.cluster.joining import daemon_node, name_of
from supervisor.cluster.keys import note_audit_key, tell_secrets
from supervisor.config import ClusterConfig, Config, NodeConfig, State, Storage
from supervisor.core.children import Children
from supervisor.core.configuration import note_configuration
from supervisor.core.connectors import prepare, warm_up
from supervisor.core.core import Core
from supervisor.core.link import LINK_SECRET
from supervisor.core.ready import how_to_begin
from supervisor.demo import demo as demonstration
from supervisor.demo.lifeline import Lifeline
from supervisor.membership import Membership
from supervisor.models.gateway.gateway import Gateway
from supervisor.models.offline.model import OfflineModel
from supervisor.models.prices import PriceList
from supervisor.people import issuers
from supervisor.people.accounts import Accounts
from supervisor.people.authentication import Authenticator
from supervisor.people.identity import Directory
from supervisor.people.projects import Projects
from supervisor.people.sign_in.oidc import sign_in as oidc
from supervisor.plugins import loading as plugins
from supervisor.plugins.host import DaemonChannelHost
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.messages import CHAT
from supervisor.protocol.ports.channel import Channel
from supervisor.runtime import hardening, logs
from supervisor.runtime.credentials import OPERATOR_TOKEN, Credentials
from supervisor.runtime.heartbeat import Heartbeat
from supervisor.runtime.lock import StateLock
from supervisor.runtime.state import (
    ADDRESSES_FILE,
    AUDIT_SECRET,
    DATABASE_FILE,
    DEMO_FOLDER,
    STORE_PASSWORD,
    TOOL_SERVERS,
    audit_seal_of,
    check_cluster_secret,
    jwt_key,
)
from supervisor.runtime.systemd import ServiceManager
from supervisor.runtime.umask import keep_private
from supervisor.sessions.tool_access import NO_TOOLS, ToolAccess
from supervisor.store import Store, open_database
from supervisor.store.records.turn import Turn
from supervisor.store.sqlite.errors import storage_error
from supervisor.tools.claude_code.gateway import ToolGateway
from supervisor.tools.servers.servers import build as build_servers
from supervisor.tools.topics import Topics
from supervisor.tools.turn_tools import Toolbox, TurnTools
from supervisor.wires.http_server import HttpServer
from supervisor.wires.listening import bind
from supervisor.wires.metrics.counts import Counts
from supervisor.wires.socket.channel import SocketChannel
from supervisor.wires.socket.server import SocketServer

logger = logging.getLogger(__name__)

API_URL = "https://api.anthropic.com"

FLUSH_SECONDS = 3.0
"""How long the channels get at the end to deliver the last replies, in seconds."""


def main(config: Config, *, config_path: Path | None, offline: bool, demo: bool) -> int:
    """Run the daemon until a signal stops it; return the exit code of the process.

    Raises:
        ConfigError: the daemon cannot start; nothing was started.
        StorageError: the disk refused something at the start, or while the daemon stopped.
    """
    if demo:
        # The demo's users and messages stay out of the real database.
        config = replace(
            config,
            state=State(dir=str(config.state_dir / DEMO_FOLDER)),
            store=Storage(),
            node=NodeConfig(),
            cluster=ClusterConfig(),
        )
    else:
        plugins.check_plugins(config)
    state_dir = config.state_dir
    keep_private()
    with StateLock(state_dir):
        hardening.harden()
        credentials = Credentials(state_dir, os.environ)
        logs.setup(config.log.level, config.log.format, credentials.known)
        logger.info("configuration: %s", config_path or "no file, every key has its default")
        try:
            return uvloop.run(Daemon(config, credentials, offline=offline, demo=demo).run())
        except OSError as error:  # the disk of the state is full or read-only, at the start or at the stop
            raise storage_error(error, Path(error.filename or state_dir)) from error


class Daemon:
    """One run of the daemon.

    Args:
        credentials: the source of all secrets.
        offline: whether a script on this machine answers instead of a model.
        demo: whether to add a demo user, a scratch project and stand-ins for the outside world.
    """

    def __init__(self, config: Config, credentials: Credentials, *, offline: bool, demo: bool) -> None:
        self._config = config
        self._credentials = credentials
        self._offline = offline
        self._demo = demonstration.Demo(config.state_dir) if demo else None
        self._stop = asyncio.Event()
        self._children = Children()
        self._manager = ServiceManager(os.environ)

    async def run(self) -> int:
        """Start, serve until SIGTERM, SIGINT or SIGHUP, drain, stop; a second signal ends the process at once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup` ignores it
            loop.add_signal_handler(signal.SIGHUP, self._on_hang_up, "its terminal was closed")
        async with AsyncExitStack() as stack:
            if self._demo is not None:
                lifeline = asyncio.create_task(self._end_with(Lifeline()), name="lifeline of the demo")
                stack.callback(lifeline.cancel)
            config = await self._start_demo(stack)
            store = await self._open_store(config, stack)
            membership = Membership(config, store, stack, self._manager)
            if await membership.may_serve(self._stop):
                await self._start(config, store, membership, stack)
                await self._stop.wait()
            self._manager.stopping()
            logger.info("stopping: running turns get %.0f s", self._config.supervisor.drain_seconds)
        logger.info("stopped")
        return 0

    def _on_signal(self) -> None:
        if self._stop.is_set():
            logger.warning("second signal: the process ends at once")
            os._exit(1)  # the fence ends every agent; recovery marks the interrupted turns at the next start
        self._stop.set()

    def _on_hang_up(self, why: str) -> None:
        """Stop as after the first signal; shell and kernel may both send SIGHUP for one terminal."""
        if not self._stop.is_set():
            logger.info("%s", why)
            self._stop.set()

    async def _end_with(self, lifeline: Lifeline) -> None:
        self._on_hang_up(await lifeline.broken())

    async def _start(self, config: Config, store: Store, membership: Membership, stack: AsyncExitStack) -> None:
        """Start the parts in order; each step pushes on the stack what stops its part.

        The stop order is therefore the reverse: background jobs, new connections, running turns, links, processes,
        last replies, channels, open connections, gateway, store.
        """
        await note_configuration(self._config, store.audit, store.keys, audit_seal_of(self._credentials))
        gateway = await self._open_gateway(stack)
        connector, assistant = await prepare(config, self._credentials)
        directory = self._build_directory()
        topics = Topics()
        core = Core(
            config,
            store=store,
            directory=directory,
            projects=await asyncio.to_thread(_projects, config),
            gateway=gateway,
            connector=connector,
            assistant=assistant,
            tools=await self._open_tools(config, directory, store, topics, stack),
        )
        topics.hub = core.hub
        await self._load_people(core.accounts)
        await core.sign_in.load()
        stack.push_async_callback(core.sign_in.aclose)
        authenticator = Authenticator(
            directory, issuers.build(config.auth.issuers, self._credentials), sign_in=core.sign_in
        )
        http = HttpServer(
            config.http,
            core.api,
            parts=lambda: {**membership.parts(), **self._children.working()},
            meter=gateway.metered,
            counts=self._start_counting(core, store, stack),
            authenticator=authenticator,
            oidc=oidc.build(config.auth.oidc, self._credentials, directory, core.sign_in),
            allowed_origins=config.supervisor.allowed_origins,
        )
        sockets = SocketServer(config.supervisor, core.api)
        self._bind_ports(http, sockets, stack)
        channels = self._build_channels(config, store, core, http)
        # Only the node to which a service is connected can hand it a reply.
        core.outbox.add_channel(SocketChannel(sockets), sockets.replies.accounts if core.elsewhere.exists else None)
        self._register_core_stop(core, stack)
        await self._link(config, core)
        membership.guard(core.session_floor.processes)
        await core.recovery.run()
        stack.push_async_callback(core.elsewhere.end_takeover)
        await core.elsewhere.start()
        await tell_secrets(store.nodes, store.epoch, self._credentials, has_others=store.notices is not None)
        await self._children.start(channels, core.outbox)
        await self._accept_connections(http, sockets, stack)
        core.schedule.start()
        stack.push_async_callback(core.schedule.aclose)
        self._write_addresses(http, sockets, stack)
        await self._say_ready(http, sockets, core)
        warming = asyncio.create_task(warm_up((connector, assistant), authenticator), name="warm up")
        stack.callback(warming.cancel)

    async def _start_demo(self, stack: AsyncExitStack) -> Config:
        """Return the configuration; with `--demo`, start the stand-ins and return one that reaches them."""
        if self._demo is None:
            return self._config
        return await stack.enter_async_context(self._demo.around(self._config, self._credentials.lend))

    async def _open_store(self, config: Config, stack: AsyncExitStack) -> Store:
        if self._demo is None:
            has_link = bool(config.node.link.host)
            check_cluster_secret(self._credentials, on_postgres=bool(config.store.url), has_link=has_link)
        store = await open_database(
            config.store.url,
            self._credentials.secret(STORE_PASSWORD),
            config.state_dir / DATABASE_FILE,
            seal=audit_seal_of(self._credentials),
            used=self._credentials.was_generated(AUDIT_SECRET),
            node=await daemon_node(config, self._credentials, lambda: _projects(config).here()),
        )
        stack.push_async_callback(store.close)
        await note_audit_key(store.keys, self._credentials, has_others=store.notices is not None)
        return store

    async def _open_gateway(self, stack: AsyncExitStack) -> Gateway:
        key = self._credentials.secret("ANTHROPIC_API_KEY")
        upstream = API_URL
        if self._offline or (self._demo is not None and key is None):
            upstream, key = (await stack.enter_async_context(OfflineModel())).url, None
            logger.info("offline: a script on this machine answers instead of a model")
        elif key is None:
            raise ConfigError("ANTHROPIC_API_KEY", "is not set", "set it, or start with --offline")
        return await stack.enter_async_context(Gateway(upstream=upstream, api_key=key, prices=PriceList()))

    async def _open_tools(
        self, config: Config, directory: Directory, store: Store, topics: Topics, stack: AsyncExitStack
    ) -> ToolAccess:
        """Connect to the tool servers in the background, and open the ways to them."""
        if not config.mcp:
            return NO_TOOLS
        servers = await build_servers(config.mcp, self._credentials.secret, config.state_dir / TOOL_SERVERS)
        stack.push_async_callback(servers.aclose)
        servers.start()
        toolbox = Toolbox(servers, directory, store.references, topics)
        gateway = await stack.enter_async_context(ToolGateway(toolbox))

        def of_turn(turn: Turn) -> TurnTools:
            # A text message has no room for the servers that are down.
            return toolbox.of_turn(turn.user_id, turn.lane, names_missing=turn.channel == CHAT)

        return ToolAccess(of_turn=of_turn, gateway=gateway, book=toolbox.book)

    def _build_directory(self) -> Directory:
        return Directory(
            operator_token=self._credentials.operator_token(),
            service_token=self._credentials.common("SUPERVISOR_TOKEN"),
            jwt_secret=jwt_key(self._credentials),
        )

    async def _load_people(self, accounts: Accounts) -> None:
        """Read users and tokens from the store; with `--demo`, add the demo user."""
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
        logger.info("demo: user %s has the phone %s", demonstration.USER, demonstration.PHONE)

    def _start_counting(self, core: Core, store: Store, stack: AsyncExitStack) -> Counts:
        """Count what happens from now on, and feel the pulse of the event loop."""
        counts = Counts(core.outbox.channels)
        store.watch(counts.committed)
        heartbeat = Heartbeat()
        heartbeat.listen(counts.late)
        heartbeat.listen(lambda _: self._manager.alive(time.monotonic()))
        heartbeat.start()
        stack.push_async_callback(heartbeat.aclose)
        return counts

    def _bind_ports(self, http: HttpServer, sockets: SocketServer, stack: AsyncExitStack) -> None:
        """Take both ports; connections wait until `_accept_connections`."""
        stack.push_async_callback(http.aclose)
        stack.push_async_callback(sockets.aclose)
        sockets.bind()
        http.bind()

    async def _link(self, config: Config, core: Core) -> None:
        """Link this node with the others, where it says by which address."""
        if (link := config.node.link).host:
            listener = bind(link.host, link.port, "node.link.port")
            await core.links.start(name_of(config.node), self._credentials.shared(LINK_SECRET), listener, core.hub)

    def _build_channels(self, config: Config, store: Store, core: Core, http: HttpServer) -> list[Channel]:
        public_url = config.http.public_url or (http.url if self._demo is not None else "")

        def host(name: str) -> DaemonChannelHost:
            return DaemonChannelHost(
                name,
                credentials=self._credentials,
                intake=core.intake,
                outbox=core.outbox,
                threads=store.outbox,
                marks=store.keys,
                nodes=core.api.nodes,
                public_url=public_url,
            )

        channels = [plugins.build_channel(name, table, host(name)) for name, table in config.channels.items()]
        for channel in channels:
            http.add_channel(channel)
            core.outbox.add_channel(channel)
        return channels

    def _register_core_stop(self, core: Core, stack: AsyncExitStack) -> None:
        """Push what stops turns, processes and channels before recovery or a channel can start the first turn.

        Channels stop last, because they deliver the replies of the turns that drain. Until these have ended, other
        nodes may answer, stop or steer them.
        """
        stack.push_async_callback(self._children.aclose)
        stack.push_async_callback(core.outbox.flush, FLUSH_SECONDS)
        stack.push_async_callback(core.close)
        stack.push_async_callback(core.elsewhere.aclose)
        stack.push_async_callback(core.links.aclose)
        stack.push_async_callback(core.drain, self._config.supervisor.drain_seconds)

    async def _accept_connections(self, http: HttpServer, sockets: SocketServer, stack: AsyncExitStack) -> None:
        await http.start()
        stack.callback(http.refuse_new)
        await sockets.start()
        stack.callback(sockets.refuse_new)
        if self._demo is not None:
            self._demo.listen(http.url)

    def _write_addresses(self, http: HttpServer, sockets: SocketServer, stack: AsyncExitStack) -> None:
        """Write addresses.json, by which the command line finds this daemon; the stop removes it."""
        path = self._config.state_dir / ADDRESSES_FILE
        addresses = {
            "pid": os.getpid(),
            "socket": sockets.url,
            "http": http.url,
            "operator_token_file": str(self._config.state_dir / OPERATOR_TOKEN),
        }
        temporary = path.with_suffix(".tmp")
        try:
            temporary.write_text(json.dumps(addresses), encoding="utf-8")
            temporary.replace(path)
        except OSError as error:
            raise storage_error(error, temporary) from error
        stack.callback(path.unlink, missing_ok=True)

    async def _say_ready(self, http: HttpServer, sockets: SocketServer, core: Core) -> None:
        lines = [f"xswarm is ready: services {sockets.url}, HTTP {http.url}"]
        lines += await how_to_begin(core.api, http.make_link, terminal=sys.stdout.isatty())
        if self._demo is not None:
            lines.append(self._demo.what_to_try())
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        self._manager.ready(lines[0])


def _projects(config: Config) -> Projects:
    return Projects(
        config.projects,
        config.claude_code.model,
        scratch=config.state_dir / "scratch",
        protected=config.approvals.protected,
        node=(name_of(config.node), *config.node.labels),
    )
