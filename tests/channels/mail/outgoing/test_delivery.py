"""Sending to an SMTP server that fails on purpose."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from channels.mail.config import SmtpConfig
from channels.mail.outgoing.delivery import Submission
from supervisor.demo.mailbox import MailboxStandIn, Trouble
from supervisor.protocol.errors import DeliveryFailure, OutcomeUnknown, PermanentFailure, TemporaryFailure
from supervisor.protocol.ports.channel import Unreachable
from tests.channels.mail.fixtures import ADMIN, US, config, mail
from tests.slowness import scaled
from tests.waiting import until


def submission(port: int, timeout: float = scaled(10.0), password: str | None = None, **smtp: Any) -> Submission:
    values: dict[str, Any] = {"host": "127.0.0.1", "port": port, "tls": "none"}
    return Submission(config(smtp=SmtpConfig(**values | smtp)), password, timeout)


async def test_mail_reaches_the_server_with_our_envelope() -> None:
    async with MailboxStandIn() as server:
        await submission(server.port).submit(mail(body=".dot\nü"), ADMIN)
        (taken,) = server.messages
    assert (taken.envelope_from, taken.envelope_to) == (US, (ADMIN,))
    assert taken.raw == mail(body=".dot\nü")


@pytest.mark.parametrize(
    ("trouble", "failure"),
    [
        (Trouble(reject_sender="451 4.3.0 busy"), TemporaryFailure),
        (Trouble(reject_sender="550 5.7.1 no"), PermanentFailure),
        (Trouble(reject_recipient="450 4.2.1 greylisted"), TemporaryFailure),
        (Trouble(reject_recipient="550 5.1.1 unknown"), PermanentFailure),
        (Trouble(reject_data="452 4.3.1 full"), TemporaryFailure),
        (Trouble(reject_data="554 5.6.0 spam"), PermanentFailure),
        (Trouble(drop_after_data=True), OutcomeUnknown),
    ],
)
async def test_failures_are_classified_by_what_may_have_been_sent(
    trouble: Trouble, failure: type[DeliveryFailure]
) -> None:
    async with MailboxStandIn() as server:
        server.trouble = trouble
        with pytest.raises(failure) as caught:
            await submission(server.port).submit(mail(), ADMIN)
        assert type(caught.value) is failure
        assert len(server.messages) == (failure is OutcomeUnknown)


async def test_server_that_never_answers_leaves_the_outcome_unknown() -> None:
    async with MailboxStandIn() as server:
        server.trouble = Trouble(hang_after_data=True)
        with pytest.raises(OutcomeUnknown):
            await submission(server.port, timeout=scaled(2.0)).submit(mail(), ADMIN)


async def test_send_that_is_cancelled_leaves_no_connection() -> None:
    async with MailboxStandIn() as server:
        server.trouble = Trouble(hang_after_data=True)
        task = asyncio.create_task(submission(server.port).submit(mail(), ADMIN), name="send")
        await until(lambda: server.messages, "the mail is on its way")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: not server.connections, "the connection is closed")


async def test_unreachable_server_is_a_temporary_failure(unused_tcp_port: int) -> None:
    with pytest.raises(Unreachable):
        await submission(unused_tcp_port).submit(mail(), ADMIN)


async def test_silent_server_is_a_temporary_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(Unreachable):
        await submission(listener.getsockname()[1], timeout=0.2).submit(mail(), ADMIN)


async def test_login_is_sent_where_a_user_is_named() -> None:
    async with MailboxStandIn() as server:
        server.trouble = Trouble(password="right")
        await submission(server.port, password="right", username="bot").submit(mail(), ADMIN)
        assert server.logins == ["bot"]


async def test_refused_login_names_what_to_check_and_no_password() -> None:
    async with MailboxStandIn() as server:
        server.trouble = Trouble(password="right")
        with pytest.raises(PermanentFailure) as caught:
            await submission(server.port, password="wr0ng", username="bot").submit(mail(), ADMIN)
        assert "SMTP_PASSWORD" in str(caught.value)
        assert "wr0ng" not in repr(caught.value)
        assert not server.messages


async def test_starttls_never_falls_back_to_plain_text() -> None:
    async with MailboxStandIn() as server:
        with pytest.raises(PermanentFailure, match=r"channels\.mail\.smtp"):
            await submission(server.port, tls="starttls", username="bot", password="secret").submit(mail(), ADMIN)
        assert not server.logins
        assert not server.messages


async def test_implicit_tls_never_falls_back_to_plain_text() -> None:
    async with MailboxStandIn() as server:
        with pytest.raises(TemporaryFailure):
            await submission(server.port, tls="implicit").submit(mail(), ADMIN)
        assert not server.messages


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
@pytest.mark.parametrize("days", [30, -1])
async def test_a_certificate_that_is_untrusted_or_expired_is_a_temporary_failure(
    tmp_path: Path, tls: str, days: int
) -> None:
    context = _self_signed(tmp_path, days)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for answer in (b"220 relay.test\r\n", b"250-relay.test\r\n250 STARTTLS\r\n", b"220 go on\r\n"):
                writer.write(answer)
                if not answer.startswith(b"220 go"):
                    await reader.readline()
            await writer.start_tls(context)
        except OSError:
            pass  # the client breaks off
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context if tls == "implicit" else None)
    async with server:
        with pytest.raises(TemporaryFailure, match="certificate"):
            await submission(server.sockets[0].getsockname()[1], tls=tls).submit(mail(), ADMIN)


def _self_signed(folder: Path, days: int) -> ssl.SSLContext:
    """Return the context of a server whose certificate nobody has signed and that is valid for some days more."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=60)).not_valid_after(now + timedelta(days=days))
    path = folder / "server.pem"
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(secret + builder.sign(key, hashes.SHA256()).public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
