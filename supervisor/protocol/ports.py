"""The contracts of plug-ins: what a channel and a connector offer, and what the core gives them.

A channel or connector is one module with a `PLUGIN` of type `ChannelPlugin` or `ConnectorPlugin` and one table in
config.toml. It imports `supervisor.protocol` only.
"""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
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
from supervisor.protocol.messages import Delivery, Inbound, MessageId, Outbound, Receipt, Reconciled, Sent

ConfigT = TypeVar("ConfigT")


async def _unknown() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRequest:
    """A request on a path that a channel has declared.

    Attributes:
        url: the public URL as the caller sees it: `http.public_url` + path + query, never from forwarded headers.
        headers: names in lower case.
        body: raw bytes, at most 64 KiB.
        from_agent: tells whether it comes from a process that descends from an agent, as far as this machine shows;
            to be asked once it is known to be genuine, as it reads much.
    """

    method: str
    path: str
    query: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    from_agent: Callable[[], Awaitable[bool]] = _unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class WebResponse:
    """The answer to a `WebRequest`."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A path on the HTTP server that belongs to a channel; the channel authenticates every request itself."""

    method: str
    path: str
    handler: Callable[[WebRequest], Awaitable[WebResponse]]


class ChannelHost(Protocol):
    """What the core gives a channel."""

    @property
    def public_url(self) -> str:
        """`http.public_url` without a trailing slash; empty where none is configured and the daemon is not ready."""

    def secret(self, name: str) -> str:
        """Return a secret from the environment or `NAME_FILE`.

        Raises:
            ConfigError: it is not set.
        """

    def generated_secret(self, name: str) -> bytes:
        """Return 32 bytes of our own, made at first use and kept in state.dir (0600)."""

    async def accept(self, inbound: Inbound) -> Receipt:
        """Hand in a message; returns after the commit. A receipt without `message_id` means: say nothing to anybody.

        Raises:
            StorageError: nothing was accepted; the provider should try again.
        """

    async def dropped(self, sender: str, why: str) -> None:
        """Leave a trace of a message that was not handed in: forged, automatic, or from nobody.

        Raises:
            StorageError: nothing was recorded.
        """

    async def comes_from_agent(self, connection: socket.socket) -> bool:
        """Return whether a process that descends from an agent is at the other end, as far as this machine shows."""

    async def delivered(self, delivery: Delivery) -> None:
        """Record what the provider says of a reply; repetitions and reports out of order are harmless.

        Raises:
            StorageError: nothing was recorded.
        """

    async def find_thread(self, provider_ids: Sequence[str]) -> str | None:
        """Return the thread of an earlier reply of this channel by any of its provider ids, or None."""

    async def get_mark(self, name: str) -> int | None:
        """Return a number that this channel has kept, e.g. how far it has caught up."""

    async def set_mark(self, name: str, value: int) -> None:
        """Keep a number over restarts."""


class Channel(ABC):
    """A store-and-forward way to people. Built by its `PLUGIN`; the constructor does no I/O."""

    name: str

    @abstractmethod
    async def send(self, outbound: Outbound) -> Sent:
        """Deliver one reply.

        Raises:
            TemporaryFailure: certainly not sent.
            PermanentFailure: certainly not sent, and never will be.
            OutcomeUnknown: may have been sent. Any other exception counts as this one.
        """

    @abstractmethod
    async def reconcile(self, outbound: Outbound) -> Reconciled:
        """Ask the provider whether a send of unknown outcome has reached it.

        Raises:
            TemporaryFailure: the provider cannot be asked now.
        """

    def routes(self) -> Sequence[Route]:
        """Return the webhook paths of this channel."""
        return ()

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until cancelled, calling `ready` once it listens; restarted with back-off when it raises."""
        ready()


class Conversation(ABC):
    """A live link to what answers, for one session. Exactly one task iterates `events`."""

    @property
    def identity(self) -> ProcessIdentity | None:
        """The process behind it, or None where there is none of ours."""
        return None

    @abstractmethod
    async def prompt(self, prompt: Prompt) -> None:
        """Write a prompt; returns when it is written, its `Finished` or `Failed` comes as an event.

        Raises:
            ConnectionFailed: it was certainly not written.
        """

    @abstractmethod
    async def interrupt(self) -> None:
        """Stop the running turn, which then ends in `Failed(interrupted=True)`; harmless with nothing running."""

    @abstractmethod
    async def close(self) -> None:
        """End it and everything it started; returns when nothing is left. May be called twice."""

    @abstractmethod
    def events(self) -> AsyncIterator[ConversationEvent]:
        """Yield what happens; ends after `Exited`."""


class Connector(ABC):
    """A way to something that answers."""

    name: str
    keeps_process: bool = True
    """Whether a conversation holds a process or connection between turns (the assistant holds none)."""
    steers: bool = False
    """Whether a prompt may be written while another runs: it is taken into that turn, or is a turn of its own after it;
    each of the two has its own `Finished` or `Failed`."""

    @abstractmethod
    async def open(self, session: SessionSpec, history: Sequence[Exchange]) -> Conversation:
        """Start or resume the conversation; returns when it answers.

        Args:
            history: what we have of it, for a connector that keeps nothing, or that lost what it kept.

        Raises:
            ConnectionFailed: it did not start; the reason is a sentence for the person.
        """

    async def trace(self, home: str, conversation_id: str, key: MessageId) -> Trace:
        """Return how far a prompt had come whose process died with an earlier daemon.

        Args:
            home, conversation_id: of its session (`SessionSpec`).
            key: of the prompt.
        """
        return Trace()

    async def examine(self) -> Sequence[Check]:
        """Say how what it needs stands, for `xswarm doctor`; changes nothing, and may run beside a daemon."""
        return ()

    async def prepare(self) -> Sequence[str]:
        """Check what it needs, once at start; return sentences for the operator (what is in force, what is lacking).

        Raises:
            ConfigError: it cannot work at all.
        """
        return ()


class ConnectorHost(Protocol):
    """What the core gives a connector."""

    def secret(self, name: str) -> str | None:
        """Return a secret from the environment or `NAME_FILE`, or None where it is not set."""

    @property
    def state_dir(self) -> str:
        """Absolute path of state.dir."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPlugin(Generic[ConfigT]):
    """A channel's entry: its table in config.toml, and how it is built from it."""

    name: str
    config: type[ConfigT]
    build: Callable[[ConfigT, ChannelHost], Channel]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorPlugin(Generic[ConfigT]):
    """A connector's entry: its settings, and how it is built from them.

    Attributes:
        config: a dataclass whose fields are keys of `[claude_code]` (of `[assistant]` for the assistant) by name.
    """

    name: str
    config: type[ConfigT]
    build: Callable[[ConfigT, ConnectorHost], Connector]


AnyChannelPlugin = ChannelPlugin[Any]
AnyConnectorPlugin = ConnectorPlugin[Any]


class Standing(StrEnum):
    """How something stands."""

    OK = "ok"
    WARNING = "warning"
    """It works, with less than it could do, or not for everything."""
    FAILED = "failed"
    """It does not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at; it never holds a secret.

    Attributes:
        detail: what was found, in a sentence.
        remedy: what to do; empty where nothing need be done.
    """

    name: str
    status: Standing
    detail: str
    remedy: str = ""
