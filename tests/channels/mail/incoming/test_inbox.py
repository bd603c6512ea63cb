"""LMTP over real sockets."""

from __future__ import annotations

import asyncio
import os
import smtplib
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
import uvloop

from channels.mail.config import LmtpConfig
from channels.mail.incoming.inbox import MAX_CONNECTIONS, Inbox, Receive
from channels.mail.incoming.receiver import Receiver
from supervisor.demo.mailbox import deliver_raw
from supervisor.protocol.conversation import PROCESS_MARK
from supervisor.protocol.errors import ConfigError, StorageError, TemporaryFailure
from supervisor.protocol.messages import Address
from supervisor.protocol.ports.channel import OfAnotherNode
from tests.channels.hosts import RecordingHost
from tests.channels.mail.fixtures import ADMIN, US, config, mail, serving
from tests.descriptors import no_free_descriptor
from tests.slowness import scaled
from tests.waiting import until

T = TypeVar("T")

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

ON_BOTH_LOOPS = pytest.mark.parametrize(
    "loop", [uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"]
)
"""The daemon runs on uvloop, whose transports are no subclasses of asyncio's."""


async def with_client(address: str, talk: Callable[[smtplib.LMTP], T]) -> T:
    """Talk to the server as a mail server does, with the LMTP client of the standard library."""

    def conversation() -> T:
        host, _, port = address.rpartition(":")
        with smtplib.LMTP(host or address, int(port) if host else 0, local_hostname="mx.example.org") as client:
            return talk(client)

    return await asyncio.to_thread(conversation)


async def test_mail_is_answered_250_after_it_was_accepted() -> None:
    host = RecordingHost()
    async with serving(host) as (_, address):
        refused = await with_client(address, lambda client: client.sendmail(ADMIN, [US], mail()))
    assert refused == {}
    assert [inbound.text for inbound in host.accepted] == ["please build it"]


async def test_several_mails_come_over_one_connection() -> None:
    host = RecordingHost()

    def talk(client: smtplib.LMTP) -> None:
        for number in range(3):
            client.sendmail(ADMIN, [US], mail(body=f"number {number}"))

    async with serving(host) as (_, address):
        await with_client(address, talk)
    assert len(host.accepted) == 3


async def test_second_recipient_is_deferred_and_the_first_is_served() -> None:
    host = RecordingHost()
    async with serving(host) as (_, address):
        refused = await with_client(address, lambda client: client.sendmail(ADMIN, [US, "bot+x@example.org"], mail()))
    assert {to: code for to, (code, _) in refused.items()} == {"bot+x@example.org": 452}
    assert len(host.accepted) == 1


@pytest.mark.parametrize("to", ["other@example.org", "bot@example.org.evil.net", "bot@example.com"])
async def test_recipient_that_is_not_ours_is_refused(to: str) -> None:
    host = RecordingHost()
    async with serving(host) as (_, address):
        assert (await deliver_raw(address, mail(), envelope_from=ADMIN, recipients=[to])).startswith("550 ")
    assert host.traces == [(ADMIN, f"no mailbox of ours has the address {to}")]


async def test_plus_address_is_ours() -> None:
    host = RecordingHost()
    async with serving(host) as (_, address):
        answer = await deliver_raw(address, mail(), envelope_from=ADMIN, recipients=["Bot+token@Example.org"])
    assert answer.startswith("250 ")
    assert host.accepted[0].account == US


async def test_broken_store_is_answered_451_and_the_mail_comes_again() -> None:
    host = RecordingHost()
    host.fail_with = StorageError("disk full")
    async with serving(host) as (_, address):
        assert (await deliver_raw(address, mail(), envelope_from=ADMIN, recipients=[US])).startswith("451 ")
        host.fail_with = None
        assert (await deliver_raw(address, mail(), envelope_from=ADMIN, recipients=[US])).startswith("250 ")
    assert len(host.accepted) == 1


async def test_internal_error_is_answered_451_without_details(caplog: pytest.LogCaptureFixture) -> None:
    host = RecordingHost()
    host.fail_with = RuntimeError("a secret detail")
    async with serving(host) as (_, address):
        answer = await deliver_raw(address, mail(), envelope_from=ADMIN, recipients=[US])
    assert answer.startswith("451 ")
    assert "secret" not in answer
    assert "internal error" in caplog.text


def inbox(receive: Receive, **limits: float) -> Inbox:
    host = RecordingHost()
    return Inbox(config(), receive, host.comes_from_agent, host.dropped, host.about_port, **limits)


async def test_mail_that_takes_too_long_is_answered_451() -> None:
    async def receive(raw: bytes, envelope_sender: str) -> None:
        if b"slow" in raw:
            raise TemporaryFailure("it could not be read within 30 seconds")
        await asyncio.get_running_loop().create_future()

    async with inbox(receive, answer_seconds=0.1).listening() as address:
        for words in ("slow", "without end"):
            answer = await deliver_raw(address, mail(body=words), envelope_from=ADMIN, recipients=[US])
            assert answer.startswith("451 "), answer


async def test_eight_large_hostile_mails_of_a_stranger_are_all_answered() -> None:
    host = RecordingHost()
    host.strangers.add(Address(kind="mail", value=ADMIN))
    hostile = mail(("Content-Type", "text/html"), body="<td>x" * 76 + "\n") + (b"<td>x" * 76 + b"\r\n") * 32_000
    async with serving(host) as (_, address):
        answers = await asyncio.gather(
            *(deliver_raw(address, hostile, envelope_from=ADMIN, recipients=[US]) for _ in range(8))
        )
    assert [answer[:4] for answer in answers] == ["250 "] * 8
    assert len(host.traces) == 8


async def test_mail_of_26_mb_is_refused_with_552() -> None:
    host = RecordingHost()
    big = mail() + (b"x" * 76 + b"\r\n") * (26 * 1024 * 1024 // 78)
    async with serving(host) as (_, address):
        assert (await deliver_raw(address, big, envelope_from=ADMIN, recipients=[US])).startswith("552 ")
        assert (await deliver_raw(address, mail(), envelope_from=ADMIN, recipients=[US])).startswith("250 ")
    assert [inbound.text for inbound in host.accepted] == ["please build it"]
    assert host.traces == [(ADMIN, "it is larger than 26214400 bytes")]


async def test_announced_size_is_refused_before_the_mail_is_sent() -> None:
    host = RecordingHost()
    async with serving(host) as (_, address):
        code, _ = await with_client(address, lambda client: (client.ehlo(), client.mail(ADMIN, ["SIZE=30000000"]))[1])
    assert code == 552
    assert host.traces == [("<>", "its size is announced as 30000000 bytes")]


@pytest.mark.parametrize("mark", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n"])
async def test_bare_line_feeds_smuggle_no_second_mail(mark: bytes) -> None:
    host = RecordingHost()
    commands = b"MAIL FROM:<admin@example.com>\r\nRCPT TO:<bot@example.org>\r\nDATA\r\n"
    smuggled = mark + commands + mail(body="smuggled")
    raw = mail(body="first").removesuffix(b"\r\n") + smuggled
    async with serving(host) as (_, address):
        assert (await deliver_raw(address, raw, envelope_from=ADMIN, recipients=[US])).startswith("250 ")
    assert len(host.accepted) == 1
    assert host.accepted[0].text.startswith("first")


@pytest.mark.parametrize("end", [b"", b".", b"\r\n.", b"\n.\n", b"\r\n.\n"])
async def test_connection_cut_before_the_end_of_the_mail_accepts_nothing(end: bytes) -> None:
    host = RecordingHost()
    async with serving(host) as (_, address):
        server, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(server, int(port))
        writer.write(b"LHLO mx\r\nMAIL FROM:<admin@example.com>\r\nRCPT TO:<bot@example.org>\r\nDATA\r\n")
        while not (await reader.readline()).startswith(b"354"):
            pass
        writer.write(mail().removesuffix(b"\r\n") + end)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await deliver_raw(address, mail(body="later"), envelope_from=ADMIN, recipients=[US])).startswith("250")
    assert [inbound.text for inbound in host.accepted] == ["later"]


@ON_BOTH_LOOPS
def test_connections_are_bounded_and_freed(loop: LoopFactory) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(_hold_all_connections())


async def _hold_all_connections() -> None:
    host = RecordingHost()
    async with serving(host) as (_, address):
        server, _, port = address.rpartition(":")
        held = [await asyncio.open_connection(server, int(port)) for _ in range(MAX_CONNECTIONS)]
        for reader, _writer in held:
            assert (await reader.readline()).startswith(b"220")
        assert (await deliver_raw(address, mail(), envelope_from=ADMIN, recipients=[US])).startswith("421 ")
        for _reader, writer in held:
            writer.close()
            await writer.wait_closed()

        async def served() -> bool:
            answer = await deliver_raw(address, mail(), envelope_from=ADMIN, recipients=[US])
            return answer.startswith("250")

        await until(served, "there is room again")


@ON_BOTH_LOOPS
def test_open_connection_does_not_delay_the_stop(loop: LoopFactory) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(_stop_beside_an_open_connection())


async def _stop_beside_an_open_connection() -> None:
    async with serving(RecordingHost()) as (_, address):
        server, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(server, int(port))
        assert (await reader.readline()).startswith(b"220")
    assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize("limit", ["command_seconds", "session_seconds"])
async def test_silent_connection_is_closed_after_a_timeout(limit: str) -> None:
    async def receive(raw: bytes, envelope_sender: str) -> None:
        raise AssertionError("nothing was sent")

    async with inbox(receive, **{limit: scaled(1.0)}).listening() as address:
        server, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(server, int(port))
        writer.write(b"LHLO mx\r\nMAIL FROM:<admin@example.com>\r\nRCPT TO:<bot@example.org>\r\nDATA\r\nunfinished")
        async with asyncio.timeout(scaled(10)):
            assert b"354 " in await reader.read()
        writer.close()
        await writer.wait_closed()


async def test_commands_sent_ahead_are_answered_in_order() -> None:
    host = RecordingHost()
    async with serving(host) as (_, address):
        server, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(server, int(port))
        once = b"MAIL FROM:<admin@example.com>\r\nRCPT TO:<bot@example.org>\r\nDATA\r\n"
        writer.write(b"LHLO mx\r\n" + once + mail(body="one") + b".\r\n" + once + mail(body="two") + b".\r\n")
        writer.write(once + b".\r\nDATA\r\nQUIT\r\n")
        async with asyncio.timeout(scaled(10)):
            codes = [line[:3] for line in (await reader.read()).splitlines() if line[3:4] == b" "]
        writer.close()
        await writer.wait_closed()
    assert b" ".join(codes) == b"220 250 250 250 354 250 250 250 354 250 250 250 354 250 503 221"
    assert [inbound.text for inbound in host.accepted] == ["one", "two"]


@pytest.mark.parametrize(
    "content", [b".", b"..", b".a\r\n..\r\n.", b"\r\n", b"a" * 70_000, b"\r\n" * 40_000, b"x\n.\n", b"x\n.\r\nx"]
)
async def test_mail_arrives_byte_by_byte_as_it_was_sent(content: bytes) -> None:
    taken: list[bytes] = []

    async def receive(raw: bytes, envelope_sender: str) -> None:
        taken.append(raw)

    async with inbox(receive).listening() as address:
        await deliver_raw(address, content + b"\r\n", envelope_from=ADMIN, recipients=[US])
    assert taken == [content + b"\r\n"]


HAND_IN = """
import smtplib, sys
host, _, port = sys.argv[1].rpartition(":")
client = smtplib.LMTP(host or sys.argv[1], int(port) if host else 0, local_hostname="mx.example.org")
try:
    client.sendmail(sys.argv[2], [sys.argv[3]], sys.stdin.buffer.read())
except smtplib.SMTPException as error:
    sys.exit(str(error))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells it on Linux alone")
@pytest.mark.parametrize("by_path", [False, True])
async def test_a_mail_from_an_agent_is_refused(by_path: bool, tmp_path: Path) -> None:
    host = RecordingHost()
    settings = config(lmtp=LmtpConfig(path=str(tmp_path / "lmtp.sock"))) if by_path else config()
    said = []
    async with serving(host, settings) as (_, address):
        for mark in ({}, {PROCESS_MARK: "one"}):
            child = (sys.executable, "-c", HAND_IN, address, ADMIN, US)
            # The mark stands in the parent alone: an agent can start a child without it.
            parent = f"import subprocess, sys; sys.exit(subprocess.run({child!r}, env={{}}).returncode)"
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", parent),
                env={**os.environ, **mark},
                stdin=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            _, error = await process.communicate(mail())
            said.append(error.decode())
    assert said[0] == ""
    assert "550" in said[1]
    assert "Mail from an agent is refused" in said[1]
    assert len(host.accepted) == 1
    assert host.traces == [(ADMIN, "an agent on this machine handed it in")]


async def test_a_mail_from_the_machine_of_another_node_is_deferred_and_the_reason_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def elsewhere(connection: socket.socket) -> bool:
        raise OfAnotherNode

    host = RecordingHost()
    taken = Inbox(config(), Receiver(config(), host).receive, elsewhere, host.dropped, host.about_port)
    async with taken.listening() as address:
        answer = await deliver_raw(address, mail(), envelope_from=ADMIN, recipients=[US])
    assert answer.startswith("451 4.7.1 Not taken from the machine of another node")
    assert (host.accepted, host.traces) == ([], [])
    assert "a mail was deferred: it comes from the machine of another node" in caplog.text


@pytest.mark.parametrize("by_path", [False, True])
async def test_a_mail_is_deferred_while_no_file_is_free_to_look_up_its_sender(
    by_path: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    host = RecordingHost()
    settings = config(lmtp=LmtpConfig(path=str(tmp_path / "lmtp.sock"))) if by_path else config()

    def talk(client: smtplib.LMTP) -> None:
        with no_free_descriptor(), pytest.raises(smtplib.SMTPDataError) as caught:
            client.sendmail(ADMIN, [US], mail())
        assert caught.value.smtp_code == 451
        client.sendmail(ADMIN, [US], mail())

    async with serving(host, settings) as (_, address):
        await with_client(address, talk)
    assert len(host.accepted) == 1
    assert "a mail was deferred: the process at the other end cannot be looked up now" in caplog.text


async def test_unix_socket_is_private_and_removed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "lmtp.sock"
    host = RecordingHost()
    async with serving(host, config(lmtp=LmtpConfig(path=str(path)))) as (_, address):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert (await deliver_raw(address, mail(), envelope_from=ADMIN, recipients=[US])).startswith("250 ")
    assert len(host.accepted) == 1
    assert not path.exists()


async def test_socket_file_of_a_dead_process_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "lmtp.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with serving(RecordingHost(), config(lmtp=LmtpConfig(path=str(path)))) as (_, address):
        assert (await deliver_raw(address, mail(), envelope_from=ADMIN, recipients=[US])).startswith("250 ")


async def test_address_in_use_is_reported_and_not_replaced(tmp_path: Path) -> None:
    path = str(tmp_path / "lmtp.sock")
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(path)
        unix.listen()
        port = tcp.getsockname()[1]
        for lmtp, told in (
            (
                LmtpConfig(port=port),
                rf"lmtp\.port: .*{port}: Address already in use.*\(process {os.getpid()}, user ",
            ),
            (
                LmtpConfig(path=path),
                r"lmtp\.path: .*: Address already in use; stop the program that uses it, or set an",
            ),
        ):
            with pytest.raises(TemporaryFailure, match=rf"channels\.mail\.{told}"):
                async with serving(RecordingHost(), config(lmtp=lmtp)):
                    pass
    assert Path(path).exists()


async def test_file_that_is_not_a_socket_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(ConfigError, match="not a socket"):
        async with serving(RecordingHost(), config(lmtp=LmtpConfig(path=str(path)))):
            pass
    assert path.read_text() == "data"
