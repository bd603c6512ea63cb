"""What is not there is a fact; what cannot be read now is none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from supervisor.protocol.errors import TemporaryFailure
from supervisor.runtime.peers.proc import Unknowable, listing, only_facts, read
from tests.descriptors import no_free_descriptor

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is of Linux")


def test_a_file_is_read_whole_and_a_missing_one_is_empty(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"x" * 100_000)
    assert read(tmp_path / "one") == b"x" * 100_000
    assert read(tmp_path / "two") == b""
    assert read(tmp_path / "one" / "inner") == b""
    assert listing(tmp_path) == ["one"]
    assert listing(tmp_path / "two") == []


def test_a_process_that_has_ended_is_a_fact() -> None:
    with only_facts():
        raise ProcessLookupError(3, "No such process")


def test_without_a_free_file_nothing_is_known() -> None:
    with no_free_descriptor():
        with pytest.raises(Unknowable, match="cannot be looked up now: Too many open files"):
            read("/proc/self/stat")
        with pytest.raises(TemporaryFailure):
            listing("/proc")
    assert str(os.getpid()) in listing("/proc")
