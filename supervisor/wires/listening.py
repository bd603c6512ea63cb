"""Listening sockets, opened before the servers start."""

from __future__ import annotations

import errno
import os
import socket

from supervisor.protocol.errors import ConfigError
from supervisor.runtime.peers import ports

BACKLOG = 1_024
"""Most connections that the kernel queues until the server accepts them."""


def bind(host: str, port: int, key: str) -> socket.socket:
    """Return a listening socket.

    Args:
        port: 0 = any free port.
        key: the key of config.toml, for error messages.

    Raises:
        ConfigError: the port is in use, or cannot be bound.
    """
    listener = None
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, number)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        if listener is not None:
            listener.close()
        if error.errno == errno.EADDRINUSE:
            problem, remedy = f"port {port} of {host} is in use", ports.remedy(port)
        else:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
            problem, remedy = f"cannot listen on port {port} of {host}: {reason}", ""
        raise ConfigError(key, problem, remedy) from None
    return listener
