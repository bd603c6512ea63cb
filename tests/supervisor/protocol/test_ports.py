"""The default behaviour of the ports of plug-ins."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

import pytest

from supervisor.protocol.conversation import ConversationEvent, Exchange, Exited, Prompt, SessionSpec
from supervisor.protocol.errors import PermanentFailure, TemporaryFailure
from supervisor.protocol.messages import Outbound, Reconciled, Sent, Unknown
from supervisor.protocol.ports.channel import Channel, composing
from supervisor.protocol.ports.connector import Connector, Conversation
from supervisor.protocol.ports.web import WebResponse


class LeastChannel(Channel):
    """A channel with what it must have, and no more."""

    name = "least"

    async def send(self, outbound: Outbound) -> Sent:
        return Sent(provider_id="1")

    async def reconcile(self, outbound: Outbound) -> Reconciled:
        return Unknown()


class LeastConversation(Conversation):
    """A conversation with what it must have, and no more."""

    async def prompt(self, prompt: Prompt) -> None:
        pass

    async def interrupt(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def events(self) -> AsyncIterator[ConversationEvent]:
        yield Exited()


class LeastConnector(Connector):
    """A connector with what it must have, and no more."""

    name = "least"

    async def open(self, session: SessionSpec, history: Sequence[Exchange]) -> Conversation:
        return LeastConversation()


async def test_a_channel_that_only_sends_is_ready_at_once_and_runs_until_it_is_cancelled() -> None:
    channel, ready = LeastChannel(), asyncio.Event()
    assert list(channel.routes()) == []
    running = asyncio.create_task(channel.run(ready.set), name="run the channel")
    await ready.wait()
    await asyncio.sleep(0)
    assert not running.done()  # the core starts a channel again that returns
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_connector_without_requirements_reports_nothing() -> None:
    connector = LeastConnector()
    assert await connector.prepare() == ()
    await connector.warm_up()


def test_a_conversation_without_a_process_of_ours_has_no_identity() -> None:
    assert LeastConversation().identity is None


@pytest.mark.parametrize("port", [Channel, Conversation, Connector])
def test_a_plugin_without_a_method_cannot_be_built(port: type) -> None:
    with pytest.raises(TypeError, match="abstract"):
        port()


@pytest.mark.parametrize("port", [Channel, Conversation, Connector])
def test_a_port_stays_small(port: type) -> None:
    assert len([name for name in vars(port) if not name.startswith("_")]) <= 7


def test_an_answer_to_a_webhook_is_plain_text_unless_it_says_otherwise() -> None:
    response = WebResponse(status=200)
    assert (response.body, response.content_type, dict(response.headers)) == (b"", "text/plain; charset=utf-8", {})


def test_an_error_of_our_own_is_permanent_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(PermanentFailure, match="UnicodeEncodeError"), composing("r1"):
        "\ud800".encode()
    assert "reply r1 cannot be composed" in caplog.text


def test_a_failure_of_delivery_stays_as_it_is() -> None:
    with pytest.raises(TemporaryFailure), composing("r1"):
        raise TemporaryFailure("busy")
