"""The floor of sessions: spending, undo, questions to people, and the processes of Claude Code."""

from __future__ import annotations

from supervisor.approvals.announcer import ApprovalAnnouncer
from supervisor.approvals.approvers import Approvers
from supervisor.approvals.asking import Approvals
from supervisor.approvals.second_factor import SecondFactor
from supervisor.core.ground import Ground
from supervisor.operations.owner.undo import UndoAtOwner
from supervisor.permissions.policy import Risk
from supervisor.runtime.fair_queue import FairQueue
from supervisor.sessions.announcer import SessionAnnouncer
from supervisor.sessions.pool import SessionPool
from supervisor.sessions.processes import SessionProcesses
from supervisor.sessions.reaper import Reaper
from supervisor.sessions.transitions import SessionTransitions
from supervisor.spending.spending import Spending
from supervisor.undo.recorder import Recorder


class SessionFloor:
    """Builds the parts that a session needs besides its turns."""

    def __init__(self, ground: Ground) -> None:
        config, store = ground.config, ground.store
        settings = config.claude_code
        self.spending = Spending(
            budgets=store.budgets,
            codes=store.codes,
            outbox=store.outbox,
            ledger=store.ledger if settings.track_costs else None,
            limits=config.budgets,
            directory=ground.directory,
            hub=ground.hub,
        )
        self.recorder = Recorder(
            store.changes,
            store.turns,
            config.state_dir,
            seconds=settings.checkpoint_seconds,
            shared=ground.owners.shared_states(config),
            is_ours=ground.owners.is_ours,
            has_others=bool(ground.node),
        )
        self.undo = UndoAtOwner(ground.owners, store.changes, self.recorder, ground.rights, ground.projects)
        self.approvers = Approvers(ground.directory, ground.projects, ground.hub)
        self.announcer = ApprovalAnnouncer(ground.hub, self.approvers)
        self.second_factor = SecondFactor([Risk(name) for name in config.approvals.high_risk])
        queue = FairQueue()
        self.approvals = Approvals(
            store=store.approvals,
            approvers=self.approvers,
            announcer=self.announcer,
            second_factor=self.second_factor,
            processes=queue,
            expires_seconds=config.approvals.expires_seconds,
            hold_seconds=config.approvals.hold_seconds,
        )
        self.processes = SessionProcesses(
            connector=ground.connector,
            gateway=ground.gateway,
            store=store.turns,
            queue=queue,
            turn_timeout=settings.turn_timeout_seconds,
            tools=ground.tools.gateway,
        )
        self.transitions = SessionTransitions(
            store=store.sessions, processes=self.processes, announcer=SessionAnnouncer(store.sessions, ground.hub)
        )
        self.pool = SessionPool(
            processes=self.processes,
            transitions=self.transitions,
            spending=self.spending,
            approvals=self.approvals,
            queue=queue,
            own_folders=config.own_folders,
            max_processes=min(settings.max_processes, settings.max_sessions),
            own=tuple(filter(None, (store.keeper, ground.node))),
        )
        self.reaper = Reaper(self.pool, self.transitions, idle_timeout=settings.idle_timeout_seconds)
