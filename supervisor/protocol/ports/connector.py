"""The port of connectors, which open conversations with what answers, and what the core gives them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from supervisor.protocol.conversation import (
    ConversationEvent,
    Exchange,
    ProcessIdentity,
    Prompt,
    SessionSpec,
    Trace,
)
from supervisor.protocol.messages import MessageId
from supervisor.protocol.ports.checks import Check

OWN_ERROR = "x-xswarm-error"
"""Header of an error that is no answer of the API, but one of our gateway; its value is the wire code."""


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

    async def freeze(self) -> bool:
        """Stop everything that the conversation has started in the middle of what it does, until `thaw`.

        It may run twice, and `close` may follow it.

        Returns:
            whether nothing of it runs any more; False = it cannot be stopped like that.
        """
        return self.identity is None

    async def thaw(self) -> None:  # noqa: B027 - where nothing can be frozen, nothing is to be done
        """Let what `freeze` has stopped go on. It may run without a `freeze` before."""

    @abstractmethod
    def events(self) -> AsyncIterator[ConversationEvent]:
        """Yield the events in order; the last one is `Exited`. Cancelling the iteration must lose no event."""


class Connector(ABC):
    """Opens conversations with what answers. `PLUGIN.build` creates it; the constructor does no I/O.

    Attributes:
        name: the value of `connector` in config.toml.
    """

    name: str
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

    async def warm_up(self) -> None:  # noqa: B027 - a connector without it has nothing to load
        """Load what the first conversation needs. Called in the background once the daemon is ready; `open` may come
        before it."""

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

    @property
    def own_folders(self) -> Sequence[str]:
        """The absolute paths of the folders whose content no agent may see but for its own: state.dir, and
        cluster.shared_dir where it is set."""
