"""Starts `victim.py` as root or as an ordinary user, and looks at what it has started."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

VICTIM = Path(__file__).with_name("victim.py")
ROOT = Path(__file__).parents[4]
NOBODY = 65534
"""The uid and gid of `nobody`."""


@functools.cache
def interpreter(uid: int) -> str:
    """Return a Python that this user may run and that can read the code; skip where there is none."""
    for python in (sys.executable, "/usr/bin/python3"):
        check = "import sys, connectors.claude_code.connector; assert sys.version_info >= (3, 11)"
        try:
            ran = subprocess.run([python, "-c", check], **as_user(uid), capture_output=True, check=False)
        except OSError:
            continue
        if ran.returncode == 0:
            return python
    pytest.skip(f"no Python here that uid {uid} may run")


def user_id(user: str) -> int:
    """Return the uid for "root" or "ordinary"; skip where the test cannot become that user."""
    if user == "root" and os.geteuid() != 0:
        pytest.skip("not running as root")
    return 0 if user == "root" else (NOBODY if os.geteuid() == 0 else os.geteuid())


@contextmanager
def victim(kind: str, uid: int, *, env: dict[str, str] | None = None, **given: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a victim; end it at the end."""
    process = subprocess.Popen(
        [interpreter(uid), str(VICTIM), kind, json.dumps(given)],
        **as_user(uid, env),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_up(process: subprocess.Popen[str]) -> None:
    """Wait until a victim says that what it has started is up."""
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "up"


def as_user(uid: int, env: dict[str, str] | None = None) -> dict[str, Any]:
    given: dict[str, Any] = {
        "cwd": "/",
        "env": {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
    }
    if os.geteuid() == 0 and uid != 0:
        given |= {"user": uid, "group": uid, "extra_groups": []}
    return given
