"""What the daemon makes is for its user alone; what works in projects keeps the umask of its user."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from supervisor.runtime.umask import write_private
from tests.packaging.project import ROOT
from tests.slowness import scaled

CHILD = """
import os, subprocess, sys
os.umask(0o027)
from supervisor.runtime.umask import OF_PROJECTS, keep_private
keep_private()
open("ours", "w").close()
os.mkdir("folder")
subprocess.run(["touch", "theirs"], umask=OF_PROJECTS, check=True)
print(oct(OF_PROJECTS))
"""


def test_files_of_ours_are_private_and_those_of_projects_are_as_before(tmp_path: Path) -> None:
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    ran = subprocess.run(
        [sys.executable, "-c", CHILD], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=scaled(60)
    )
    assert (ran.returncode, ran.stdout) == (0, "0o27\n"), ran.stderr
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"ours": 0o600, "folder": 0o700, "theirs": 0o640}


def test_a_private_file_is_for_its_user_alone_and_may_be_written_again(tmp_path: Path) -> None:
    path = tmp_path / "files" / "one" / "a.txt"
    for content in (b"first", b"second"):
        write_private(path, content)
        assert path.read_bytes() == content
    assert [each.name for each in path.parent.iterdir()] == ["a.txt"]
    modes = [each.stat().st_mode & 0o777 for each in (path, path.parent, path.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]
