"""Packets that the kernel drops between a node and PostgreSQL, in one direction: the other node takes over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from supervisor.membership import EXIT_FENCED
from tests.e2e.namespace import unsharing
from tests.e2e.process import ROOT, scrubbed
from tests.postgres_server import PostgresServer
from tests.slowness import inherited, scaled

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="PostgreSQL and routes of its own take root"),
]


@pytest.mark.parametrize("lost", ["answers", "statements"])
def test_a_node_whose_packets_are_dropped_one_way_is_taken_over(
    tmp_path: Path, server: PostgresServer, lost: str
) -> None:
    done = subprocess.run(
        [*unsharing(), sys.executable, "-m", "tests.cluster.dropping", str(tmp_path), lost],
        cwd=ROOT,
        env=scrubbed(tmp_path, inherited()),
        capture_output=True,
        text=True,
        timeout=scaled(180),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["refused"], found["code"]) == (503, EXIT_FENCED)
    assert found["states"] == {"completed": 2}
