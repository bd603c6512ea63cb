"""The LMTP server (RFC 2033) to which the operator's mail server delivers.

LMTP has no login, so the server listens on loopback or on a unix socket. It answers 250 only after the mail is stored;
until then the mail server keeps the mail and tries again.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import re
import socket
import stat
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, Session

from channels.mail.config import KEY, LmtpConfig, MailConfig
from supervisor.protocol.errors import ConfigError, StorageError, TemporaryFailure
from supervisor.protocol.ports.channel import OfAnotherNode

logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 20
"""The most connections at a time."""

COMMAND_SECONDS = 120.0
"""The longest duration of one command, the whole of DATA included."""

ANSWER_SECONDS = 60.0
"""The longest time from the end of a mail to its answer. After it the mail is deferred."""

SESSION_SECONDS = 3600.0
"""The longest duration of one connection."""

PASSING = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.ENOENT, errno.EACCES, errno.EROFS, errno.ENOSPC})
"""Errors of listening that may end without a change of the configuration."""

_BLOCK_BYTES = 65_536
_END = b"\r\n.\r\n"
_SIZE = re.compile(r"\sSIZE=(\d{1,20})(?:\s|$)", re.IGNORECASE)

Receive = Callable[[bytes, str], Awaitable[None]]
"""Receives a mail and its envelope sender. It returns after the mail is committed or dropped."""

Refused = Callable[[str, str], Awaitable[None]]
"""Records that a mail was refused: its envelope sender, and the reason."""

AboutPort = Callable[[int], Awaitable[str]]
"""Returns what to do about a port that another program uses."""

FromAgent = Callable[[socket.socket], Awaitable[bool]]
"""Returns whether an agent started the process at the other end; TemporaryFailure = this cannot be told now."""


class Inbox:
    """The LMTP server.

    Args:
        receive: raises StorageError if the mail server must try again later.
        refused: called for each mail that is refused for good.
        from_agent: mail from an agent is refused, because an agent could write in the name of any user.
        command_seconds: the longest duration of one command in seconds, the whole of DATA included.
        answer_seconds: the longest time from the end of a mail to its answer, in seconds.
        session_seconds: the longest duration of one connection in seconds.
    """

    def __init__(
        self,
        config: MailConfig,
        receive: Receive,
        from_agent: FromAgent,
        refused: Refused,
        about_port: AboutPort,
        *,
        command_seconds: float = COMMAND_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
        session_seconds: float = SESSION_SECONDS,
    ) -> None:
        self._config = config
        self._receive = receive
        self._from_agent = from_agent
        self._refused = refused
        self._about_port = about_port
        self._command_seconds = command_seconds
        self._answer_seconds = answer_seconds
        self._session_seconds = session_seconds
        self._sessions: weakref.WeakSet[_Connection] = weakref.WeakSet()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Serve while the context is entered; yields the address: `host:port`, or the path of the socket.

        Raises:
            TemporaryFailure: the address cannot be used now.
            ConfigError: the address can never be used.
        """
        # aiosmtpd logs each line of each mail at debug level, and each address at info level.
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        listener, address = await self._bound()
        inode = os.stat(address).st_ino if listener.family == socket.AF_UNIX else None
        loop = asyncio.get_running_loop()
        try:
            if inode is None:
                server = await loop.create_server(self._protocol, sock=listener)
            else:
                server = await loop.create_unix_server(self._protocol, sock=listener)
            try:
                yield address
            finally:
                server.close()
                await asyncio.gather(*(session.end() for session in list(self._sessions)))
                await server.wait_closed()
        finally:
            listener.close()
            with suppress(FileNotFoundError):
                if inode is not None and os.stat(address).st_ino == inode:
                    os.unlink(address)

    async def _bound(self) -> tuple[socket.socket, str]:
        """Return a bound socket and its address.

        Raises:
            TemporaryFailure: the address is in use, or the folder of the path is missing or not writable.
            ConfigError: the address can never be used.
        """
        lmtp = self._config.lmtp
        try:
            return _listen(lmtp)
        except OSError as error:
            key = f"{KEY}.lmtp.{'path' if lmtp.path is not None else 'port'}"
            where = lmtp.path or f"{lmtp.listen_host}:{lmtp.listen_port}"
            problem = f"cannot listen on {where}: {error.strerror or error}"
            if error.errno == errno.EADDRINUSE:
                used = "stop the program that uses it, or set another path"
                problem += f"; {used if lmtp.path is not None else await self._about_port(lmtp.listen_port)}"
            if error.errno in PASSING:
                raise TemporaryFailure(f"{key}: {problem}") from error
            raise ConfigError(key, problem, "choose another address") from error

    def _protocol(self) -> asyncio.Protocol:
        if len(self._sessions) >= MAX_CONNECTIONS:
            return _Busy()
        session = _Connection(
            _Handler(self._config, self._receive, self._from_agent, self._refused, self._answer_seconds),
            self._sessions,
            self._session_seconds,
            data_size_limit=self._config.max_message_bytes,
            hostname=self._config.domain,
            ident="xswarm LMTP",
            timeout=self._command_seconds,
            loop=asyncio.get_running_loop(),
        )
        self._sessions.add(session)
        return session


