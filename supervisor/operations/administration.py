"""What the admin API acts on, in the daemon and in a process that only holds the database."""

from __future__ import annotations

from supervisor.people.accounts import Accounts
from supervisor.people.passphrases import Passphrases
from supervisor.protocol.values.record import record
from supervisor.store.port import Store
from supervisor.store.ports.audit import AuditStore, DroppedStore
from supervisor.store.ports.cluster.nodes import NodeStore


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


def administration_of(accounts: Accounts, store: Store) -> Administration:
    """Return what there is to administer in a database."""
    return Administration(
        accounts=accounts,
        passphrases=Passphrases(store.passphrases),
        audit=store.audit,
        dropped=store.dropped,
        nodes=store.nodes,
    )
