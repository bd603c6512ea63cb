"""The SQLite store: every part of the `Store` port over one database file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from supervisor.protocol.errors import InvalidMessage
from supervisor.store.committed import Committed
from supervisor.store.control.agents import SqliteAgents, forget_agents
from supervisor.store.control.approvals import SqliteApprovals
from supervisor.store.control.audit import SqliteAudit
from supervisor.store.control.changes import SqliteChanges
from supervisor.store.control.claims import forget_claims
from supervisor.store.control.codes import SqliteCodes, forget_old
from supervisor.store.control.dropped import SqliteDropped, forget_dropped
from supervisor.store.control.folders import SqliteFolders
from supervisor.store.control.keys import SqliteKeys, forget_answers
from supervisor.store.control.rates import forget_counted
from supervisor.store.control.references import SqliteReferences
from supervisor.store.lists.lists import SqliteLists
from supervisor.store.messages.chats import SqliteChats, forget_unused
from supervisor.store.messages.dedup import forget_expired
from supervisor.store.messages.outbox import SqliteOutbox
from supervisor.store.messages.search import SqliteSearch
from supervisor.store.messages.sessions import SqliteSessions
from supervisor.store.messages.tool_calls import SqliteToolCalls
from supervisor.store.messages.turns import SqliteTurns
from supervisor.store.money.budgets import SqliteBudgets
from supervisor.store.money.ledger import SqliteLedger
from supervisor.store.people.accounts import SqliteAccounts
from supervisor.store.people.passkeys import SqlitePasskeys
from supervisor.store.people.passphrases import SqlitePassphrases
from supervisor.store.people.sign_in import SqliteSignIn, forget_sign_ins
from supervisor.store.people.uploads import SqliteUploads
from supervisor.store.sqlite.backup import back_up, check_integrity
from supervisor.store.sqlite.database import Database
from supervisor.store.sqlite.migrate import compare
from supervisor.store.sqlite.transaction import Seal, Transaction


class SqliteStore:
    """A database file, open.

    Attributes:
        path: of the file.
        epoch: the number of this start.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.path = database.path
        self.epoch = database.epoch
        self.accounts = SqliteAccounts(database)
        self.turns = SqliteTurns(database)
        self.tool_calls = SqliteToolCalls(database)
        self.sessions = SqliteSessions(database)
        self.chats = SqliteChats(database)
        self.search = SqliteSearch(database)
        self.outbox = SqliteOutbox(database)
        self.lists = SqliteLists(database)
        self.ledger = SqliteLedger(database)
        self.audit = SqliteAudit(database)
        self.dropped = SqliteDropped(database)
        self.keys = SqliteKeys(database)
        self.codes = SqliteCodes(database)
        self.approvals = SqliteApprovals(database)
        self.changes = SqliteChanges(database)
        self.agents = SqliteAgents(database)
        self.folders = SqliteFolders(database)
        self.budgets = SqliteBudgets(database)
        self.passphrases = SqlitePassphrases(database)
        self.sign_in = SqliteSignIn(database)
        self.passkeys = SqlitePasskeys(database)
        self.uploads = SqliteUploads(database)
        self.references = SqliteReferences(database)

    async def backup(self, path: Path) -> None:
        """Write a consistent, checked copy (0600).

        Raises:
            InvalidMessage: SQLite would take the copy for a file that belongs to the database in use.
            StorageError: it could not be written; nothing is left behind.
        """
        if path.name.startswith(f"{self.path.name}-") and path.parent.resolve() == self.path.parent.resolve():
            raise InvalidMessage("path", f"must not begin with {self.path.name}- in the folder of the database")
        await back_up(self._database.reader_name, path)

    def watch(self, watcher: Callable[[Committed], None]) -> None:
        """Call `watcher` in the event loop after each group of commits; see `Database.watch`."""
        self._database.watch(watcher)

    async def works(self) -> bool:
        """Return whether the database stores what is written; see `Database.works`."""
        return await self._database.works()

    async def check(self) -> list[str]:
        """Check integrity, foreign keys and sums; return a sentence per problem.

        Sums are compared only if the database is sound and has the version of this program.
        """
        problems = await self._database.examine(check_integrity)
        current, newest = await self.versions()
        return problems if problems or current != newest else await self.ledger.disagreements()

    async def versions(self) -> tuple[int, int]:
        """Return the version of the database, and the version to which this program migrates it.

        Raises:
            ConfigError: a newer program wrote it, or a released migration was edited.
        """
        return await self._database.examine(compare)

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


async def open_to_read(path: Path, *, seal: Seal, used: bool = False) -> SqliteStore:
    """Open a database that no daemon has open, to read it: nothing about it changes, and writes are refused.

    Args:
        seal, used: as of `open_store`.

    Raises:
        StorageError: the file cannot be read, is lost, or does not exist yet.
    """
    return SqliteStore(await Database.open_to_read(path, seal, used=used))


async def open_store(
    path: Path, *, seal: Seal, crash: Callable[[str], None] | None = None, used: bool = False
) -> SqliteStore:
    """Open or create the database at `path`, bring it to this version, and begin a new epoch.

    A database that is migrated is copied to `<path>.version-<version>` first.

    Args:
        used: whether it has been used before, so that a missing or empty file is a lost database.
        seal: makes the MAC of an audit row from the MAC of the row before and the row's content.
        crash: called with "<write>.before_commit" and "<write>.after_commit", in the writer's thread; for tests that
            end the process there. The writes are accept, start, finish, requeue, cancel, session, begin, sent, retry,
            dead, delivered, journal and post.

    Raises:
        StorageError: the file cannot be opened or written, or is lost.
        ConfigError: it was written by a newer version, or a released migration was edited.
    """
    return SqliteStore(await Database.open(path, seal, crash, used=used))
