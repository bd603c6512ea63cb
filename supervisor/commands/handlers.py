"""The handlers of all command words, one row each."""

from __future__ import annotations

from typing import Protocol

from supervisor.approvals.answering import ApprovalResolver
from supervisor.approvals.approvers import Approvers
from supervisor.commands.abort import AbortCommands
from supervisor.commands.approve import ApproveCommands
from supervisor.commands.budget import BudgetCommands
from supervisor.commands.dispatch import CommandDispatcher
from supervisor.commands.held import HeldMessages
from supervisor.commands.more import MoreCommands
from supervisor.commands.resume import ResumeCommands
from supervisor.commands.status.open_items import OpenItems, OpenItemStore
from supervisor.commands.status.status import StatusCommands, StatusStore
from supervisor.commands.undo import UndoCommands
from supervisor.people.passphrases import Passphrases
from supervisor.people.projects import Projects
from supervisor.sessions.pool import SessionPool
from supervisor.spending.spending import Spending
from supervisor.store.ports.changes import ChangeStore
from supervisor.store.ports.cluster.elsewhere import ElsewhereStore
from supervisor.store.ports.outbox import OutboxStore
from supervisor.store.ports.people.passphrases import PassphraseStore
from supervisor.turns.scheduler import TurnScheduler
from supervisor.undo.undo import Undo


class CommandStore(OpenItemStore, StatusStore, Protocol):
    """What all command words read and write."""

    @property
    def passphrases(self) -> PassphraseStore:
        """Passphrases: the second factor of approvals."""

    @property
    def changes(self) -> ChangeStore:
        """Changes that turns made in files."""

    @property
    def outbox(self) -> OutboxStore:
        """Replies."""

    @property
    def elsewhere(self) -> ElsewhereStore:
        """What other nodes do."""


def build_dispatcher(
    store: CommandStore,
    *,
    approvers: Approvers,
    resolver: ApprovalResolver,
    held: HeldMessages,
    undo: Undo,
    spending: Spending,
    turns: TurnScheduler,
    projects: Projects,
    sessions: SessionPool,
) -> CommandDispatcher:
    """Return the dispatcher of every command word."""
    return CommandDispatcher(
        [
            ApproveCommands(store.approvals, approvers, resolver, Passphrases(store.passphrases), held),
            ResumeCommands(store.codes, store.turns, store.sessions, resolver),
            UndoCommands(store.codes, store.changes, undo),
            BudgetCommands(store.codes, store.sessions, spending, sessions),
            StatusCommands(store, projects, turns, spending, OpenItems(store, approvers, held, spending)),
            MoreCommands(store.outbox, store.approvals, approvers),
            AbortCommands(store.turns, store.elsewhere, turns),
        ]
    )
