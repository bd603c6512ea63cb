"""What the admin API acts on, in the daemon and in a process that only holds the database."""

from __future__ import annotations

from typing import Protocol

from supervisor.people.accounts import Accounts
from supervisor.people.passphrases import Passphrases
from supervisor.protocol.values.record import record
from supervisor.store.ports.audit import AuditStore, DroppedStore
from supervisor.store.ports.cluster.nodes import NodeStore
from supervisor.store.ports.people.passphrases import PassphraseStore


class AdministrationStore(Protocol):
    """What there is to administer in a database, besides accounts."""

    @property
    def passphrases(self) -> PassphraseStore:
        """Passphrases: the second factor of approvals."""

    @property
    def audit(self) -> AuditStore:
        """The audit trail."""

    @property
    def dropped(self) -> DroppedStore:
        """Messages that were dropped or refused."""

    @property
    def nodes(self) -> NodeStore:
        """The daemons that work on this database."""


@record
class Administration:
    """What operators and administrators look after.

    Attributes:
        accounts: users and tokens.
        passphrases: of people.
        audit: the audit trail.
        dropped: messages that were dropped or refused.
        nodes: the daemons that work on the database.
    """

    accounts: Accounts
    passphrases: Passphrases
    audit: AuditStore
    dropped: DroppedStore
    nodes: NodeStore


def administration_of(accounts: Accounts, store: AdministrationStore) -> Administration:
    """Return what there is to administer in a database."""
    return Administration(
        accounts=accounts,
        passphrases=Passphrases(store.passphrases),
        audit=store.audit,
        dropped=store.dropped,
        nodes=store.nodes,
    )
