"""A stand-in for the operator's mail server on loopback: shows the mail we send, and hands us mail by LMTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from supervisor.protocol.ids import uuid7

logger = logging.getLogger(__name__)

MAX_MESSAGES = 1000
"""Mails that are kept; the oldest make room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMail:
    """A mail that the stand-in has taken.

    Attributes:
        envelope_from: as MAIL FROM had it.
        envelope_to: as RCPT TO had it.
        message: the mail, parsed.
        raw: the mail as it came.
    """

    envelope_from: str
    envelope_to: tuple[str, ...]
    message: EmailMessage
    raw: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The plain text part."""
        part = self.message.get_body(("plain",))
        return str(part.get_content()).replace("\r\n", "\n").rstrip("\n") if part is not None else ""

    @property
    def html(self) -> str:
        """The HTML part."""
        part = self.message.get_body(("html",))
        return str(part.get_content()) if part is not None else ""


@dataclass(slots=True, kw_only=True)
class Trouble:
    """What goes wrong with the mails to come; nothing, by default.

    Attributes:
        reject_sender: the answer to MAIL FROM, such as "451 busy".
        reject_recipient: the answer to RCPT TO, such as "550 unknown".
        reject_data: the answer after the mail was read.
        drop_after_data: take the mail, then break the connection without an answer.
        hang_after_data: take the mail, then never answer.
        password: what a login must send; None takes any.
    """

    reject_sender: str | None = None
    reject_recipient: str | None = None
    reject_data: str | None = None
    drop_after_data: bool = False
    hang_after_data: bool = False
    password: str | None = field(default=None, repr=False)


class MailboxStandIn:
    """An SMTP server on loopback that keeps and logs every mail it takes.

    Args:
        port: 0 takes a free one.

    Attributes:
        messages: the mails taken, oldest first.
        logins: user names that logged in.
        trouble: what shall go wrong; may be changed at any time.
        host: where it listens.
        port: where it listens, once entered.
        connections: those that are open.
    """

    def __init__(self, port: int = 0) -> None:
        self.messages: list[SentMail] = []
        self.logins: list[str] = []
        self.trouble = Trouble()
        self.host = "127.0.0.1"
        self.port = port
        self.connections: set[_Connection] = set()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> MailboxStandIn:
        await self._stack.enter_async_context(self._listening())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        # At its debug level aiosmtpd logs every line of every mail, at info every address.
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._connection, self.host, self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            await asyncio.gather(*(connection.end() for connection in list(self.connections)))
            await server.wait_closed()

    def _connection(self) -> asyncio.Protocol:
        return _Connection(
            self,
            self.connections,
            authenticator=self._authenticate,
            auth_require_tls=False,
            hostname="localhost",
            ident="stand-in",
            loop=asyncio.get_running_loop(),
        )

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if self.trouble.reject_sender is not None:
            return self.trouble.reject_sender
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if self.trouble.reject_recipient is not None:
            return self.trouble.reject_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: _Connection, session: Session, envelope: Envelope) -> str:
        if self.trouble.reject_data is not None:
            return self.trouble.reject_data
        self._keep(envelope)
        if self.trouble.drop_after_data:
            server.cut()
        if self.trouble.hang_after_data:
            await asyncio.get_running_loop().create_future()
        return "250 OK, kept by the stand-in"

    def _keep(self, envelope: Envelope) -> None:
        raw = envelope.original_content or b""
        message = message_from_bytes(raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        mail = SentMail(
            envelope_from=envelope.mail_from or "",
            envelope_to=tuple(envelope.rcpt_tos),
            message=message,
            raw=raw,
        )
        self.messages.append(mail)
        del self.messages[:-MAX_MESSAGES]
        logger.info("mail to %s: %s\n%s", ", ".join(mail.envelope_to), message["subject"], mail.text)

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        if self.trouble.password is not None and data.password.decode() != self.trouble.password:
            return AuthResult(success=False, handled=False)
        self.logins.append(data.login.decode())
        return AuthResult(success=True)


class _Connection(SMTP):
    """One connection, whose task somebody awaits."""

    def __init__(self, stand_in: MailboxStandIn, connections: set[_Connection], **options: Any) -> None:
        super().__init__(stand_in, **options)
        self._connections = connections
        self._gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connections.add(self)
        assert self._handler_coroutine is not None
        self._handler_coroutine.add_done_callback(_note_exception)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        super().connection_lost(error)
        self._gone.set()

    def cut(self) -> None:
        """Break the connection at once."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    async def end(self) -> None:
        """Break the connection; returns when it and its task are gone."""
        self.cut()
        await self._gone.wait()
        if self._handler_coroutine is not None:
            await asyncio.gather(self._handler_coroutine, return_exceptions=True)