class _Handler:
    """The handler of one connection. After a 4xx reply the mail server tries again later (RFC 5321 section 4.2.1)."""

    def __init__(
        self, config: MailConfig, receive: Receive, from_agent: FromAgent, refused: Refused, answer_seconds: float
    ) -> None:
        self.answer_seconds = answer_seconds
        self._config = config
        self._receive = receive
        self._from_agent = from_agent
        self._is_agent: bool | None = None
        self._refused = refused

    async def handle_RCPT(
        self, server: LMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not self._config.is_ours(address):
            await self.refused(envelope, f"no mailbox of ours has the address {address[:200]}")
            return "550 5.1.1 No such mailbox here"
        if envelope.rcpt_tos:
            # RFC 2033 wants one reply to DATA per recipient, and aiosmtpd sends one: so one recipient is allowed.
            return "452 4.5.3 One recipient at a time"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: LMTP, session: Session, envelope: Envelope) -> str:
        try:
            async with asyncio.timeout(self.answer_seconds):
                if await self._comes_from_agent(server):
                    logger.error("a mail from an agent was refused")
                    await self.refused(envelope, "an agent on this machine handed it in")
                    return "550 5.7.1 Mail from an agent is refused"
                await self._receive(envelope.original_content or b"", envelope.mail_from or "")
        except OfAnotherNode as error:
            logger.warning("a mail was deferred: %s", error)
            return "451 4.7.1 Not taken from the machine of another node, where agents run: hand it to the node there"
        except StorageError as error:
            logger.warning("a mail was deferred: %s", error)
            return "451 4.3.0 Not stored, try again later"
        except (TemporaryFailure, TimeoutError) as error:
            logger.warning(
                "a mail was deferred: %s", str(error) or f"no answer within {self.answer_seconds:.0f} seconds"
            )
            return "451 4.3.2 Too busy, try again later"
        return "250 2.0.0 OK"

    async def _comes_from_agent(self, server: LMTP) -> bool:
        """Return whether an agent delivers; the process at the other end is looked up once."""
        if self._is_agent is None and server.transport is not None:
            self._is_agent = await self._from_agent(server.transport.get_extra_info("socket"))
        return bool(self._is_agent)

    async def refused(self, envelope: Envelope, why: str) -> None:
        """Record a refused mail. Its refusal does not depend on that."""
        try:
            await self._refused(envelope.mail_from or "<>", why)
        except StorageError as error:
            logger.error("the refusal of a mail could not be recorded: %s", error)

    async def handle_exception(self, error: Exception) -> str:
        logger.error("a mail was deferred because of an internal error", exc_info=error)
        return "451 4.3.0 Local error, try again later"


