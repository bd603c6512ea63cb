"""Keeps the process of the tests on loopback, below every library, by an audit hook on the socket module.

What libuv does (uvloop) and what child processes do raises no audit event; their tests look at them from outside.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import Any

_ADDRESSED = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})


class OutsideLoopback(AssertionError):
    """Something tried to leave this machine."""


class NetworkGuard:
    """Refuses what would leave the machine, and remembers it for where the refusal is swallowed.

    Attributes:
        attempts: a sentence for each refusal since the last `clear`.
    """

    def __init__(self) -> None:
        self.attempts: list[str] = []

    def install(self) -> None:
        """Install the audit hook; it stays until the process ends."""
        sys.addaudithook(self._audit)

    def clear(self) -> list[str]:
        """Forget the attempts, and return them."""
        attempts, self.attempts = self.attempts, []
        return attempts

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _ADDRESSED:
            endpoint, address = arguments[0], arguments[1]
            is_internet = endpoint.family in (socket.AF_INET, socket.AF_INET6)
            if is_internet and address is not None and not _is_loopback(address[0]):
                self._refuse(event, address[0])
        elif event in _LOOKUPS and not _needs_no_lookup(arguments[0]):
            self._refuse(event, arguments[0])

    def _refuse(self, event: str, host: object) -> None:
        attempt = f"{event} to {host!r}"
        self.attempts.append(attempt)
        raise OutsideLoopback(attempt)


def _is_loopback(host: str | bytes) -> bool:
    name = _text(host)
    address = _parse(name)
    if address is None:
        return name in ("localhost", "")
    # Connecting to the unspecified address reaches this machine.
    return address.is_loopback or address.is_unspecified


def _needs_no_lookup(host: str | bytes | None) -> bool:
    if host is None:
        return True
    name = _text(host)
    return name in ("localhost", "") or _parse(name) is not None


def _text(host: str | bytes) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else host


def _parse(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
