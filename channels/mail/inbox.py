"""The LMTP server (RFC 2033) to which the operator's mail server hands mail."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import stat
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, Session

from channels.mail.config import KEY, LmtpConfig, MailConfig
from supervisor.protocol.errors import ConfigError, StorageError, TemporaryFailure

logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 20
COMMAND_SECONDS = 120.0
SESSION_SECONDS = 3600.0

PASSING = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.ENOENT, errno.EACCES, errno.EROFS, errno.ENOSPC})
"""Why an address cannot be listened on that may be over without a change of the configuration."""

_BLOCK_BYTES = 65_536
_END = b"\r\n.\r\n"

Receive = Callable[[bytes, str], Awaitable[None]]
"""Takes a mail and its envelope sender; returns once it is accepted for good, or dropped for good."""

FromAgent = Callable[[socket.socket], Awaitable[bool]]
"""Tells whether an agent is at the other end of a connection."""


class Inbox:
    """Serves LMTP; tells the mail server 250 only after `receive` has returned.

    Args:
        receive: raises StorageError where the mail server shall try again later.
        from_agent: whose mail is refused: it would be in anybody's name.
        command_seconds: how long one command may take, the whole of DATA included, in seconds.
        session_seconds: how long a connection may last, in seconds.
    """

    def __init__(
        self,
        config: MailConfig,
        receive: Receive,
        from_agent: FromAgent,
        *,
        command_seconds: float = COMMAND_SECONDS,
        session_seconds: float = SESSION_SECONDS,
    ) -> None:
        self._config = config
        self._receive = receive
        self._from_agent = from_agent
        self._command_seconds = command_seconds
        self._session_seconds = session_seconds
        self._sessions: weakref.WeakSet[_Session] = weakref.WeakSet()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Serve inside the block; yields the address: `host:port` or the path of the socket.

        Raises:
            TemporaryFailure: the address cannot be used now.
            ConfigError: it never can.
        """
        # At its debug level aiosmtpd logs every line of every mail, at info every address.
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        listener, address = _listen(self._config.lmtp)
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

    def _protocol(self) -> asyncio.Protocol:
        if len(self._sessions) >= MAX_CONNECTIONS:
            return _Busy()
        session = _Session(
            _Conversation(self._config, self._receive, self._from_agent),
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


class _Conversation:
    """The hooks that aiosmtpd calls; an answer that starts with 4 makes the mail server try again later."""

    def __init__(self, config: MailConfig, receive: Receive, from_agent: FromAgent) -> None:
        self._config = config
        self._receive = receive
        self._from_agent = from_agent

    async def handle_RCPT(
        self, server: LMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not self._config.is_ours(address):
            return "550 5.1.1 No such mailbox here"
        if envelope.rcpt_tos:
            # aiosmtpd answers DATA once, RFC 2033 wants an answer for each recipient: so there is only one.
            return "452 4.5.3 One recipient at a time"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: LMTP, session: Session, envelope: Envelope) -> str:
        if server.transport is not None and await self._from_agent(server.transport.get_extra_info("socket")):
            logger.error("a mail that an agent has handed in was refused")
            return "550 5.7.1 Not taken from an agent"
        try:
            await self._receive(envelope.original_content or b"", envelope.mail_from or "")
        except StorageError as error:
            logger.warning("a mail was put off: %s", error)
            return "451 4.3.0 Not stored, try again later"
        return "250 2.0.0 OK"

    async def handle_exception(self, error: Exception) -> str:
        logger.error("a mail was put off because of a fault of ours", exc_info=error)
        return "451 4.3.0 Local error, try again later"


class _Session(LMTP):
    """One connection, with an end in time, whose task somebody awaits."""

    def __init__(
        self, handler: _Conversation, sessions: weakref.WeakSet[_Session], seconds: float, **options: Any
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

    async def smtp_DATA(self, arg: str) -> None:
        """Take a mail, read in blocks: aiosmtpd keeps an object for each line, of which a mail can have millions."""
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
            status = "552 5.3.4 Too much mail data"
        else:
            self.envelope.original_content = content
            status = await self._call_handler_hook("DATA")
        self.envelope = self._create_envelope()
        await self.push(status)

    async def _read_mail(self) -> bytes | None:
        """Return the mail up to its end mark, dots unstuffed (RFC 5321 section 4.5.2), or None where it is too large.

        Only CRLF, dot, CRLF ends it: a lone LF is part of the text, or a second mail could be smuggled in.
        """
        data = bytearray(b"\r\n")  # that of the DATA command: the end mark may follow at once
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
            self._reader.feed_data(bytes(data[end + len(_END) :]))  # the next command; read() has left nothing behind
        content = bytes(data[: end + 2].replace(b"\r\n.", b"\r\n")[2:])
        return None if too_large or len(content) > limit else content

    async def end(self) -> None:
        """Cut the connection; returns when it and its task are gone. A mail without its 250 comes again."""
        if isinstance(self.transport, asyncio.WriteTransport) and self._handler_coroutine is not None:
            self.transport.abort()
            await self._gone.wait()
            await asyncio.gather(self._handler_coroutine, return_exceptions=True)


def _note_exception(task: asyncio.Task[None]) -> None:
    """Take notice of a lost connection, which aiosmtpd has handled and raises again."""
    if not task.cancelled():
        task.exception()


class _Busy(asyncio.Protocol):
    """Turns a connection away."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(b"421 4.3.2 Too many connections, try again later\r\n")
        transport.close()


def _listen(config: LmtpConfig) -> tuple[socket.socket, str]:
    """Return a bound socket and its address.

    Raises:
        TemporaryFailure: the address is in use, or its folder is not there or may not be written to.
        ConfigError: it never can be listened on.
    """
    try:
        if config.path is not None:
            return _listen_unix(config.path), config.path
        listener = socket.create_server((config.listen_host, config.listen_port), family=_family(config.listen_host))
        host, port = listener.getsockname()[:2]
        return listener, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    except OSError as error:
        where = config.path or f"{config.listen_host}:{config.listen_port}"
        problem = f"cannot listen on {where}: {error.strerror or error}"
        if error.errno in PASSING:
            raise TemporaryFailure(f"{KEY}.lmtp: {problem}") from error
        raise ConfigError(f"{KEY}.lmtp", problem, "choose another address") from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _listen_unix(path: str) -> socket.socket:
    """Return a socket that only our own user can reach; a socket file that a dead process left is replaced."""
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise FileExistsError(errno.EEXIST, "there is something there that is no socket")
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(path) == 0:
                raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        Path(path).unlink()
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(path)
        # Nobody can connect before the server listens, so nobody ever meets another mode.
        os.chmod(path, 0o600)
    except OSError:
        listener.close()
        raise
    return listener
