"""Reads every packet of its network namespace, and keeps those that would leave the machine."""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 0x0003, 0x0800, 0x86DD
"""linux/if_ether.h."""
SOL_PACKET, PACKET_STATISTICS = 263, 6
"""linux/if_packet.h."""
SO_RCVBUFFORCE = 33
BUFFER_BYTES = 64 * 2**20
DNS = 53


class Sniffer:
    """`with` listens on all interfaces; it takes the rights of root in the namespace.

    Attributes:
        seen: packets of any kind: where there are none, it does not listen.
        foreign: those to elsewhere than loopback, and every question to a name server, each as a sentence.
    """

    def __init__(self) -> None:
        self.seen = 0
        self.foreign: list[str] = []
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        self._socket.settimeout(0.1)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._read, name="sniffer")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._thread.join()
        _, dropped = struct.unpack("II", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        self._socket.close()
        if dropped:
            self.foreign.append(f"{dropped} packets were not seen")

    def _read(self) -> None:
        """Read until the socket is closed and no packet is left."""
        while True:
            try:
                packet, address = self._socket.recvfrom(65535)
            except TimeoutError:
                if self._closing.is_set():
                    return
                continue
            self.seen += 1
            if (sentence := foreign(address[1], packet)) is not None:
                self.foreign.append(sentence)


def foreign(protocol: int, packet: bytes) -> str | None:
    """Describe a packet that does not go to loopback, or goes to a name server; None for any other packet."""
    target: ipaddress.IPv4Address | ipaddress.IPv6Address
    if protocol == ETH_P_IP:
        target, kind, rest = ipaddress.IPv4Address(packet[16:20]), packet[9], packet[4 * (packet[0] & 15) :]
    elif protocol == ETH_P_IPV6:
        target, kind, rest = ipaddress.IPv6Address(packet[24:40]), packet[6], packet[40:]
    else:
        return f"ethernet protocol {protocol:#06x}"
    if kind not in (socket.IPPROTO_TCP, socket.IPPROTO_UDP):
        return None if target.is_loopback else f"IP protocol {kind} to {target}"
    port = int.from_bytes(rest[2:4], "big")
    if target.is_loopback and port != DNS:
        return None
    return f"{'tcp' if kind == socket.IPPROTO_TCP else 'udp'} to {target} port {port}"


def summary(sentences: Sequence[str]) -> list[str]:
    """Return each sentence once."""
    return list(dict.fromkeys(sentences))
