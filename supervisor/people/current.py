"""Keeps users, tokens and sign-ins in memory as they are in the database, where another node may change them."""

from __future__ import annotations

from collections.abc import Collection
from time import monotonic

from supervisor.people.accounts import Accounts
from supervisor.people.sign_in.sign_in import SignIn
from supervisor.store.ports.cluster.elsewhere import ElsewhereStore

STALE_SECONDS = 10.0
"""After so long without a look, who holds a token is not known any more."""

WHOLE_SECONDS = 300.0
"""How often all is read again: when sessions were last used is not counted as a change."""


class CurrentAccounts:
    """Reads users, tokens and sign-ins again when their version has changed."""

    def __init__(self, store: ElsewhereStore, accounts: Accounts, sign_in: SignIn) -> None:
        self._store = store
        self._accounts = accounts
        self._sign_in = sign_in
        self._version: int | None = None
        self._read = monotonic()
        self._seen: float | None = None

    def are_current(self) -> bool:
        """Return whether the version was looked at lately; until the first look, all is as the start has read it."""
        return self._seen is None or monotonic() - self._seen < STALE_SECONDS

    async def look(self, _: Collection[str] | None) -> None:
        """Read everything again, unless nothing has changed.

        Raises:
            StorageError: the store could not be read.
        """
        if self._seen is None:
            self._seen = monotonic()
        while True:
            began = monotonic()
            version = await self._store.accounts_version()
            if version == self._version and began - self._read < WHOLE_SECONDS:
                self._seen = began
                return
            await self._accounts.reload()
            await self._sign_in.load()
            self._version, self._read = version, began
