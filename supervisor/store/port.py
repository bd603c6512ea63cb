"""The `Store` port: a database as the daemon sees it. It names no engine.

Every method of its parts is one transaction and returns after the commit; each raises `StorageError` if the database
refuses. Rows carry the epoch of the start that wrote them, and each change of a turn checks it. Times are in
milliseconds UTC, amounts in nanodollars.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from supervisor.store.committed import Committed
from supervisor.store.ports.agents import AgentStore
from supervisor.store.ports.approvals import ApprovalStore
from supervisor.store.ports.audit import AuditStore, DroppedStore
from supervisor.store.ports.budgets import BudgetStore
from supervisor.store.ports.changes import ChangeStore
from supervisor.store.ports.cluster.elsewhere import ElsewhereStore
from supervisor.store.ports.cluster.nodes import NodeStore
from supervisor.store.ports.cluster.notices import Notices
from supervisor.store.ports.cluster.resources import ResourceStore
from supervisor.store.ports.keys import CodeStore, IdempotencyStore, ReferenceStore
from supervisor.store.ports.ledger import LedgerStore
from supervisor.store.ports.lists.lists import ListStore
from supervisor.store.ports.outbox import OutboxStore
from supervisor.store.ports.people.accounts import AccountStore
from supervisor.store.ports.people.passkeys import PasskeyStore
from supervisor.store.ports.people.passphrases import PassphraseStore
from supervisor.store.ports.people.sign_in import SignInStore
from supervisor.store.ports.people.uploads import UploadStore
from supervisor.store.ports.sessions import ChatStore, FolderStore, SearchStore, SessionStore
from supervisor.store.ports.turns import ToolCallStore, TurnStore


class OpenDatabase(Protocol):
    """An open database as a whole: which start of the daemon it serves, what is committed, its copies and checks."""

    @property
    def epoch(self) -> int:
        """The number of this start of the daemon; no other start on this database, of any node, has it."""

    async def backup(self, path: Path) -> None:
        """Write a consistent, checked copy.

        Raises:
            StorageError: it could not be written; nothing is left behind.
        """

    def watch(self, watcher: Callable[[Committed], None]) -> None:
        """Call `watcher` after each group of commits with what it left; watchers add up.

        It runs in the event loop right after the commit, must be quick, and must not raise.
        """

    async def works(self) -> bool:
        """Return whether the database stores what is written: whether it took the last write, or takes one now."""

    async def check(self) -> list[str]:
        """Check integrity, foreign keys and sums; return a sentence per problem. It delays no other read or write."""

    @property
    def unchecked(self) -> str:
        """What `check` leaves to tools of the engine, as a sentence; empty = nothing."""

    async def versions(self) -> tuple[int, int]:
        """Return the version of the database, and the version to which this program migrates it.

        Raises:
            ConfigError: a newer program wrote it, or a released migration was edited.
        """


class Store(OpenDatabase, Protocol):
    """Its parts as well. Only what starts and wires the daemon takes it whole.

    Every other class takes the parts that it uses, such as `store.turns`, or a protocol of its own that names them.
    """

    @property
    def nodes(self) -> NodeStore:
        """The daemons that work on this database."""

    @property
    def notices(self) -> Notices | None:
        """What other nodes have committed; None = no other node can use the database."""

    @property
    def keeper(self) -> str:
        """As whom this node notes that it has the transcript of a session; empty = no other node can have one."""

    @property
    def resources(self) -> ResourceStore:
        """Which node owns which resource."""

    @property
    def elsewhere(self) -> ElsewhereStore:
        """What other nodes do."""

    @property
    def accounts(self) -> AccountStore:
        """Users, addresses, tokens."""

    @property
    def turns(self) -> TurnStore:
        """Messages and their turns."""

    @property
    def tool_calls(self) -> ToolCallStore:
        """Tool calls of the assistant, with their results."""

    @property
    def sessions(self) -> SessionStore:
        """Sessions of Claude Code, and the records of chats."""

    @property
    def chats(self) -> ChatStore:
        """What was said in chats."""

    @property
    def search(self) -> SearchStore:
        """The words of what was said."""

    @property
    def outbox(self) -> OutboxStore:
        """Replies."""

    @property
    def lists(self) -> ListStore:
        """Messages, replies and dropped messages, page by page."""

    @property
    def ledger(self) -> LedgerStore:
        """Costs."""

    @property
    def audit(self) -> AuditStore:
        """The audit trail."""

    @property
    def dropped(self) -> DroppedStore:
        """Messages that were dropped or refused."""

    @property
    def keys(self) -> IdempotencyStore:
        """Marks and kept answers."""

    @property
    def codes(self) -> CodeStore:
        """Codes by which people name one thing in a text message."""

    @property
    def approvals(self) -> ApprovalStore:
        """Questions about tool calls."""

    @property
    def budgets(self) -> BudgetStore:
        """Amounts that are spent and held under limits."""

    @property
    def passphrases(self) -> PassphraseStore:
        """Passphrases: the second factor of approvals."""

    @property
    def sign_in(self) -> SignInStore:
        """Links and sessions of people who sign in."""

    @property
    def passkeys(self) -> PasskeyStore:
        """Passkeys of people."""

    @property
    def uploads(self) -> UploadStore:
        """Files that people attach to messages."""

    @property
    def references(self) -> ReferenceStore:
        """The references under which models know people."""

    @property
    def changes(self) -> ChangeStore:
        """Changes that turns made in files."""

    @property
    def agents(self) -> AgentStore:
        """What programs report about the agents that they run."""

    @property
    def folders(self) -> FolderStore:
        """The folders of projects."""

    async def purge(self, *, before_ms: int) -> int:
        """Delete expired deduplication keys, answers and codes; return how many keys and answers there were."""

    async def close(self) -> None:
        """Finish queued work, checkpoint, close."""
