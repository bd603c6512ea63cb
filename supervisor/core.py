"""The daemon without its doors: all that a message passes between a wire and what answers, built in order."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.approvals.approvals import Approvals
from supervisor.approvals.approvers import Approvers
from supervisor.background.progress import ProgressNotices
from supervisor.background.recovery import Recovery
from supervisor.background.schedule import Schedule
from supervisor.commands.approve import ApprovalWords
from supervisor.commands.budget import BudgetWords
from supervisor.commands.dispatch import Commands
from supervisor.commands.resume import InterruptedWords
from supervisor.commands.status import PlainWords
from supervisor.commands.undo import UndoWords
from supervisor.config import Config
from supervisor.delivery.hub import Hub
from supervisor.delivery.outbox import RECONCILE_PAUSE_MS, Outbox
from supervisor.intake.intake import MAX_WAITING, Intake
from supervisor.models.proxy import Gateway
from supervisor.operations.approvals import Desk
from supervisor.operations.one_shot import OneShot
from supervisor.operations.operations import ONE_TURN_TO_END_SECONDS, ROOM_SECONDS, Operations
from supervisor.operations.queries import Queries
from supervisor.operations.queue import WaitingLine
from supervisor.people.identity import Directory
from supervisor.people.passphrases import Passphrases
from supervisor.people.projects import Projects
from supervisor.people.rate_limits import Rates
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
from supervisor.sessions.pool import Sessions
from supervisor.spending.spending import Spending
from supervisor.store import Store
from supervisor.turns.budget_guard import REFUSED_SECONDS, BudgetGuard
from supervisor.turns.completion import Endings
from supervisor.turns.scheduler import GRACE_SECONDS, Turns
from supervisor.turns.suspension import Resting
from supervisor.undo.recorder import Recording
from supervisor.undo.undo import Undo


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Constants of the core that no operator need know; tests choose others. Each is explained where it is used."""

    reconcile_pause_ms: int = RECONCILE_PAUSE_MS
    grace_seconds: float = GRACE_SECONDS
    refused_seconds: float = REFUSED_SECONDS
    max_waiting: int = MAX_WAITING
    turn_to_end_seconds: float = ONE_TURN_TO_END_SECONDS
    room_seconds: float = ROOM_SECONDS


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
        self.recording = Recording(store, config.state_dir, seconds=settings.checkpoint_seconds)
        self.sessions = Sessions(
            store=store,
            hub=self.hub,
            connector=connector,
            gateway=gateway,
            approvals=self.approvals,
            recording=self.recording,
            spending=self.spending,
            processes=processes,
            state_dir=config.state_dir,
            max_processes=min(settings.max_processes, settings.max_sessions),
            turn_timeout=settings.turn_timeout_seconds,
        )
        self.endings = Endings(
            store=store, hub=self.hub, recording=self.recording, spending=self.spending, replied=replied
        )
        self.desk = Desk(store, self.approvals)
        rights = Rights(directory, projects)
        self.undo = Undo(store, self.recording, rights, projects)
        self.turns = Turns(
            store=store,
            hub=self.hub,
            sessions=self.sessions,
            assistant=Assistant(connector=assistant, gateway=gateway, store=store, spending=self.spending),
            projects=projects,
            rights=rights,
            spending=self.spending,
            guard=self.guard,
            endings=self.endings,
            resting=Resting(self.sessions, self.approvals),
            replied=replied,
            turn_timeout=settings.turn_timeout_seconds,
            grace_seconds=tuning.grace_seconds,
            steers=connector.steers,
        )
        interrupted_words = InterruptedWords(store)
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
            rates=Rates(config.limits),
            sessions=self.sessions,
            turns=self.turns,
            outbox=self.outbox,
            commands=Commands(
                [
                    ApprovalWords(store, self.approvals, Passphrases(store), interrupted_words),
                    PlainWords(store, self.turns, self.spending),
                    interrupted_words,
                    UndoWords(store, self.undo),
                    BudgetWords(store, self.spending),
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
            waiters=self.endings.waiters,
            claude_code=settings,
            turn_to_end_seconds=tuning.turn_to_end_seconds,
            room_seconds=tuning.room_seconds,
        )
        self.waiting_line = WaitingLine(
            store=store,
            queries=self.operations.queries,
            turns=self.turns,
            waiters=self.endings.waiters,
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
            endings=self.endings,
            recording=self.recording,
            auto_continue=settings.auto_continue,
        )
        self.schedule = Schedule(
            store=store,
            sessions=self.sessions,
            turns=self.turns,
            recording=self.recording,
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
