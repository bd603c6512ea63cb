"""Run inside a network namespace of its own (`python -m tests.e2e.namespace FOLDER ask|resolve`): prints a report.

There every address is local, so that whatever would leave the machine does leave its process, and is seen.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.demo import DemoPerson
from tests.e2e.process import DaemonProcess
from tests.e2e.sniffer import Sniffer, summary

NAME_SERVER = "192.0.2.53"
"""In TEST-NET-1 (RFC 5737), so it belongs to no host."""

ROUTES = ("ip link set lo up", "ip route add local default dev lo", "ip -6 route add local default dev lo")


def unsharing() -> list[str]:
    """Return the command that runs another one in new namespaces of network and mounts, or skip the test."""
    if not sys.platform.startswith("linux"):
        pytest.skip("network namespaces are Linux's")
    for program, package in (("ip", "iproute2"), ("unshare", "util-linux")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing: install {package}")
    command = ["unshare", "-n", "-m"] if os.geteuid() == 0 else ["unshare", "-r", "-n", "-m"]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"namespaces cannot be made here: {tried.stderr.strip()}")
    return command


def prepare(folder: Path) -> None:
    """Make every address local, and ask `NAME_SERVER` for names."""
    for command in ROUTES[:2]:
        subprocess.run(command.split(), check=True)
    subprocess.run(ROUTES[2].split(), check=False, stderr=subprocess.DEVNULL)  # a machine may have no IPv6
    resolver = folder / "resolv.conf"
    resolver.write_text(f"nameserver {NAME_SERVER}\noptions timeout:1 attempts:1\n", encoding="utf-8")
    subprocess.run(["mount", "--bind", str(resolver), "/etc/resolv.conf"], check=True)


async def ask(folder: Path) -> str:
    """Let the whole daemon answer a text and a mail; return the answers."""
    async with DaemonProcess(folder) as daemon, DemoPerson(daemon) as person:
        by_text = await person.ask("claude: create a file hello.txt containing hi")
        by_mail = await person.ask_by_mail("Hello", "assistant: hello")
        status = await daemon.xswarm("claude", "status")
        return f"{by_text}\n{by_mail}\n{status.out}"


def resolve() -> str:
    """Look up a name: what the daemon must not do."""
    with suppress(OSError):
        socket.getaddrinfo("api.anthropic.com", 443)
    return ""


def main(folder: Path, duty: str) -> None:
    """Run one duty while the sniffer listens, and print its report."""
    prepare(folder)
    with Sniffer() as sniffer:
        answer = asyncio.run(ask(folder)) if duty == "ask" else resolve()
    report = {"answer": answer, "seen": sniffer.seen, "foreign": summary(sniffer.foreign)}
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
