"""The contract of `Channel`, which every channel must fulfil.

A channel joins with a row in the table of test_contract.py: a factory that gives a `Backend`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from supervisor import config
from supervisor.protocol.errors import ConfigError, OutcomeUnknown, StorageError, TemporaryFailure
from supervisor.protocol.ids import uuid7
from supervisor.protocol.messages import Address, NotSent, Outbound, OutboxId, Sent, Unknown
from supervisor.protocol.ports.channel import Channel
from supervisor.protocol.ports.plugin import AnyChannelPlugin
from supervisor.protocol.ports.web import WebRequest
from tests.channels.hosts import RecordingHost
from tests.waiting import until


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A channel with its provider.

    Attributes:
        table: its table in config.toml.
        to: whom a reply can reach.
        arrived: the texts that the provider has taken.
        lose_answer: the provider takes the next reply, and its answer is lost.
        stop: the provider is gone: nothing reaches it any more.
    """

    plugin: AnyChannelPlugin
    table: Mapping[str, Any]
    channel: Channel
    host: RecordingHost
    to: Address
    arrived: Callable[[], list[str]]
    lose_answer: Callable[[], None]
    stop: Callable[[], Any]

    def reply(self, text: str = "The tests pass.") -> Outbound:
        """Return a reply to deliver."""
        return Outbound(
            id=OutboxId(uuid7()), channel=self.plugin.name, account="", to=self.to, text=text, meta={"subject": "tests"}
        )


BackendFactory = Callable[[], AbstractAsyncContextManager[Backend]]


@asynccontextmanager
async def running(channel: Channel) -> AsyncIterator[None]:
    """Serve a channel; it must say that it is ready, and end when it is cancelled."""
    ready = asyncio.Event()
    task = asyncio.create_task(channel.run(ready.set), name=f"channel {channel.name}")
    try:
        await until(lambda: ready.is_set() or task.done(), "the channel to be ready")
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class ChannelContract:
    """The contract; a subclass gives the fixture `backend`."""

    async def test_name_is_that_of_its_table(self, backend: Backend) -> None:
        assert backend.channel.name == backend.plugin.name

    async def test_unknown_key_of_its_table_is_an_error_that_names_it(self, backend: Backend) -> None:
        with pytest.raises(ConfigError) as caught:
            config.parse(backend.plugin.config, {**backend.table, "nonsense": 1}, f"channels.{backend.plugin.name}")
        assert caught.value.key == f"channels.{backend.plugin.name}.nonsense"

    async def test_reply_arrives_once_and_has_the_providers_id(self, backend: Backend) -> None:
        async with running(backend.channel):
            sent = await backend.channel.send(backend.reply())
        assert sent.provider_id
        (text,) = backend.arrived()
        assert "The tests pass." in text

    async def test_two_replies_have_two_ids(self, backend: Backend) -> None:
        async with running(backend.channel):
            first = await backend.channel.send(backend.reply("one"))
            second = await backend.channel.send(backend.reply("two"))
        assert first.provider_id != second.provider_id

    async def test_provider_that_is_gone_is_a_temporary_failure(self, backend: Backend) -> None:
        async with running(backend.channel):
            await backend.stop()
            with pytest.raises(TemporaryFailure):
                await backend.channel.send(backend.reply())

    async def test_lost_answer_is_an_unknown_outcome_that_can_be_reconciled(self, backend: Backend) -> None:
        backend.lose_answer()
        reply = replace(backend.reply(), sending_since=1)
        async with running(backend.channel):
            with pytest.raises(OutcomeUnknown):
                await backend.channel.send(reply)
            found = await backend.channel.reconcile(reply)
        assert isinstance(found, Sent | NotSent | Unknown)

    async def test_forged_request_is_refused_and_accepts_nothing(self, backend: Backend) -> None:
        for route in backend.channel.routes():
            request = WebRequest(
                method=route.method,
                path=route.path,
                query="",
                url=f"{backend.host.public_url}{route.path}",
                headers={"content-type": "application/x-www-form-urlencoded"},
                body=b"Body=hello",
            )
            assert (await route.handler(request)).status == 403
        assert backend.host.accepted == []

    async def test_webhook_paths_start_with_webhooks(self, backend: Backend) -> None:
        assert all(route.path.startswith("/webhooks/") for route in backend.channel.routes())

    async def test_store_failure_does_not_end_the_channel(self, backend: Backend) -> None:
        backend.host.fail_with = StorageError("the disk is full")
        async with running(backend.channel):
            await backend.channel.send(backend.reply())
        assert len(backend.arrived()) == 1
