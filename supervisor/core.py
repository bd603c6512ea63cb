"""The daemon without its doors: all that a message passes between a wire and what answers, built in order."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.approvals.approvals import Approvals
from supervisor.approvals.approvers import Approvers
from supervisor.background.progress import ProgressNotices
from supervisor.background.recovery import Recovery
from supervisor.background.schedule import Schedule
from supervisor.commands.approve import ApproveCommands
from supervisor.commands.budget import BudgetCommands
from supervisor.commands.dispatch import CommandDispatcher
from supervisor.commands.resume import ResumeCommands
from supervisor.commands.status import StatusCommands
from supervisor.commands.undo import UndoCommands
from supervisor.config import Config
from supervisor.delivery.hub import Hub
from supervisor.delivery.outbox import RECONCILE_PAUSE_MS, Outbox
from supervisor.intake.intake import MAX_WAITING, Intake
from supervisor.models.gateway.gateway import Gateway
from supervisor.operations.approvals import ApprovalOperations
from supervisor.operations.one_shot import OneShot
from supervisor.operations.operations import ONE_TURN_TO_END_SECONDS, PROCESS_WAIT_SECONDS, Operations
from supervisor.operations.queries import Queries
from supervisor.operations.queue import QueueOperations
from supervisor.people.identity import Directory
from supervisor.people.passphrases import Passphrases
from supervisor.people.projects import Projects
from supervisor.people.rate_limits import RateLimits
from supervisor.people.rights import Rights
from supervisor.permissions.policy import Risk
from supervisor.protocol.ports import Connector
from supervisor.protocol.queueing import Mode
from supervisor.protocol.status import EndReason
from supervisor.routing.conversations import Conversations
from supervisor.routing.keywords import Keywords
from supervisor.routing.rules import Router
from supervisor.runtime.fair_queue import FairQueue
from supervisor.sessions.assistant import Assistant
from supervisor.sessions.pool import SessionPool
from supervisor.spending.spending import Spending
from supervisor.store import Store
from supervisor.turns.budget_guard import REFUSED_SECONDS, BudgetGuard
from supervisor.turns.completion import TurnCompletion
from supervisor.turns.scheduler import GRACE_SECONDS, TurnScheduler
from supervisor.turns.suspension import Suspension
from supervisor.undo.recorder import Recorder
from supervisor.undo.undo import Undo


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Constants of the core that no operator need know; tests choose others. Each is explained where it is used."""

    reconcile_pause_ms: int = RECONCILE_PAUSE_MS
    grace_seconds: float = GRACE_SECONDS
    refused_seconds: float = REFUSED_SECONDS
    max_waiting: int = MAX_WAITING
    turn_to_end_seconds: float = ONE_TURN_TO_END_SECONDS
    process_wait_seconds: float = PROCESS_WAIT_SECONDS


