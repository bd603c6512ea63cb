"""The daemon without its wires: every part between a wire and a connector, built in order."""

from __future__ import annotations

from supervisor.background.audit import AuditKeeper
from supervisor.background.failures import FailureNotices
from supervisor.background.progress import ProgressNotices
from supervisor.background.recovery import Recovery
from supervisor.background.relocation import Relocation
from supervisor.background.schedule import Schedule
from supervisor.background.uploads import UploadKeeper
from supervisor.cluster.addresses import NodeAddresses
from supervisor.cluster.cluster import Cluster
from supervisor.cluster.files import Files
from supervisor.cluster.joining import name_of
from supervisor.cluster.resources import Resources
from supervisor.config import Config
from supervisor.core.elsewhere import Elsewhere
from supervisor.core.ground import Ground, Tuning
from supervisor.core.intake import IntakeFloor
from supervisor.core.link import NodeLinks
from supervisor.core.operations import OperationsFloor
from supervisor.core.sessions import SessionFloor
from supervisor.core.turns import TurnFloor
from supervisor.delivery.leads import Leads
from supervisor.delivery.outbox import Outbox
from supervisor.delivery.trouble import ReplyTrouble
from supervisor.models.gateway.gateway import Gateway
from supervisor.operations.administration import administration_of
from supervisor.operations.api import Api
from supervisor.operations.owner.owners import Owners
from supervisor.people.accounts import Accounts
from supervisor.people.identity import Directory
from supervisor.people.projects import Projects
from supervisor.people.rate_limits import RateLimits
from supervisor.people.rights import Rights
from supervisor.people.sign_in.passkeys import Passkeys
from supervisor.people.sign_in.sign_in import SignIn
from supervisor.protocol.ports.connector import Connector
from supervisor.protocol.status import EndReason
from supervisor.sessions.tool_access import NO_TOOLS, ToolAccess
from supervisor.sessions.tool_sources import ToolSources
from supervisor.store import Store


class Core:
    """Builds the parts and holds them; it starts none of them.

    Args:
        connector: answers in Claude Code sessions.
        assistant: answers every other message.
        tools: of turns of the assistant, and of Claude Code.

    Attributes:
        api: the services that the wires call.
        elsewhere: follows other nodes.
        links: to the other nodes.
        session_floor, turn_floor, intake_floor, operations_floor: the parts, by floor.
    """

    def __init__(
        self,
        config: Config,
        *,
        store: Store,
        directory: Directory,
        projects: Projects,
        gateway: Gateway,
        connector: Connector,
        assistant: Connector,
        tools: ToolAccess = NO_TOOLS,
        tuning: Tuning | None = None,
    ) -> None:
        # The order of construction: each part uses only the parts above it.
        node = name_of(config.node) if store.notices is not None else ""
        resources = Resources(store.resources if node else None)
        self.links = NodeLinks(store.nodes, store.epoch)
        owners = Owners(resources, store.resources, store.nodes, self.links, projects, name=node)
        ground = Ground(
            config=config,
            store=store,
            directory=directory,
            projects=projects,
            gateway=gateway,
            connector=connector,
            assistant=assistant,
            tools=tools,
            sources=ToolSources(tools.of_turn),
            rights=Rights(directory, projects),
            rates=RateLimits(),
            node=node,
            resources=resources,
            owners=owners,
            files=Files(config.upload_dirs, owners),
            tuning=tuning or Tuning(),
        )
        self._ground = ground
        self.hub = ground.hub
        cluster = Cluster(store.nodes, store.epoch)
        self.outbox = Outbox(
            store.outbox,
            FailureNotices(directory).drafts,
            leads=Leads(resources, lambda: bool(cluster.others)),
            reconcile_pause_ms=ground.tuning.reconcile_pause_ms,
        )
        self.accounts = Accounts(store.accounts, store.audit, directory, projects)
        self.sign_in = SignIn(store.sign_in, directory, config.auth, self.outbox.channels)
        self.session_floor = SessionFloor(ground)
        self.turn_floor = TurnFloor(ground, self.session_floor)
        self.elsewhere = Elsewhere(ground, cluster, self.outbox, sessions=self.session_floor, turns=self.turn_floor)
        self.elsewhere.follow_accounts(self.accounts, self.sign_in)
        self.intake_floor = IntakeFloor(ground, self.session_floor, self.turn_floor)
        self.operations_floor = OperationsFloor(ground, self.session_floor, self.turn_floor, self.intake_floor)
        ground.sources.add(self.intake_floor.delegation.of_turn)
        self.intake = self.intake_floor.intake
        self.progress = self._build_progress()
        self.recovery = self._build_recovery()
        self.elsewhere.take_over(self.recovery)
        self.schedule = self._build_schedule()
        self.api = self._build_api()

    async def drain(self, seconds: float) -> None:
        """Give running turns some seconds to end, mark those that have not ended, and start no more."""
        self.session_floor.approvals.stopping = True
        await self.turn_floor.scheduler.drain(seconds)

    async def close(self) -> None:
        """End every process; call it after `drain`."""
        await self.session_floor.pool.close_all(EndReason.SHUTDOWN)

    def _build_progress(self) -> ProgressNotices:
        return ProgressNotices(
            outbox=self._ground.store.outbox,
            turns=self.turn_floor.scheduler,
            approvals=self.session_floor.approvals,
            hub=self.hub,
            settings=self._ground.config.progress,
        )

    def _build_recovery(self) -> Recovery:
        store, sessions, turns = self._ground.store, self.session_floor, self.turn_floor
        return Recovery(
            store=store,
            sessions=sessions.pool,
            turns=turns.scheduler,
            completion=turns.completion,
            recorder=sessions.recorder,
            relocation=Relocation(
                store.folders,
                self._ground.projects,
                sessions.recorder,
                store.uploads,
                self._ground.config.uploads_dir,
            ),
            auto_continue=self._ground.config.claude_code.auto_continue,
        )

    def _build_schedule(self) -> Schedule:
        store = self._ground.store
        return Schedule(
            store=store,
            reaper=self.session_floor.reaper,
            turns=self.turn_floor.scheduler,
            recorder=self.session_floor.recorder,
            progress=self.progress,
            audit=AuditKeeper(store.audit, store.keys, store.outbox, self._ground.config.audit),
            uploads=UploadKeeper(
                store.uploads,
                self._ground.config.state_dir,
                self._ground.config.upload_dirs,
                self._ground.config.uploads,
            ),
        )

    def _build_api(self) -> Api:
        ground, sessions, operations = self._ground, self.session_floor, self.operations_floor
        return Api(
            directory=ground.directory,
            uploads=operations.uploads,
            administration=administration_of(self.accounts, ground.store),
            sign_in=self.sign_in,
            passkeys=Passkeys(ground.store.passkeys, ground.directory, self.sign_in),
            operations=operations.operations,
            approvals=operations.approvals,
            queue=operations.queue,
            load=operations.load,
            one_shot=operations.one_shot,
            chat=operations.chat,
            search=operations.search,
            changes=operations.changes,
            reviews=operations.reviews,
            agents=operations.agents,
            undo=sessions.undo,
            spending=sessions.spending,
            hub=self.hub,
            outbox=self.outbox,
            reply_trouble=ReplyTrouble(ground.store.outbox),
            tool_servers=ground.tools.servers,
            links=self.links.shown,
            nodes=NodeAddresses(self.elsewhere.cluster),
            lists=ground.store.lists,
            keys=ground.store.keys,
            database=ground.store,
        )
