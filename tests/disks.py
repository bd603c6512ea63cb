"""Small disks, and how they become full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """Mount a small disk at a folder; skip the test where nothing can be mounted."""
    owner = folder.stat()
    options = f"size={size},mode=700,uid={owner.st_uid},gid={owner.st_gid}"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Write a file that leaves no byte of a disk free, and return it."""
    filler = folder / "filler"
    with filler.open("ab", buffering=0) as file:
        for piece in (65_536, 512, 1):
            with suppress(OSError):
                while file.write(b"x" * piece) == piece:
                    pass
    return filler