class Core:
    """Builds the parts and holds them; it starts nothing.

    Args:
        connector: what answers in Claude Code sessions.
        assistant: what answers everything else.
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
        tuning: Tuning | None = None,
    ) -> None:
        tuning = tuning or Tuning()
        settings = config.claude_code
        self.hub = Hub()
        self.outbox = Outbox(store.outbox, reconcile_pause_ms=tuning.reconcile_pause_ms)
        replied, processes = self.outbox.notify, FairQueue()
        self.approvals = Approvals(
            store=store,
            hub=self.hub,
            approvers=Approvers(directory, projects, self.hub),
            replied=replied,
            processes=processes,
            epoch=store.epoch,
            expires_seconds=config.approvals.expires_seconds,
            hold_seconds=config.approvals.hold_seconds,
            high_risks=[Risk(name) for name in config.approvals.high_risk],
        )
        self.spending = Spending(
            store=store,
            limits=config.budgets,
            track_costs=settings.track_costs,
            directory=directory,
            hub=self.hub,
            replied=replied,
        )
        self.guard = BudgetGuard(self.spending, refused_seconds=tuning.refused_seconds)
        self.recorder = Recorder(store, config.state_dir, seconds=settings.checkpoint_seconds)
        self.sessions = SessionPool(
            store=store,
            hub=self.hub,
            connector=connector,
            gateway=gateway,
            approvals=self.approvals,
            recorder=self.recorder,
            spending=self.spending,
            processes=processes,
            state_dir=config.state_dir,
            max_processes=min(settings.max_processes, settings.max_sessions),
            turn_timeout=settings.turn_timeout_seconds,
        )
        self.completion = TurnCompletion(
            store=store, hub=self.hub, recorder=self.recorder, spending=self.spending, replied=replied
        )
        self.approval_operations = ApprovalOperations(store, self.approvals)
        rights = Rights(directory, projects)
        self.undo = Undo(store, self.recorder, rights, projects)
        self.turns = TurnScheduler(
            store=store,
            hub=self.hub,
            sessions=self.sessions,
            assistant=Assistant(connector=assistant, gateway=gateway, store=store, spending=self.spending),
            projects=projects,
            rights=rights,
            spending=self.spending,
            guard=self.guard,
            completion=self.completion,
            resting=Suspension(self.sessions, self.approvals),
            replied=replied,
            turn_timeout=settings.turn_timeout_seconds,
            grace_seconds=tuning.grace_seconds,
            steers=connector.steers,
        )
        interrupted_words = ResumeCommands(store)
        self.intake = Intake(
            store=store,
            directory=directory,
            projects=projects,
            conversations=Conversations(
                store=store,
                projects=projects,
                router=Router(Keywords(config.routing.keywords), config.routing.unauthorised),
                followup_seconds=config.routing.followup_seconds,
                default_project=config.routing.default_project,
            ),
            rates=RateLimits(config.limits),
            sessions=self.sessions,
            turns=self.turns,
            outbox=self.outbox,
            commands=CommandDispatcher(
                [
                    ApproveCommands(store, self.approvals, Passphrases(store), interrupted_words),
                    StatusCommands(store, self.turns, self.spending),
                    interrupted_words,
                    UndoCommands(store, self.undo),
                    BudgetCommands(store, self.spending),
                ]
            ),
            hub=self.hub,
            mode=Mode(config.queue.mode),
            max_waiting=tuning.max_waiting,
        )
        self.operations = Operations(
            store=store,
            directory=directory,
            projects=projects,
            queries=Queries(store, directory, projects, self.sessions, self.spending),
            intake=self.intake,
            sessions=self.sessions,
            turns=self.turns,
            waiters=self.completion.waiters,
            claude_code=settings,
            turn_to_end_seconds=tuning.turn_to_end_seconds,
            process_wait_seconds=tuning.process_wait_seconds,
        )
        self.queue = QueueOperations(
            store=store,
            queries=self.operations.queries,
            turns=self.turns,
            waiters=self.completion.waiters,
            replied=replied,
        )
        self.progress = ProgressNotices(
            store=store,
            turns=self.turns,
            approvals=self.approvals,
            hub=self.hub,
            settings=config.progress,
            replied=replied,
        )
        self.one_shot = OneShot(
            operations=self.operations,
            sessions=self.sessions,
            projects=projects,
            default_project=config.routing.default_project,
        )
        self.recovery = Recovery(
            store=store,
            sessions=self.sessions,
            turns=self.turns,
            completion=self.completion,
            recorder=self.recorder,
            auto_continue=settings.auto_continue,
        )
        self.schedule = Schedule(
            store=store,
            sessions=self.sessions,
            turns=self.turns,
            recorder=self.recorder,
            progress=self.progress,
            idle_timeout=settings.idle_timeout_seconds,
        )

    async def drain(self, seconds: float) -> None:
        """Let what runs end within some seconds, mark the rest, and start nothing more."""
        self.approvals.stopping = True
        await self.turns.drain(seconds)

    async def close(self) -> None:
        """End every process; after `drain`."""
        await self.sessions.close_all(EndReason.SHUTDOWN)
