"""The floor of the intake: where a message goes, T1, and the answers to questions, which may start work."""

from __future__ import annotations

from supervisor.approvals.answering import ApprovalResolver
from supervisor.commands.handlers import build_dispatcher
from supervisor.commands.held import HeldMessages
from supervisor.core.ground import Ground
from supervisor.core.sessions import SessionFloor
from supervisor.core.turns import TurnFloor
from supervisor.intake.acceptor import Acceptor
from supervisor.intake.admission import Admission
from supervisor.intake.delegation import Delegation
from supervisor.intake.dropped import DroppedMessages
from supervisor.intake.intake import Intake
from supervisor.intake.resumption import Resumption
from supervisor.protocol.queue import Mode
from supervisor.routing.conversations import Conversations
from supervisor.routing.keywords import Keywords
from supervisor.routing.rules import Router


class IntakeFloor:
    """Builds the parts that take messages in."""

    def __init__(self, ground: Ground, sessions: SessionFloor, turns: TurnFloor) -> None:
        store, mode = ground.store, Mode(ground.config.queue.mode)
        conversations = _conversations(ground)
        self.acceptor = Acceptor(
            store=store.turns,
            conversations=conversations,
            sessions=sessions.pool,
            turns=turns.scheduler,
            hub=ground.hub,
            mode=mode,
            max_queued=ground.tuning.max_queued,
        )
        self.delegation = Delegation(
            directory=ground.directory,
            projects=ground.projects,
            acceptor=self.acceptor,
            waiters=turns.completion.waiters,
            turns=turns.scheduler,
            store=store.turns,
            calls=store.tool_calls,
            elsewhere=store.elsewhere,
            seconds=2 * ground.config.claude_code.turn_timeout_seconds,
        )
        self.resolver = ApprovalResolver(
            store=store.approvals,
            pending=sessions.approvals.pending,
            announcer=sessions.announcer,
            second_factor=sessions.second_factor,
            kept=Resumption(store.sessions, store.turns, store.codes, ground.directory, conversations, self.acceptor),
        )
        held = HeldMessages(store.codes, store.turns)
        commands = build_dispatcher(
            store,
            approvers=sessions.approvers,
            resolver=self.resolver,
            held=held,
            undo=sessions.undo,
            spending=sessions.spending,
            turns=turns.scheduler,
            projects=ground.projects,
            sessions=sessions.pool,
        )
        self.intake = Intake(
            directory=ground.directory,
            conversations=conversations,
            admission=Admission(store.turns, ground.config.limits),
            rates=ground.rates,
            commands=commands,
            held=held,
            dropped=DroppedMessages(store.dropped, ground.rates),
            acceptor=self.acceptor,
            mode=mode,
        )


def _conversations(ground: Ground) -> Conversations:
    settings = ground.config.routing
    return Conversations(
        sessions=ground.store.sessions,
        turns=ground.store.turns,
        projects=ground.projects,
        router=Router(Keywords(settings.keywords), settings.unauthorised),
        followup_seconds=settings.followup_seconds,
        default_project=settings.default_project,
    )
