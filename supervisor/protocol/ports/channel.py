"""The port of channels, which carry messages between people and the daemon, and what the core gives them."""

from __future__ import annotations

import asyncio
import logging
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from supervisor.protocol.errors import DeliveryFailure, PermanentFailure, TemporaryFailure
from supervisor.protocol.messages import Address, Delivery, Inbound, Outbound, Receipt, Reconciled, Sent
from supervisor.protocol.ports.web import Route

logger = logging.getLogger(__name__)


class OfAnotherNode(TemporaryFailure):
    """A connection comes from the machine of another node, whose agents cannot be told from people here."""

    def __init__(self) -> None:
        super().__init__(
            "it comes from the machine of another node, whose agents this one cannot tell; hand it to the node of that "
            "machine, or from another machine (a proxy there: list it in http.trusted_proxies)"
        )


class Unreachable(TemporaryFailure):
    """The provider was not reached from this machine; where there are several nodes, another one may reach it."""


class ChannelHost(Protocol):
    """What the core gives a channel. Its methods may be called from any task of the channel."""

    @property
    def public_url(self) -> str:
        """`http.public_url` without a trailing slash; empty = none is configured."""

    def secret(self, name: str) -> str:
        """Return a secret from the environment variable `NAME` or the file in `NAME_FILE`.

        Raises:
            ConfigError: the secret is not set.
        """

    def generated_secret(self, name: str) -> bytes:
        """Return a random secret of 32 bytes. It is generated at the first call and kept in state.dir (mode 0600)."""

    def knows(self, sender: Address) -> bool:
        """Return whether a user has an address. A channel that anybody can reach asks before it reads the content."""

    async def accept(self, inbound: Inbound) -> Receipt:
        """Hand a message to the core. It returns after the message is committed to the database.

        Acknowledge the message to the provider only after this call, so that a message without a commit comes again. A
        message with the same `dedup_key` is accepted once; the next calls return a receipt with `duplicate`. A receipt
        without `message_id` means that nothing was accepted, e.g. from an unknown sender; the channel must not answer.

        Raises:
            StorageError: nothing was accepted. Let the provider send the message again.
        """

    async def was_accepted(self, inbound: Inbound) -> bool:
        """Return whether `accept` has taken a message with this `dedup_key`.

        Raises:
            StorageError: the store cannot be read.
        """

    async def dropped(self, sender: str, why: str, message: Inbound | None = None) -> None:
        """Record that a message was not handed in, and why. An operator may let `message` in; None = they cannot.

        Raises:
            StorageError: nothing was recorded.
        """

    async def comes_from_agent(self, connection: socket.socket) -> bool:
        """Return whether an agent started the process at the other end.

        Raises:
            OfAnotherNode: that process is on the machine of another node: do not take what it brings.
            TemporaryFailure: it cannot be told now.
        """

    async def about_port(self, port: int) -> str:
        """Return what to do about a port on which another program listens, with its process where that can be told."""

    async def delivered(self, delivery: Delivery) -> bool:
        """Record a provider's delivery report; False = no reply is known by it. Reports may be repeated, in any order.

        Raises:
            StorageError: nothing was recorded. Let the provider send the report again.
        """

    def leads(self) -> bool:
        """Return whether this node asks the provider what there is; where there are several, one does for all."""

    def tried(self, *, reached: bool) -> None:
        """Note whether the provider was reached, where the core cannot see it: outside `send` and `reconcile`."""

    async def find_thread(self, names: Sequence[str]) -> str | None:
        """Return the thread of an earlier reply of this channel that has one of these names; None = none has.

        Args:
            names: provider ids, or ids of the replies themselves (`Outbound.id`): a reply has no provider id before its
                send is known to have succeeded.
        """

    async def sent_replies(self, names: Sequence[str]) -> list[Outbound]:
        """Return earlier replies of this channel by their names (see `find_thread`), each once, in the names' order.

        A channel uses them to recognise what a message repeats of our own replies. Unknown names are skipped.
        """

    async def recent_replies(self, to: Address) -> list[Outbound]:
        """Return the replies that this channel has sent to an address lately, the newest first."""

    async def get_mark(self, name: str) -> int | None:
        """Return a number that this channel stored with `set_mark`; None = it stored none.

        The mark `COPIED` is stored by a backup, in the copy.
        """

    async def set_mark(self, name: str, value: int) -> None:
        """Store a number of this channel, e.g. the position up to which it has read the provider's list."""


COPIED = "copied"
"""The name of the mark of a restored database: when it was copied, in milliseconds since 1970 UTC. The copy does not
know what the channel took after that, which has most likely been answered."""


@contextmanager
def composing(outbox_id: str) -> Iterator[None]:
    """Run the code that builds a reply, before anything is sent; its own errors become `PermanentFailure`.

    An error of our own while a reply is built occurs again at each retry, and would block the replies behind it.

    Raises:
        DeliveryFailure: as it was raised.
        PermanentFailure: any other exception. The log has it.
    """
    try:
        yield
    except DeliveryFailure:
        raise
    except Exception as error:
        logger.exception("reply %s cannot be composed", outbox_id)
        raise PermanentFailure(f"it cannot be composed ({type(error).__name__}); the log has the error") from error


class Channel(ABC):
    """A store-and-forward channel to people. `PLUGIN.build` creates it; the constructor does no I/O.

    The core decides about retries and their pauses; a channel makes one attempt per call. It keeps no queue.

    Attributes:
        name: the name of its table in config.toml, `[channels.NAME]`.
    """

    name: str

    @abstractmethod
    async def send(self, outbound: Outbound) -> Sent:
        """Deliver one reply: one attempt. Up to 8 calls run at the same time, each to another address.

        Raises:
            TemporaryFailure: the reply was certainly not sent. The core retries it. `Unreachable` = the provider was
                not reached: after some of them another node does it.
            PermanentFailure: the reply was certainly not sent and cannot be. The core does not retry it.
            OutcomeUnknown: the reply may have been sent (e.g. a timeout after the request). The core calls `reconcile`
                before it sends the reply again. Any other exception is treated as this one; after the fifth one the
                core gives the reply up. Build the reply inside `composing`: its errors are then `PermanentFailure`.
        """

    @abstractmethod
    async def reconcile(self, outbound: Outbound) -> Reconciled:
        """Find out whether a reply of unknown outcome has reached the provider. `outbound.sending_since` is set.

        Returns:
            `Sent` = the provider has it; `NotSent` = the core sends it again; `Unknown` = the core asks again later.

        Raises:
            TemporaryFailure: the provider cannot be asked now. The core asks again later. `Unreachable` as in `send`.
            PermanentFailure: nobody can find out. The core gives the reply up.
        """

    def routes(self) -> Sequence[Route]:
        """Return the webhooks of this channel. It is called once, before `run`."""
        return ()

    async def run(self, ready: Callable[[], None]) -> None:
        """Receive messages until cancelled, and call `ready` when the channel can receive.

        A channel that receives by webhooks only needs no `run`. When `run` raises or returns, the core starts it again
        after a pause: 0.5 s at first, then doubled up to 60 s.

        Raises:
            TemporaryFailure: an expected problem; the core logs it without a traceback.
            ConfigError: the channel cannot work with this configuration; the core does not start it again.
        """
        ready()
        await asyncio.get_running_loop().create_future()  # until cancelled: a channel that returns is started again
