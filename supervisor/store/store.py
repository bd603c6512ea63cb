"""Every part of the `Store` port but what is an engine's own: backup, check and versions."""

from __future__ import annotations

from collections.abc import Callable

from supervisor.store.cluster.nodes import SqlNodes
from supervisor.store.cluster.resources import SqlResources
from supervisor.store.committed import Committed
from supervisor.store.control.agents import SqlAgents, forget_agents
from supervisor.store.control.approvals import SqlApprovals
from supervisor.store.control.audit import SqlAudit
from supervisor.store.control.changes import SqlChanges
from supervisor.store.control.claims import forget_claims
from supervisor.store.control.codes import SqlCodes, forget_old
from supervisor.store.control.dropped import SqlDropped, forget_dropped
from supervisor.store.control.folders import SqlFolders
from supervisor.store.control.keys import SqlKeys, forget_answers
from supervisor.store.control.rates import forget_counted
from supervisor.store.control.references import SqlReferences
from supervisor.store.engine import Database
from supervisor.store.lists.elsewhere import SqlElsewhere
from supervisor.store.lists.lists import SqlLists
from supervisor.store.messages.chats import SqlChats, forget_unused
from supervisor.store.messages.dedup import forget_expired
from supervisor.store.messages.outbox import SqlOutbox
from supervisor.store.messages.search import SqlSearch
from supervisor.store.messages.sessions import SqlSessions
from supervisor.store.messages.tool_calls import SqlToolCalls
from supervisor.store.messages.turns import SqlTurns
from supervisor.store.money.budgets import SqlBudgets
from supervisor.store.money.ledger import SqlLedger
from supervisor.store.people.accounts import SqlAccounts
from supervisor.store.people.passkeys import SqlPasskeys
from supervisor.store.people.passphrases import SqlPassphrases
from supervisor.store.people.sign_in import SqlSignIn, forget_sign_ins
from supervisor.store.people.uploads import SqlUploads
from supervisor.store.ports.cluster.nodes import NodeStore
from supervisor.store.transaction import Transaction


class SqlStore:
    """An open database.

    Attributes:
        epoch: the number of this start.
        search: as the engine finds words.
        notices: what other nodes have committed; None = there is no other node.
        keeper: as whom this node notes that it has a transcript; empty = there is no other node.
        unchecked: what `check` leaves to tools of the engine, as a sentence; empty = nothing.
    """

    keeper = unchecked = ""

    def __init__(self, database: Database, search: SqlSearch) -> None:
        self._database = database
        self.epoch = database.epoch
        self.nodes: NodeStore = SqlNodes(database)
        self.notices = database.notices
        self.elsewhere = SqlElsewhere(database)
        self.resources = SqlResources(database)
        self.accounts = SqlAccounts(database)
        self.turns = SqlTurns(database)
        self.tool_calls = SqlToolCalls(database)
        self.sessions = SqlSessions(database)
        self.chats = SqlChats(database)
        self.search = search
        self.outbox = SqlOutbox(database)
        self.lists = SqlLists(database)
        self.ledger = SqlLedger(database)
        self.audit = SqlAudit(database)
        self.dropped = SqlDropped(database)
        self.keys = SqlKeys(database)
        self.codes = SqlCodes(database)
        self.approvals = SqlApprovals(database)
        self.changes = SqlChanges(database)
        self.agents = SqlAgents(database)
        self.folders = SqlFolders(database)
        self.budgets = SqlBudgets(database)
        self.passphrases = SqlPassphrases(database)
        self.sign_in = SqlSignIn(database)
        self.passkeys = SqlPasskeys(database)
        self.uploads = SqlUploads(database)
        self.references = SqlReferences(database)

    def watch(self, watcher: Callable[[Committed], None]) -> None:
        """Call `watcher` in the event loop after each group of commits; see `Listeners.watch`."""
        self._database.listeners.watch(watcher)

    async def works(self) -> bool:
        """Return whether the database stores what is written; see `Database.works`."""
        return await self._database.works()

    async def purge(self, *, before_ms: int) -> int:
        """Forget keys that no longer count (dedup keys past their time, kept answers); returns how many."""

        def work(tx: Transaction) -> int:
            forget_old(tx, before_ms)
            forget_dropped(tx, before_ms)
            forget_unused(tx, before_ms)
            forget_agents(tx, before_ms)
            forget_sign_ins(tx, before_ms)
            forget_counted(tx, before_ms)
            forget_claims(tx, before_ms)
            return forget_expired(tx, before_ms) + forget_answers(tx, before_ms)

        return await self._database.write(work)

    async def close(self) -> None:
        """Finish what is queued, checkpoint, close. May be called twice."""
        await self._database.close()
