"""Whoever uses a port is named, with its user and what to do."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import sys

import pytest

from supervisor.runtime.peers.ports import described, is_in_use, remedy
from tests.descriptors import no_free_descriptor

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is of Linux")

LISTEN = """
import socket, sys
with socket.create_server(("127.0.0.1", 0)) as mine:
    print(mine.getsockname()[1], flush=True)
    sys.stdin.read()
"""


def user() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


def test_the_process_its_user_and_the_command_are_named() -> None:
    argv = (sys.executable, "-c", LISTEN)
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={}) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        assert is_in_use(port)
        said = remedy(port)
        assert f"(process {process.pid}, user {user()}) uses it: stop it (`kill {process.pid}`)" in said
        process.communicate()
    assert not is_in_use(port)
    assert remedy(port) == "stop what uses it, or set another port (0: any)"


def test_without_a_free_file_the_remedy_is_general() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, no_free_descriptor():
        assert remedy(server.getsockname()[1]).startswith("stop what uses it")
        assert described(1) == "process 1"
