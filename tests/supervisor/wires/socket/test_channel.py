"""Replies that leave by the socket: written, parked, taken up again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from supervisor.delivery.replies import reply_id
from supervisor.protocol.errors import PermanentFailure, TemporaryFailure
from supervisor.protocol.messages import VERBATIM, Address, MessageId, NotSent, Outbound, OutboxId
from supervisor.protocol.status import OutboxState
from supervisor.wires.socket.channel import SocketChannel
from tests.supervisor.harness import SERVICE
from tests.supervisor.wires.socket.socket_serving import Listening
from tests.waiting import until

HOLD = {"from": "+15550100", "to": "+15550199", "message": "hold", "user": "alice"}
META: dict[str, Any] = {"type": "sms_received", "to": "+15550100", "user": "alice", "request_id": "r"}


def outbound(account: str) -> Outbound:
    """Return a reply to a text of an account."""
    return Outbound(
        id=reply_id(MessageId("m1")),
        channel="socket",
        account="+15550199",
        to=Address(kind="socket", value=account),
        text="hello",
        meta=META,
        message_id=MessageId("m1"),
    )


async def test_a_reply_is_sent_when_it_is_written_under_its_own_id(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        account = listening.core.directory.caller(SERVICE).account
        sent = await SocketChannel(listening.server).send(outbound(account))
        assert sent.provider_id == reply_id(MessageId("m1"))
        assert await client.receive() == {
            "type": "send_sms_response",
            "to": "+15550100",
            "message": "hello",
            "user": "alice",
            "message_id": "m1",
            "request_id": "r",
        }


async def test_a_reply_that_cannot_be_composed_is_a_permanent_failure(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        with pytest.raises(PermanentFailure, match="cannot be composed"):
            await SocketChannel(listening.server).send(replace(outbound("caller:service"), meta={"type": "gone"}))


async def test_a_notice_goes_to_a_connection_that_asks_for_notices_under_an_id_of_its_own(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        await client.send("auth", token=SERVICE, notices=True)
        assert (await client.receive())["success"]
        other = await listening.client()
        account = listening.core.directory.caller(SERVICE).account
        notice = replace(outbound(account), id=OutboxId("o1"), text="it waits")
        await SocketChannel(listening.server).send(notice)
        expected = {"type": "send_sms_response", "to": "+15550100", "message": "it waits", "user": "alice"}
        assert await client.receive() == {**expected, "message_id": "o1"}
        await SocketChannel(listening.server).send(outbound(account))
        assert (await other.receive())["message_id"] == "m1", "the newest connection gets the answer, and got no notice"


async def test_a_notice_that_no_connection_asked_for_is_dropped_and_a_question_is_not(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        account = listening.core.directory.caller(SERVICE).account
        notice = replace(outbound(account), id=OutboxId("o1"), text="it waits")
        assert (await SocketChannel(listening.server).send(notice)).provider_id == "o1"
        question = replace(outbound(account), id=OutboxId("o2"), text="allow it?", meta={**META, VERBATIM: True})
        await SocketChannel(listening.server).send(question)
        got = await client.receive()
        assert (got["message"], got["message_id"]) == ("allow it?", "o2")


async def test_a_notice_without_a_connection_of_its_token_is_parked(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        with pytest.raises(TemporaryFailure) as failure:
            await SocketChannel(listening.server).send(replace(outbound("caller:service"), id=OutboxId("o1")))
        assert failure.value.parked


async def test_a_reply_without_a_connection_of_its_token_is_parked(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        await listening.client(await listening.core.token("alice"))
        with pytest.raises(TemporaryFailure) as failure:
            await SocketChannel(listening.server).send(outbound("caller:service"))
        assert failure.value.parked


async def test_a_reply_of_unknown_outcome_was_not_sent(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        assert await SocketChannel(listening.server).reconcile(outbound("caller:service")) == NotSent()


async def test_a_reply_whose_connection_is_gone_waits_for_the_next_one_of_the_same_token(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        made = await listening.core.accounts.create_token(service="gateway")
        client = await listening.client(made["token"])
        await client.send("sms_received", **HOLD, request_id="r")
        await until(listening.assistant.held, "the prompt to be held")
        await client.websocket.close()
        stranger = await listening.client()
        listening.assistant.release("at last")

        async def parked() -> bool:
            counts = await listening.core.store.outbox.counts()
            due = await listening.core.store.outbox.next_due_ms("socket")
            return counts.get(OutboxState.PENDING) == 1 and due is not None and due > 2_000

        await until(parked, "the reply to be parked")
        assert await stranger.quiet()
        back = await listening.client(made["token"])
        answer = await back.receive()
        assert (answer["type"], answer["message"], answer["request_id"]) == ("send_sms_response", "at last", "r")
        assert await stranger.quiet()


async def test_a_parked_reply_outlives_the_daemon(tmp_path: Path) -> None:
    async with Listening(tmp_path, parked=True) as listening:
        client = await listening.client()
        await client.send("sms_received", **{**HOLD, "message": "hello"})

        async def waits() -> bool:
            return (await listening.core.store.outbox.counts()).get(OutboxState.PENDING) == 1

        await until(waits, "the reply to be in the outbox")
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        assert (await client.receive())["message"] == "hello"


async def test_a_reply_that_finds_nobody_just_when_its_recipient_returns_is_not_left_behind(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        for _ in range(10):
            client = await listening.client()
            await client.send("sms_received", **HOLD)
            await until(listening.assistant.held, "the prompt to be held")
            await client.websocket.close()
            await until(lambda: listening.server.client_count == 0, "the connection to end")
            listening.assistant.release()
            back = await listening.client()  # at the same time as the reply is tried
            assert (await back.receive())["message"] == "released"
            await back.websocket.close()
            await until(lambda: listening.server.client_count == 0, "the connection to end")


async def test_the_reply_goes_to_the_connection_that_asked(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        clients = [await listening.client() for _ in range(5)]
        for number, client in enumerate(clients):
            await client.send("sms_received", **{**HOLD, "message": f"text {number}"}, request_id=str(number))
        answers = await asyncio.gather(*(client.receive() for client in clients))
        assert [(a["message"], a["request_id"]) for a in answers] == [(f"text {n}", str(n)) for n in range(5)]