def _note_exception(task: asyncio.Task[None]) -> None:
    """Take notice of a lost connection, which aiosmtpd has handled and raises again."""
    if not task.cancelled():
        task.exception()


def written_mail(
    *,
    from_: str,
    to: str,
    subject: str,
    body: str,
    authserv_id: str | None,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """Return a mail as a mail server would hand it over.

    Args:
        authserv_id: who vouches for From by DMARC; None leaves Authentication-Results out.
        headers: more of them, such as In-Reply-To.
    """
    domain = from_.rpartition("@")[2].strip(" >")
    mail = EmailMessage(policy=policy.SMTP)
    if authserv_id is not None:
        mail["Authentication-Results"] = f"{authserv_id}; dmarc=pass header.from={domain}"
    mail["From"] = from_
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{uuid7()}@{domain}>"
    for name, value in (headers or {}).items():
        del mail[name]
        mail[name] = value
    mail.set_content(body)
    return mail.as_bytes()


async def deliver(
    lmtp_address: str,
    *,
    from_: str,
    to: str,
    subject: str,
    body: str,
    authserv_id: str | None,
    headers: Mapping[str, str] | None = None,
) -> str:
    """Hand a mail to an LMTP server as a mail server does; return the last answer, e.g. `250 2.0.0 OK`.

    Args:
        lmtp_address: `host:port`, or the path of a unix socket.
        authserv_id: who vouches for From by DMARC; None leaves Authentication-Results out.

    Raises:
        OSError: nobody listens there.
    """
    raw = written_mail(from_=from_, to=to, subject=subject, body=body, authserv_id=authserv_id, headers=headers)
    return await deliver_raw(lmtp_address, raw, envelope_from=parseaddr(from_)[1], recipients=[to])


async def deliver_raw(lmtp_address: str, raw: bytes, *, envelope_from: str, recipients: Sequence[str]) -> str:
    """Hand over a mail byte by byte as it is, with CRLF line ends; return the answer that decided.

    Raises:
        OSError: nobody listens there.
    """
    if lmtp_address.startswith("/"):
        reader, writer = await asyncio.open_unix_connection(lmtp_address)
    else:
        host, _, port = lmtp_address.rpartition(":")
        reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    try:
        answer = await _answer(reader)
        commands = ["LHLO localhost", f"MAIL FROM:<{envelope_from}>", *(f"RCPT TO:<{to}>" for to in recipients), "DATA"]
        for command in commands:
            if answer[:1] not in "23":
                return answer
            writer.write(f"{command}\r\n".encode())
            answer = await _answer(reader)
        if not answer.startswith("354"):
            return answer
        stuffed = raw.removesuffix(b"\r\n").replace(b"\r\n.", b"\r\n..")
        writer.write((b"." if stuffed.startswith(b".") else b"") + stuffed + b"\r\n.\r\n")
        await writer.drain()
        answer = await _answer(reader)
        writer.write(b"QUIT\r\n")
        return answer
    finally:
        writer.close()
        await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> str:
    """Return the last line of a reply; lines before it have a hyphen after the code.

    Raises:
        ConnectionError: the server is gone.
    """
    while True:
        line = (await reader.readline()).decode("ascii", "replace").rstrip("\r\n")
        if not line:
            raise ConnectionError("the mail server closed the connection")
        if line[3:4] != "-":
            return line
