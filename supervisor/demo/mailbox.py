"""A stand-in for the operator's mail server on loopback: it keeps the mail that we send, and delivers mail by LMTP.

SMTP: RFC 5321. LMTP: RFC 2033.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from supervisor.protocol.ids import uuid7
from supervisor.protocol.values.record import record

logger = logging.getLogger(__name__)

MAX_MESSAGES = 1000
"""The most mails that are kept; the oldest ones are removed."""


@record
class SentMail:
    """A mail that the stand-in received.

    Attributes:
        envelope_from: the address of MAIL FROM.
        envelope_to: the addresses of RCPT TO.
        message: the parsed mail.
        raw: the mail in bytes.
    """

    envelope_from: str
    envelope_to: tuple[str, ...]
    message: EmailMessage
    raw: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The plain text part; empty = there is none."""
        part = self.message.get_body(("plain",))
        return str(part.get_content()).replace("\r\n", "\n").rstrip("\n") if part is not None else ""

    @property
    def html(self) -> str:
        """The HTML part; empty = there is none."""
        part = self.message.get_body(("html",))
        return str(part.get_content()) if part is not None else ""


@dataclass(slots=True, kw_only=True)
class Trouble:
    """The faults that the stand-in simulates; none by default.

    Attributes:
        reject_sender: the reply to MAIL FROM, e.g. "451 busy"; None = accept.
        reject_recipient: the reply to RCPT TO, e.g. "550 unknown"; None = accept.
        reject_data: the reply after DATA; None = accept.
        drop_after_data: keep the mail, then abort the connection without a reply.
        hang_after_data: keep the mail, then never reply.
        password: the password of the login; None = any.
    """

    reject_sender: str | None = None
    reject_recipient: str | None = None
    reject_data: str | None = None
    drop_after_data: bool = False
    hang_after_data: bool = False
    password: str | None = field(default=None, repr=False)


class MailboxStandIn:
    """An SMTP server on loopback that keeps and logs every mail.

    Args:
        port: 0 = a free port.

    Attributes:
        messages: the received mails, oldest first.
        logins: the user names that logged in.
        trouble: the faults to simulate; it may be changed at any time.
        host: the address of the server.
        port: the port of the server; valid after entering.
        connections: the open connections.
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
        # aiosmtpd logs each line of each mail at debug level, and each address at info level.
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
    """One connection. `end` awaits its task."""

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
        """Abort the connection."""
        if self.transport is not None:
            cast(asyncio.WriteTransport, self.transport).abort()  # those of uvloop are no subclasses of asyncio's

    async def end(self) -> None:
        """Abort the connection and wait for its task."""
        self.cut()
        await self._gone.wait()
        if self._handler_coroutine is not None:
            await asyncio.gather(self._handler_coroutine, return_exceptions=True)


def _note_exception(task: asyncio.Task[None]) -> None:
    """Retrieve the exception of a lost connection, which aiosmtpd handles and raises again."""
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
    """Return a mail as a mail server delivers it.

    Args:
        authserv_id: the server of the DMARC pass in Authentication-Results; None = leave the header out.
        headers: further headers, e.g. In-Reply-To; they replace headers of the same name.
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
    """Deliver a mail to an LMTP server; returns the last reply, e.g. `250 2.0.0 OK`.

    Args:
        lmtp_address: `host:port`, or the path of a unix socket.
        authserv_id: see `written_mail`.

    Raises:
        OSError: the server cannot be reached.
    """
    raw = written_mail(from_=from_, to=to, subject=subject, body=body, authserv_id=authserv_id, headers=headers)
    return await deliver_raw(lmtp_address, raw, envelope_from=parseaddr(from_)[1], recipients=[to])


async def deliver_raw(lmtp_address: str, raw: bytes, *, envelope_from: str, recipients: Sequence[str]) -> str:
    """Deliver the bytes of a mail, whose lines end with CRLF; returns the reply that refused it, or the last one.

    Raises:
        OSError: the server cannot be reached.
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
    """Return the last line of a reply. The other lines have a hyphen after the code (RFC 5321 section 4.2.1).

    Raises:
        ConnectionError: the server closed the connection.
    """
    while True:
        line = (await reader.readline()).decode("ascii", "replace").rstrip("\r\n")
        if not line:
            raise ConnectionError("the mail server closed the connection")
        if line[3:4] != "-":
            return line
