"""What channels and connectors get of the core: secrets, marks, messages in, reports of replies."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from supervisor.cluster.addresses import NodeAddresses
from supervisor.plugins.host import DaemonChannelHost, DaemonConnectorHost
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.messages import Address, Delivery
from supervisor.protocol.ports.channel import OfAnotherNode
from supervisor.protocol.status import OutboxState, TurnState
from supervisor.runtime.credentials import Credentials
from tests.fakes import RecordingChannel, ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import result, text_message
from tests.waiting import until


def host(
    core: Core,
    environ: Mapping[str, str] | None = None,
    *,
    public_url: str = "http://here/",
    nodes: NodeAddresses | None = None,
) -> DaemonChannelHost:
    """Return the host of the channel "sms"."""
    return DaemonChannelHost(
        "sms",
        credentials=Credentials(core.folder, environ or {}),
        intake=core.intake,
        outbox=core.outbox,
        threads=core.store.outbox,
        marks=core.store.keys,
        nodes=nodes or core.api.nodes,
        public_url=public_url,
    )


def core_with(folder: Path) -> Core:
    """Return a core whose connectors are scripted."""
    return Core(folder, connector=ScriptedConnector(), assistant=ScriptedConnector())


async def test_a_secret_comes_from_the_environment_and_a_missing_one_is_named(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        assert host(core, {"TWILIO_AUTH_TOKEN": "t"}).secret("TWILIO_AUTH_TOKEN") == "t"
        with pytest.raises(ConfigError, match="TWILIO_AUTH_TOKEN is not set") as missing:
            host(core).secret("TWILIO_AUTH_TOKEN")
        assert missing.value.key == "channels.sms"
        assert "TWILIO_AUTH_TOKEN_FILE" in missing.value.remedy


async def test_a_generated_secret_stays_the_same(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        assert host(core).generated_secret("sms") == host(core).generated_secret("sms")
        assert len(host(core).generated_secret("sms")) == 32


async def test_a_message_handed_in_is_answered_and_its_report_is_kept(tmp_path: Path) -> None:
    channel = RecordingChannel()
    async with core_with(tmp_path) as core:
        core.outbox.add_channel(channel)
        receipt = await host(core).accept(text_message("claude: hello"))
        await until(lambda: _is(core, receipt.message_id, TurnState.COMPLETED), "it is answered")
        (row,) = await core.store.outbox.due("sms", now_ms=2**60, limit=5)
        assert await core.store.outbox.begin(row.id, now_ms=1)
        assert await core.store.outbox.sent(row.id, "p1", "", (), now_ms=1)
        await host(core).delivered(Delivery(provider_id="p1", state="undelivered", error="the phone is off"))
        stored = await core.outbox.delivered("sms", Delivery(provider_id="p1", state="sent"))
        assert stored is not None
        assert stored.state is OutboxState.UNDELIVERED


async def _is(core: Core, message_id: object, state: TurnState) -> bool:
    return (await result(core, message_id)).turn.state is state  # type: ignore[arg-type]


async def test_only_addresses_of_users_are_known(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        sender = text_message("hello").sender
        assert host(core).knows(sender)
        assert not host(core).knows(Address(kind="mail", value=sender.value))


async def test_a_channel_can_ask_whether_a_message_was_accepted(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        message = text_message("claude: hello")
        assert not await host(core).was_accepted(message)
        await host(core).accept(message)
        assert await host(core).was_accepted(message)
        assert not await host(core).was_accepted(replace(message, dedup_key="another"))


async def test_what_is_dropped_leaves_a_trace_and_strangers_fill_no_disk(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        for number in range(600):
            await host(core).dropped(f"stranger {number}", "its signature is wrong")
        rows = await core.store._database.read(
            lambda connection: connection.execute(
                "SELECT count(*) FROM audit WHERE event = 'message.dropped'"
            ).fetchall()
        )
        assert rows == [(500,)]


async def test_marks_belong_to_the_channel_and_outlive_a_restart(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        await host(core).set_mark("seen", 7)
        assert await host(core).get_mark("unknown") is None
    async with core_with(tmp_path) as core:
        assert await host(core).get_mark("seen") == 7
        assert await core.store.keys.get_mark("sms/seen") == 7


async def test_a_thread_is_found_by_the_reply_that_it_answers(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        receipt = await host(core).accept(text_message("claude: hello", thread="t1"))
        await until(lambda: _is(core, receipt.message_id, TurnState.COMPLETED), "it is answered")
        (row,) = await core.store.outbox.due("sms", now_ms=2**60, limit=5)
        assert await core.store.outbox.begin(row.id, now_ms=1)
        assert await core.store.outbox.sent(row.id, "p1", "", (), now_ms=1)
        assert await host(core).find_thread(["strange", "p1"]) == "t1"
        assert await host(core).find_thread(["strange"]) is None
        (sent,) = await host(core).sent_replies(["strange", "p1"])
        assert re.fullmatch(r"hello(\n\n\(\d+ s\))?", sent.text)  # a slow turn's duration stands below its answer
        assert row.to == Address(kind="sms", value="+15550100")


async def test_the_public_url_has_no_trailing_slash(tmp_path: Path) -> None:
    async with core_with(tmp_path) as core:
        assert host(core).public_url == "http://here"
        assert host(core, public_url="").public_url == ""


def test_a_connector_gets_its_secrets_and_the_daemons_own_folders(tmp_path: Path) -> None:
    side = DaemonConnectorHost(Credentials(tmp_path, {"CLAUDE_CODE_AUTH_TOKEN": "t"}), [tmp_path, tmp_path / "shared"])
    assert side.secret("CLAUDE_CODE_AUTH_TOKEN") == "t"
    assert side.secret("ANTHROPIC_API_KEY") is None
    assert side.state_dir == str(tmp_path)
    assert side.own_folders == [str(tmp_path), str(tmp_path / "shared")]


class Elsewhere(NodeAddresses):
    """Takes every address for one of another node's machine."""

    async def are_elsewhere(self, host: str) -> bool:
        assert host == "127.0.0.1"
        return True


async def test_a_connection_from_the_machine_of_another_node_is_told_apart(
    tmp_path: Path,
) -> None:
    async with core_with(tmp_path) as core:
        alone, several = host(core), host(core, nodes=Elsewhere(core.elsewhere.cluster))
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            socket.create_connection(server.getsockname()),
            server.accept()[0] as accepted,
        ):
            assert not await alone.comes_from_agent(accepted)
            with pytest.raises(OfAnotherNode, match="from the machine of another node"):
                await several.comes_from_agent(accepted)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            assert not await several.comes_from_agent(ours)
