"""The floor of operations: what the wires may ask for."""

from __future__ import annotations

from supervisor.background.load import LoadReader
from supervisor.core.ground import Ground
from supervisor.core.intake import IntakeFloor
from supervisor.core.sessions import SessionFloor
from supervisor.core.turns import TurnFloor
from supervisor.operations.agents.agents import AgentOperations
from supervisor.operations.approvals import ApprovalOperations
from supervisor.operations.changes.changes import ChangeOperations
from supervisor.operations.changes.reviews import ReviewOperations
from supervisor.operations.chats.chats import ChatOperations
from supervisor.operations.chats.search import SearchOperations
from supervisor.operations.messages import MessageOperations
from supervisor.operations.operations import Operations
from supervisor.operations.owner.one_shot import OneShotAtOwner
from supervisor.operations.owner.sessions import SessionsAtOwner
from supervisor.operations.queries import Queries
from supervisor.operations.queue import QueueOperations
from supervisor.operations.session_limits import SessionLimits
from supervisor.operations.sessions import SessionOperations
from supervisor.operations.uploads.uploads import UploadOperations


class OperationsFloor:
    """Builds the operations that every wire calls."""

    def __init__(self, ground: Ground, sessions: SessionFloor, turns: TurnFloor, intake: IntakeFloor) -> None:
        store = ground.store
        queries = Queries(
            store,
            ground.directory,
            ground.projects,
            sessions=sessions.pool,
            turns=turns.scheduler,
            spending=sessions.spending,
        )
        waiters = turns.completion.waiters
        messages = MessageOperations(
            store=store.turns,
            directory=ground.directory,
            projects=ground.projects,
            queries=queries,
            intake=intake.intake,
            acceptor=intake.acceptor,
            pool=sessions.pool,
            waiters=waiters,
        )
        self.operations = Operations(
            queries=queries, sessions=_session_operations(ground, queries, sessions, turns), messages=messages
        )
        self.chat = ChatOperations(
            store=store,
            messages=messages,
            intake=intake.intake,
            acceptor=intake.acceptor,
            turns=turns.scheduler,
            waiters=waiters,
            hub=ground.hub,
            people=ground.tools.book,
        )
        self.changes = ChangeOperations(store.changes, queries, sessions.undo)
        self.reviews = ReviewOperations(self.changes, messages)
        self.agents = AgentOperations(store.agents, store.changes, queries, sessions.undo, ground.hub)
        self.uploads = UploadOperations(store.uploads, ground.config.uploads_dir, ground.files, ground.config.uploads)
        self.search = SearchOperations(store.search, store.chats, ground.projects, ground.tools.book)
        self.approvals = ApprovalOperations(store.approvals, sessions.approvers, intake.resolver)
        self.queue = QueueOperations(store=store.turns, queries=queries, turns=turns.scheduler, waiters=waiters)
        self.load = LoadReader(store, turns.scheduler, sessions.pool)
        self.one_shot = OneShotAtOwner(
            ground.owners,
            operations=self.operations,
            sessions=sessions.pool,
            projects=ground.projects,
            default_project=ground.config.routing.default_project,
        )


def _session_operations(
    ground: Ground, queries: Queries, sessions: SessionFloor, turns: TurnFloor
) -> SessionOperations:
    settings = ground.config.claude_code
    limits = SessionLimits(
        sessions.pool, max_sessions=settings.max_sessions, max_per_user=settings.max_sessions_per_user
    )
    return SessionsAtOwner(
        ground.owners,
        store=ground.store.sessions,
        queries=queries,
        projects=ground.projects,
        pool=sessions.pool,
        turns=turns.scheduler,
        limits=limits,
        turn_to_end_seconds=ground.tuning.turn_to_end_seconds,
        process_wait_seconds=ground.tuning.process_wait_seconds,
    )
