"""What this node does because of other nodes: it hears of what they have done, and looks for it."""

from __future__ import annotations

from collections.abc import Collection

from supervisor.approvals.answers import Answers
from supervisor.background.recovery import Recovery
from supervisor.background.takeover import Takeover
from supervisor.background.unserved import Unserved
from supervisor.cluster.cluster import Cluster
from supervisor.cluster.wakeups import Wakeups
from supervisor.core.ground import Ground
from supervisor.core.sessions import SessionFloor
from supervisor.core.turns import TurnFloor
from supervisor.delivery.outbox import Outbox
from supervisor.people.accounts import Accounts
from supervisor.people.current import CurrentAccounts
from supervisor.people.sign_in.sign_in import SignIn
from supervisor.store.ports.cluster.notices import Topic
from supervisor.turns.elsewhere.ends import Ends
from supervisor.turns.elsewhere.stops import Stops
from supervisor.turns.elsewhere.work import Work


class Elsewhere:
    """Wires the parts of this node to the notices of other nodes; alone, it does nothing.

    Attributes:
        cluster: the nodes that live; alone, none.
    """

    def __init__(
        self, ground: Ground, cluster: Cluster, outbox: Outbox, *, sessions: SessionFloor, turns: TurnFloor
    ) -> None:
        store = ground.store
        self._ground = ground
        self._outbox = outbox
        self.cluster = cluster
        self._takeover: Takeover | None = None
        self._unserved = Unserved(store.nodes, store.turns, store.outbox, cluster, ground.projects, ground.hub)
        self._wakeups = Wakeups(store.notices)
        self._wakeups.on(Topic.ENDED, Ends(turns.completion.waiters, store.turns, store.elsewhere).look)
        self._wakeups.on(Topic.STOPPED, Stops(turns.scheduler, store.elsewhere).look)
        self._wakeups.on(Topic.APPROVAL, Answers(sessions.approvals.pending, store.approvals).look)
        self._wakeups.on(Topic.REPLIES, self._look_for_replies)
        self._wakeups.on(Topic.PEOPLE, ground.tools.book.look)
        self._wakeups.on(Topic.WORK, Work(turns.scheduler, turns.resources).look)

    @property
    def exists(self) -> bool:
        """Whether other nodes may use the database."""
        return self._wakeups.has_others

    def follow_accounts(self, accounts: Accounts, sign_in: SignIn) -> None:
        """Read users, tokens and sign-ins again when another node changes them."""
        if self._wakeups.has_others:
            current = CurrentAccounts(self._ground.store.elsewhere, accounts, sign_in)
            self._wakeups.on(Topic.ACCOUNTS, current.look)
            self._ground.directory.trust_while(current.are_current)

    def take_over(self, recovery: Recovery) -> None:
        """Settle what other nodes leave when they die."""
        if self._wakeups.has_others:
            self._takeover = Takeover(self.cluster, recovery)

    async def start(self) -> None:
        """Claim the channels that nobody serves, and begin to hear and to look: before anybody can connect.

        Raises:
            StorageError: the store could not be read or written.
        """
        if self._takeover is not None:
            await self.cluster.look()
        await self._outbox.claim()
        self._wakeups.start()
        if self._takeover is not None:
            self._takeover.start()
            self._unserved.start()

    async def end_takeover(self) -> None:
        """Settle no more of what other nodes leave; before the turns of this node drain."""
        await self._unserved.aclose()
        if self._takeover is not None:
            await self._takeover.aclose()

    async def aclose(self) -> None:
        """Stop to hear; after the turns have drained, which other nodes answer and stop until then."""
        await self.end_takeover()
        await self._wakeups.aclose()

    async def _look_for_replies(self, channels: Collection[str] | None) -> None:
        if channels is None:
            await self._outbox.claim()
        self._outbox.wake(self._outbox.channels() if channels is None else channels)
