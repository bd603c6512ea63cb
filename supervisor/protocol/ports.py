"""The ports of plug-ins: what channels and connectors implement, and what the core gives them.

A channel carries messages between people and the daemon (SMS, mail). A connector opens conversations with what answers
them (Claude Code, the assistant). A plug-in is a package `channels/NAME` or `connectors/NAME` whose module `plugin` has
a constant `PLUGIN`. It imports `supervisor.protocol` and nothing else of xswarm. Example, `channels/pager/plugin.py`::

    @dataclass(frozen=True, slots=True, kw_only=True)
    class PagerConfig:  # the keys of [channels.pager] in config.toml
        number: str

    class PagerChannel(Channel):
        name = "pager"

        def __init__(self, config: PagerConfig, host: ChannelHost) -> None: ...
        async def send(self, outbound: Outbound) -> Sent: ...
        async def reconcile(self, outbound: Outbound) -> Reconciled: ...

    PLUGIN = ChannelPlugin(name="pager", config=PagerConfig, build=PagerChannel)

The contract tests `tests/channels/contract.py` and `tests/connectors/contract.py` check the rules of these ports.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from supervisor.protocol.conversation import (
    ConversationEvent,
    Exchange,
    ProcessIdentity,
    Prompt,
    SessionSpec,
    Trace,
)
from supervisor.protocol.errors import DeliveryFailure, PermanentFailure
from supervisor.protocol.messages import Address, Delivery, Inbound, MessageId, Outbound, Receipt, Reconciled, Sent

logger = logging.getLogger(__name__)

ConfigT = TypeVar("ConfigT")


async def _not_from_agent() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRequest:
    """A request on a route of a channel.

    Attributes:
        method: in upper case.
        path: decoded, without the query.
        query: the raw query string, without `?`.
        url: the public URL as the provider signs it: `http.public_url`, raw path and query; no forwarded headers.
        headers: names in lower case.
        body: raw bytes, at most 64 KiB.
        from_agent: returns whether an agent started the sending process, as far as this machine can tell; raises
            TemporaryFailure if it cannot tell now. It is expensive: call it after the signature is verified.
    """

    method: str
    path: str
    query: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    from_agent: Callable[[], Awaitable[bool]] = _not_from_agent


@dataclass(frozen=True, slots=True, kw_only=True)
class WebResponse:
    """The response to a `WebRequest`."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A webhook of a channel on the HTTP server. The channel itself authenticates every request.

    Attributes:
        method: in upper case.
        path: must start with `/webhooks/`.
        handler: answers a request that is not authentic with status 403, and accepts nothing from it.
    """

    method: str
    path: str
    handler: Callable[[WebRequest], Awaitable[WebResponse]]


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

    async def dropped(self, sender: str, why: str, message: Inbound | None = None) -> None:
        """Record that a message was not handed in, and why. An operator may let `message` in; None = they cannot.

        Raises:
            StorageError: nothing was recorded.
        """

    async def comes_from_agent(self, connection: socket.socket) -> bool:
        """Return whether an agent started the process at the other end; TemporaryFailure = this cannot be told now."""

    async def delivered(self, delivery: Delivery) -> bool:
        """Record a provider's delivery report; False = no reply is known by it. Reports may be repeated, in any order.

        Raises:
            StorageError: nothing was recorded. Let the provider send the report again.
        """

    async def find_thread(self, provider_ids: Sequence[str]) -> str | None:
        """Return the thread of an earlier reply of this channel that has one of these provider ids; None = none has."""

    async def sent_replies(self, provider_ids: Sequence[str]) -> list[Outbound]:
        """Return earlier replies of this channel with these provider ids, in the order of the ids.

        A channel uses them to recognise what a message repeats of our own replies. Unknown ids are skipped.
        """

    async def recent_replies(self, to: Address) -> list[Outbound]:
        """Return the replies that this channel has sent to an address lately, the newest first."""

    async def get_mark(self, name: str) -> int | None:
        """Return a number that this channel stored with `set_mark`; None = it stored none."""

    async def set_mark(self, name: str, value: int) -> None:
        """Store a number of this channel, e.g. the position up to which it has read the provider's list."""


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
            TemporaryFailure: the reply was certainly not sent. The core retries it.
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
            TemporaryFailure: the provider cannot be asked now. The core asks again later.
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


