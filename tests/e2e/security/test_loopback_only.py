"""Offline nothing leaves the machine: a packet sniffer sees neither DNS queries nor connections to other hosts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.namespace import NAME_SERVER, unsharing
from tests.e2e.process import ROOT, scrubbed
from tests.slowness import inherited, scaled

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]


@pytest.fixture
def unshare() -> list[str]:
    """The command that runs another command in new network and mount namespaces."""
    return unsharing()


def test_a_whole_turn_sends_no_packet_but_to_loopback(unshare: list[str], tmp_path: Path) -> None:
    report = in_namespace(unshare, tmp_path, "ask")
    assert 'I wrote hello.txt, containing: "hi".' in report["answer"]
    assert "to demo@example.test: Re: Hello" in report["answer"]
    assert report["foreign"] == []
    assert report["seen"] > 100


def test_a_question_for_a_name_would_have_been_seen(unshare: list[str], tmp_path: Path) -> None:
    assert f"udp to {NAME_SERVER} port 53" in in_namespace(unshare, tmp_path, "resolve")["foreign"]


def in_namespace(unshare: list[str], folder: Path, duty: str) -> dict[str, Any]:
    done = subprocess.run(
        [*unshare, sys.executable, "-m", "tests.e2e.namespace", str(folder), duty],
        cwd=ROOT,
        env=scrubbed(folder, inherited()),
        capture_output=True,
        text=True,
        timeout=scaled(180),
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report
