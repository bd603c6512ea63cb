"""The `Store` port: what the daemon asks of a database. No engine is named here.

Every method is one transaction and returns after its commit; every one raises `StorageError` when the database
refuses. Rows that a running node writes carry its epoch, and each change of a turn checks it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from supervisor.store.ports.accounts import AccountStore
from supervisor.store.ports.approvals import ApprovalStore
from supervisor.store.ports.audit import AuditStore
from supervisor.store.ports.budgets import BudgetStore
from supervisor.store.ports.changes import ChangeStore
from supervisor.store.ports.codes import CodeStore
from supervisor.store.ports.keys import IdempotencyStore
from supervisor.store.ports.ledger import LedgerStore
from supervisor.store.ports.outbox import OutboxStore
from supervisor.store.ports.passphrases import PassphraseStore
from supervisor.store.ports.sessions import SessionStore
from supervisor.store.ports.turns import TurnStore


class Store(Protocol):
    """A database, open."""

    @property
    def epoch(self) -> int:
        """The number of this start; every row that a running node writes carries it."""

    @property
    def accounts(self) -> AccountStore:
        """Users, addresses, tokens."""

    @property
    def turns(self) -> TurnStore:
        """Messages and their turns."""

    @property
    def sessions(self) -> SessionStore:
        """Claude Code sessions."""

    @property
    def outbox(self) -> OutboxStore:
        """Replies."""

    @property
    def ledger(self) -> LedgerStore:
        """Costs."""

    @property
    def audit(self) -> AuditStore:
        """The chained record."""

    @property
    def keys(self) -> IdempotencyStore:
        """Marks and kept answers."""

    @property
    def codes(self) -> CodeStore:
        """Codes that people were told."""

    @property
    def approvals(self) -> ApprovalStore:
        """Questions about tool calls."""

    @property
    def budgets(self) -> BudgetStore:
        """What is spent and held under limits."""

    @property
    def passphrases(self) -> PassphraseStore:
        """What people know besides having a phone."""

    @property
    def changes(self) -> ChangeStore:
        """What turns changed in files."""

    async def backup(self, path: Path) -> None:
        """Write a consistent, checked copy.

        Raises:
            StorageError: it could not be written; nothing is left behind.
        """

    async def check(self) -> list[str]:
        """Check integrity, foreign keys and sums; return a sentence per problem."""

    async def purge(self, *, before_ms: int) -> int:
        """Forget keys that no longer count (dedup keys past their time, kept answers); returns how many."""

    async def close(self) -> None:
        """Finish what is queued, checkpoint, close."""