class Conversation(ABC):
    """An open conversation of one session. One task iterates `events`; any task may call the other methods.

    Every prompt that is written ends in exactly one `Finished` or `Failed` with its `message_id`, even when it is
    interrupted or the conversation is closed.
    """

    @property
    def identity(self) -> ProcessIdentity | None:
        """The process behind the conversation; None = it has no process on this machine."""
        return None

    @abstractmethod
    async def prompt(self, prompt: Prompt) -> None:
        """Write a prompt. It returns when the prompt is written; the outcome comes as an event.

        The core writes the next prompt after the outcome of the last one, except to a connector with `steers`.

        Raises:
            ConnectionFailed: the prompt was certainly not written.
        """

    @abstractmethod
    async def interrupt(self) -> None:
        """Stop the running turn, which then ends with `Failed(interrupted=True)`. Without a turn it does nothing."""

    @abstractmethod
    async def close(self) -> None:
        """Close the conversation and everything that it started. It returns when nothing is left. It may run twice."""

    @abstractmethod
    def events(self) -> AsyncIterator[ConversationEvent]:
        """Yield the events in order; the last one is `Exited`. Cancelling the iteration must lose no event."""


class Connector(ABC):
    """Opens conversations with what answers. `PLUGIN.build` creates it; the constructor does no I/O.

    Attributes:
        name: the value of `connector` in config.toml.
    """

    name: str
    keeps_process: bool = True
    """Whether a conversation holds a process or a connection between turns."""
    steers: bool = False
    """Whether a prompt may be written during a turn. It then becomes part of that turn, or a turn of its own after it.
    In both cases it has its own `Finished` or `Failed`."""

    @abstractmethod
    async def open(self, session: SessionSpec, history: Sequence[Exchange]) -> Conversation:
        """Start or resume a conversation. It returns when the conversation can take a prompt.

        Args:
            history: earlier exchanges from our own database, oldest first, for a connector that stores none or has lost
                its own copy.

        Raises:
            ConnectionFailed: it did not start; `why` is a sentence for the user.
        """

    async def trace(self, home: str, conversation_id: str, key: MessageId) -> Trace:
        """Return how far a prompt got whose process died with an earlier run of the daemon.

        Args:
            home: `SessionSpec.home` of the session.
            conversation_id: `SessionSpec.conversation_id` of the session.
            key: `Prompt.key` of the prompt.
        """
        return Trace()

    async def examine(self) -> Sequence[Check]:
        """Check the requirements of this connector for `xswarm doctor`. It changes nothing; a daemon may be running."""
        return ()

    async def prepare(self) -> Sequence[str]:
        """Check the requirements of this connector, once when the daemon starts.

        Returns:
            Sentences for the log: what is in force, and what is missing but not required.

        Raises:
            ConfigError: the connector cannot work; the daemon does not start.
        """
        return ()


class ConnectorHost(Protocol):
    """What the core gives a connector."""

    def secret(self, name: str) -> str | None:
        """Return a secret from the environment variable `NAME` or the file in `NAME_FILE`; None = it is not set."""

    @property
    def state_dir(self) -> str:
        """The absolute path of state.dir."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPlugin(Generic[ConfigT]):
    """The `PLUGIN` of a channel.

    Attributes:
        name: the name of the package and of the table `[channels.NAME]`.
        config: a dataclass; its fields are the keys of the table. A key without a field is refused.
        build: creates the channel.
    """

    name: str
    config: type[ConfigT]
    build: Callable[[ConfigT, ChannelHost], Channel]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorPlugin(Generic[ConfigT]):
    """The `PLUGIN` of a connector.

    Attributes:
        name: the name of the package and the value of `connector` in config.toml.
        config: a dataclass; its fields are those keys of `[claude_code]` that the connector uses (for the assistant, of
            `[assistant]`).
        build: creates the connector.
    """

    name: str
    config: type[ConfigT]
    build: Callable[[ConfigT, ConnectorHost], Connector]


AnyChannelPlugin = ChannelPlugin[Any]
AnyConnectorPlugin = ConnectorPlugin[Any]


class Standing(StrEnum):
    """The result of a check."""

    OK = "ok"
    """It works."""
    WARNING = "warning"
    """It works, but something is missing or limited."""
    FAILED = "failed"
    """It does not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of `xswarm doctor`. It never holds a secret.

    Attributes:
        name: what was checked, in a few words.
        detail: the finding, as a sentence.
        remedy: what to do; empty = nothing.
    """

    name: str
    status: Standing
    detail: str
    remedy: str = ""