class _Connection(LMTP):
    """One connection with a limited duration. `end` awaits its task."""

    def __init__(
        self, handler: _Handler, sessions: weakref.WeakSet[_Connection], seconds: float, **options: Any
    ) -> None:
        super().__init__(handler, **options)
        self._sessions = sessions
        self._seconds = seconds
        self._limit: asyncio.TimerHandle | None = None
        self._gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self._handler_coroutine is not None
        self._handler_coroutine.set_name("lmtp-session")
        self._handler_coroutine.add_done_callback(_note_exception)
        self._limit = self.loop.call_later(self._seconds, transport.close)

    def connection_lost(self, error: Exception | None) -> None:
        if self._limit is not None:
            self._limit.cancel()
        self._sessions.discard(self)
        super().connection_lost(error)
        self._gone.set()

    async def smtp_MAIL(self, arg: str | None) -> None:
        """Answer MAIL; a size that is announced as too large (RFC 1870) is refused there, and recorded."""
        await super().smtp_MAIL(arg)
        announced = _SIZE.search(arg or "")
        if announced is not None and self.data_size_limit and int(announced[1]) > self.data_size_limit:
            await self.event_handler.refused(Envelope(), f"its size is announced as {announced[1]} bytes")

    async def smtp_DATA(self, arg: str) -> None:
        """Read a mail in blocks: aiosmtpd would keep one object per line, and a mail can have millions of lines."""
        assert self.envelope is not None
        if not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 RCPT first")
            return
        if arg:
            await self.push("501 5.5.4 DATA takes nothing")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        content = await self._read_mail()
        if content is None:
            await self.event_handler.refused(self.envelope, f"it is larger than {self.data_size_limit} bytes")
            status = "552 5.3.4 Too much mail data"
        else:
            # The time for DATA ends without an answer, so a time of its own begins for the answer.
            self._reset_timeout(self.event_handler.answer_seconds + self._timeout_duration)
            self.envelope.original_content = content
            status = await self._call_handler_hook("DATA")
        self.envelope = self._create_envelope()
        await self.push(status)

    async def _read_mail(self) -> bytes | None:
        """Return the mail, with dots unstuffed (RFC 5321 section 4.5.2); None = it is too large.

        Only CRLF, dot, CRLF ends it. If a lone LF could end it, a second mail could be smuggled in the first
        (CVE-2023-51764).
        """
        data = bytearray(b"\r\n")  # the line end of the DATA command: the end mark may follow it directly
        searched, limit, too_large = 0, self.data_size_limit or 0, False
        while (end := data.find(_END, max(0, searched - len(_END)))) < 0:
            searched = len(data)
            if searched > limit + len(_END):
                too_large = True
                del data[: -len(_END)]
                searched = 0
            block = await self._reader.read(_BLOCK_BYTES)
            if not block:
                raise ConnectionResetError("the connection was lost in a mail")
            data += block
        if len(data) > end + len(_END):
            self._reader.feed_data(bytes(data[end + len(_END) :]))  # the next command; the buffer is empty after read()
        content = bytes(data[: end + 2].replace(b"\r\n.", b"\r\n")[2:])
        return None if too_large or len(content) > limit else content

    async def end(self) -> None:
        """Abort the connection and wait for its task. The mail server sends a mail without a 250 again."""
        if self.transport is not None and self._handler_coroutine is not None:
            _writing(self.transport).abort()
            await self._gone.wait()
            await asyncio.gather(self._handler_coroutine, return_exceptions=True)


def _note_exception(task: asyncio.Task[None]) -> None:
    """Retrieve the exception of a lost connection, which aiosmtpd handles and raises again."""
    if not task.cancelled():
        task.exception()


def _writing(transport: asyncio.BaseTransport) -> asyncio.WriteTransport:
    """Return the transport of a stream; those of uvloop are no subclasses of asyncio's."""
    return cast(asyncio.WriteTransport, transport)


class _Busy(asyncio.Protocol):
    """Refuses a connection: there are too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = _writing(transport)
        transport.write(b"421 4.3.2 Too many connections, try again later\r\n")
        transport.close()


def _listen(config: LmtpConfig) -> tuple[socket.socket, str]:
    """Return a bound socket and its address."""
    if config.path is not None:
        return _listen_unix(config.path), config.path
    listener = socket.create_server((config.listen_host, config.listen_port), family=_family(config.listen_host))
    host, port = listener.getsockname()[:2]
    return listener, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _listen_unix(path: str) -> socket.socket:
    """Return a unix socket that only our own user can open. A socket file of a dead process is replaced."""
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise FileExistsError(errno.EEXIST, "the path is not a socket")
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(path) == 0:
                raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        Path(path).unlink()
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(path)
        # No client can connect before the server listens, so the mode is set in time.
        os.chmod(path, 0o600)
    except OSError:
        listener.close()
        raise
    return listener
