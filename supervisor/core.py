"""The daemon without its wires: every part between a wire and a connector, built in order."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor.approvals.announcer import ApprovalAnnouncer
from supervisor.approvals.answering import ApprovalResolver
from supervisor.approvals.approvers import Approvers
from supervisor.approvals.asking import Approvals
from supervisor.approvals.second_factor import SecondFactor
from supervisor.background.failures import FailureNotices
from supervisor.background.progress import ProgressNotices
from supervisor.background.recovery import Recovery
from supervisor.background.relocation import Relocation
from supervisor.background.schedule import Schedule
from supervisor.commands.dispatch import CommandDispatcher
from supervisor.commands.handlers import build_dispatcher
from supervisor.commands.held import HeldMessages
from supervisor.config import Config
from supervisor.delivery.hub import Hub
from supervisor.delivery.outbox import RECONCILE_PAUSE_MS, Outbox
from supervisor.delivery.trouble import ReplyTrouble
from supervisor.intake.acceptor import MAX_QUEUED, Acceptor
from supervisor.intake.dropped import DroppedMessages
from supervisor.intake.intake import Intake
from supervisor.intake.resumption import Resumption
from supervisor.models.gateway.gateway import Gateway
from supervisor.operations.api import Api
from supervisor.operations.approvals import ApprovalOperations
from supervisor.operations.messages import MessageOperations
from supervisor.operations.one_shot import OneShot
from supervisor.operations.operations import Operations
from supervisor.operations.queries import Queries
from supervisor.operations.queue import QueueOperations
from supervisor.operations.session_limits import SessionLimits
from supervisor.operations.sessions import ONE_TURN_TO_END_SECONDS, PROCESS_WAIT_SECONDS, SessionOperations
from supervisor.people.accounts import Accounts
from supervisor.people.identity import Directory
from supervisor.people.projects import Projects
from supervisor.people.rate_limits import RateLimits
from supervisor.people.rights import Rights
from supervisor.permissions.policy import Risk
from supervisor.protocol.ports.connector import Connector
from supervisor.protocol.queue import Mode
from supervisor.protocol.status import EndReason
from supervisor.routing.conversations import Conversations
from supervisor.routing.keywords import Keywords
from supervisor.routing.rules import Router
from supervisor.runtime.fair_queue import FairQueue
from supervisor.sessions.announcer import SessionAnnouncer
from supervisor.sessions.assistant import Assistant, ToolsOfTurn, no_tools
from supervisor.sessions.pool import SessionPool
from supervisor.sessions.processes import SessionProcesses
from supervisor.sessions.reaper import Reaper
from supervisor.sessions.transitions import SessionTransitions
from supervisor.spending.spending import Spending
from supervisor.store import Store
from supervisor.turns.binder import TurnBinder
from supervisor.turns.budget_guard import REFUSED_SECONDS, BudgetGuard
from supervisor.turns.completion import TurnCompletion
from supervisor.turns.driver import GRACE_SECONDS, TurnDriver
from supervisor.turns.runner import TurnRunner
from supervisor.turns.scheduler import TurnScheduler
from supervisor.turns.steering import Steering
from supervisor.turns.suspension import Suspension
from supervisor.turns.tool_events import ToolEvents
from supervisor.undo.recorder import Recorder
from supervisor.undo.undo import Undo


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Constants that operators cannot configure; tests choose others. Each is documented where it is used."""

    reconcile_pause_ms: int = RECONCILE_PAUSE_MS
    grace_seconds: float = GRACE_SECONDS
    refused_seconds: float = REFUSED_SECONDS
    max_queued: int = MAX_QUEUED
    turn_to_end_seconds: float = ONE_TURN_TO_END_SECONDS
    process_wait_seconds: float = PROCESS_WAIT_SECONDS


class Core:
    """Builds the parts and holds them; it starts none of them.

    Args:
        connector: answers in Claude Code sessions.
        assistant: answers every other message.
        tools: those of a turn of the assistant.

    Attributes:
        api: the services that the wires call.
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
        tools: ToolsOfTurn = no_tools,
        tuning: Tuning | None = None,
    ) -> None:
        self._config = config
        self._store = store
        self._directory = directory
        self._projects = projects
        self._tools = tools
        self._tuning = tuning or Tuning()

        # The order of construction: each part uses only the parts above it.
        self.hub = Hub()
        self.outbox = Outbox(
            store.outbox, FailureNotices(directory).drafts, reconcile_pause_ms=self._tuning.reconcile_pause_ms
        )
        self.reply_trouble = ReplyTrouble(store.outbox)
        self.accounts = Accounts(store.accounts, store.audit, directory, projects)
        self._rights = Rights(directory, projects)
        self.spending = self._build_spending()
        self.recorder = Recorder(
            store.changes, store.turns, config.state_dir, seconds=config.claude_code.checkpoint_seconds
        )
        self.undo = Undo(store.changes, self.recorder, self._rights, projects)
        self._processes = FairQueue()
        self.approvers = Approvers(directory, projects, self.hub)
        self._announcer = ApprovalAnnouncer(self.hub, self.approvers)
        self._second_factor = SecondFactor([Risk(name) for name in config.approvals.high_risk])
        self.approvals = self._build_approvals()
        processes = self._build_processes(connector, gateway)
        announcer = SessionAnnouncer(store.sessions, self.hub)
        self.transitions = SessionTransitions(store=store.sessions, processes=processes, announcer=announcer)
        self.sessions = self._build_sessions(processes)
        self.reaper = Reaper(self.sessions, self.transitions, idle_timeout=config.claude_code.idle_timeout_seconds)
        self.binder = TurnBinder(transitions=self.transitions, approvals=self.approvals, recorder=self.recorder)
        self.completion = self._build_completion()
        self.guard = BudgetGuard(self.spending, refused_seconds=self._tuning.refused_seconds)
        self.turns = self._build_turns(assistant, gateway, steers=connector.steers)
        self._conversations = self._build_conversations()
        self.acceptor = self._build_acceptor()
        self.approval_resolver = self._build_resolver()
        self.intake = self._build_intake()
        self.operations = self._build_operations()
        self.approval_operations = ApprovalOperations(store.approvals, self.approvers, self.approval_resolver)
        self.queue = self._build_queue()
        self.one_shot = self._build_one_shot()
        self.progress = self._build_progress()
        self.recovery = self._build_recovery()
        self.schedule = self._build_schedule()
        self.api = self._build_api()

    async def drain(self, seconds: float) -> None:
        """Give running turns some seconds to end, mark those that have not ended, and start no more."""
        self.approvals.stopping = True
        await self.turns.drain(seconds)

    async def close(self) -> None:
        """End every process; call it after `drain`."""
        await self.sessions.close_all(EndReason.SHUTDOWN)

    def _build_spending(self) -> Spending:
        return Spending(
            store=self._store,
            limits=self._config.budgets,
            track_costs=self._config.claude_code.track_costs,
            directory=self._directory,
            hub=self.hub,
        )

    def _build_approvals(self) -> Approvals:
        settings = self._config.approvals
        return Approvals(
            store=self._store.approvals,
            approvers=self.approvers,
            announcer=self._announcer,
            second_factor=self._second_factor,
            processes=self._processes,
            expires_seconds=settings.expires_seconds,
            hold_seconds=settings.hold_seconds,
        )

    def _build_processes(self, connector: Connector, gateway: Gateway) -> SessionProcesses:
        return SessionProcesses(
            connector=connector,
            gateway=gateway,
            store=self._store.turns,
            queue=self._processes,
            turn_timeout=self._config.claude_code.turn_timeout_seconds,
        )

    def _build_sessions(self, processes: SessionProcesses) -> SessionPool:
        settings = self._config.claude_code
        return SessionPool(
            processes=processes,
            transitions=self.transitions,
            spending=self.spending,
            approvals=self.approvals,
            queue=self._processes,
            state_dir=self._config.state_dir,
            max_processes=min(settings.max_processes, settings.max_sessions),
        )

    def _build_completion(self) -> TurnCompletion:
        return TurnCompletion(
            turns=self._store.turns,
            approvals=self._store.approvals,
            hub=self.hub,
            recorder=self.recorder,
            spending=self.spending,
        )

    def _build_turns(self, assistant: Connector, gateway: Gateway, *, steers: bool) -> TurnScheduler:
        store = self._store
        tools = ToolEvents(store.turns, store.tool_calls)
        return TurnScheduler(
            turns=store.turns,
            records=store.sessions,
            sessions=self.sessions,
            projects=self._projects,
            runner=self._build_runner(assistant, gateway, tools),
            steering=Steering(store=store.turns, hub=self.hub, tools=tools, steers=steers),
            completion=self.completion,
        )

    def _build_runner(self, assistant: Connector, gateway: Gateway, tools: ToolEvents) -> TurnRunner:
        return TurnRunner(
            hub=self.hub,
            sessions=self.sessions,
            assistant=Assistant(
                connector=assistant,
                gateway=gateway,
                turns=self._store.turns,
                calls=self._store.tool_calls,
                spending=self.spending,
                approvals=self.approvals,
                tools=self._tools,
            ),
            rights=self._rights,
            spending=self.spending,
            driver=self._build_driver(),
            binder=self.binder,
            completion=self.completion,
            tools=tools,
        )

    def _build_driver(self) -> TurnDriver:
        return TurnDriver(
            guard=self.guard,
            suspension=Suspension(self.sessions, self.approvals, self.binder),
            completion=self.completion,
            turn_timeout=self._config.claude_code.turn_timeout_seconds,
            grace_seconds=self._tuning.grace_seconds,
        )

    def _build_commands(self, held: HeldMessages) -> CommandDispatcher:
        return build_dispatcher(
            self._store,
            approvers=self.approvers,
            resolver=self.approval_resolver,
            held=held,
            undo=self.undo,
            spending=self.spending,
            turns=self.turns,
            projects=self._projects,
            sessions=self.sessions,
        )

    def _build_conversations(self) -> Conversations:
        settings = self._config.routing
        return Conversations(
            sessions=self._store.sessions,
            turns=self._store.turns,
            projects=self._projects,
            router=Router(Keywords(settings.keywords), settings.unauthorised),
            followup_seconds=settings.followup_seconds,
            default_project=settings.default_project,
        )

    def _build_acceptor(self) -> Acceptor:
        return Acceptor(
            store=self._store.turns,
            conversations=self._conversations,
            sessions=self.sessions,
            turns=self.turns,
            hub=self.hub,
            mode=Mode(self._config.queue.mode),
            max_queued=self._tuning.max_queued,
        )

    def _build_resolver(self) -> ApprovalResolver:
        return ApprovalResolver(
            store=self._store.approvals,
            pending=self.approvals.pending,
            announcer=self._announcer,
            second_factor=self._second_factor,
            kept=Resumption(self._store, self._directory, self._conversations, self.acceptor),
            epoch=self._store.epoch,
        )

    def _build_intake(self) -> Intake:
        held, rates = HeldMessages(self._store.codes, self._store.turns), RateLimits(self._config.limits)
        return Intake(
            directory=self._directory,
            conversations=self._conversations,
            rates=rates,
            commands=self._build_commands(held),
            held=held,
            dropped=DroppedMessages(self._store.dropped, rates),
            acceptor=self.acceptor,
            mode=Mode(self._config.queue.mode),
        )

    def _build_operations(self) -> Operations:
        queries = Queries(self._store, self._directory, self._projects, self.sessions, self.spending)
        return Operations(
            queries=queries,
            sessions=self._build_session_operations(queries),
            messages=MessageOperations(
                store=self._store.turns,
                directory=self._directory,
                projects=self._projects,
                queries=queries,
                intake=self.intake,
                acceptor=self.acceptor,
                pool=self.sessions,
                waiters=self.completion.waiters,
            ),
        )

    def _build_session_operations(self, queries: Queries) -> SessionOperations:
        settings = self._config.claude_code
        limits = SessionLimits(
            self.sessions, max_sessions=settings.max_sessions, max_per_user=settings.max_sessions_per_user
        )
        return SessionOperations(
            store=self._store.sessions,
            queries=queries,
            projects=self._projects,
            pool=self.sessions,
            turns=self.turns,
            limits=limits,
            turn_to_end_seconds=self._tuning.turn_to_end_seconds,
            process_wait_seconds=self._tuning.process_wait_seconds,
        )

    def _build_queue(self) -> QueueOperations:
        return QueueOperations(
            store=self._store.turns, queries=self.operations.queries, turns=self.turns, waiters=self.completion.waiters
        )

    def _build_one_shot(self) -> OneShot:
        default = self._config.routing.default_project
        return OneShot(
            operations=self.operations, sessions=self.sessions, projects=self._projects, default_project=default
        )

    def _build_progress(self) -> ProgressNotices:
        return ProgressNotices(
            outbox=self._store.outbox,
            turns=self.turns,
            approvals=self.approvals,
            hub=self.hub,
            settings=self._config.progress,
        )

    def _build_recovery(self) -> Recovery:
        return Recovery(
            store=self._store,
            sessions=self.sessions,
            turns=self.turns,
            completion=self.completion,
            recorder=self.recorder,
            relocation=Relocation(self._store.folders, self._projects, self.recorder),
            auto_continue=self._config.claude_code.auto_continue,
        )

    def _build_schedule(self) -> Schedule:
        return Schedule(
            store=self._store, reaper=self.reaper, turns=self.turns, recorder=self.recorder, progress=self.progress
        )

    def _build_api(self) -> Api:
        return Api(
            directory=self._directory,
            accounts=self.accounts,
            operations=self.operations,
            approvals=self.approval_operations,
            queue=self.queue,
            one_shot=self.one_shot,
            undo=self.undo,
            spending=self.spending,
            hub=self.hub,
            outbox=self.outbox,
            reply_trouble=self.reply_trouble,
            store=self._store,
        )
