"""Processes that an earlier daemon left running: recorded when they start, ended before new sessions start."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from connectors.claude_code.process import mount_points, tree
from supervisor.protocol.conversation import STATE_MARK, ProcessIdentity

logger = logging.getLogger(__name__)

TMP_PREFIX = "xswarm-"
END_TIMEOUT = 5.0
"""Seconds to wait until killed processes are gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRecord:
    """The record of a started process.

    Attributes:
        session: the id of its session.
        tmp: its folder of temporary files, removed with the record.
        project: its working folder.
        since: the time of its start, in seconds since 1970 UTC.
    """

    identity: ProcessIdentity
    session: str
    tmp: str
    project: str
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A process of an earlier daemon.

    Attributes:
        session: the id of its session; empty where it was found only by its environment.
        gone: whether it could be ended.
    """

    identity: ProcessIdentity
    session: str
    gone: bool


def state_mark(state_dir: str) -> str:
    """Return the mark of a state.dir: it is in the environment of all processes that a daemon with it starts."""
    return hashlib.sha256(os.path.realpath(state_dir).encode()).hexdigest()[:32]


def make_tmp() -> str:
    """Make a folder for temporary files with a short path and mode 0700.

    Raises:
        OSError: the folder cannot be made.
    """
    return tempfile.mkdtemp(prefix=TMP_PREFIX)


def is_ours(tmp: str) -> bool:
    """Whether `make_tmp` could have made this path; nothing else is ever removed."""
    path = Path(tmp)
    return path.parent == Path(tempfile.gettempdir()) and path.name.startswith(TMP_PREFIX)


class ProcessRecords:
    """One small file per running process, in `state.dir/processes/`."""

    def __init__(self, state_dir: str) -> None:
        self._folder = Path(state_dir) / "processes"

    def add(self, record: ProcessRecord) -> None:
        """Write the record of a process that has just started.

        Raises:
            OSError: the record could not be written.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(record.identity)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(record)), encoding="utf-8")
        fresh.replace(path)

    def remove(self, record: ProcessRecord, *, killed: bool) -> None:
        """Remove the record of an ended process, its temporary files and the mount points of its sandbox.

        Args:
            killed: the process did not end by itself, so its sandbox may not have cleaned up.
        """
        if is_ours(record.tmp):
            shutil.rmtree(record.tmp, ignore_errors=True)
        self._path(record.identity).unlink(missing_ok=True)
        left = mount_points.left_in(record.project, since=record.since) if killed and record.project else []
        if left and all(other.project != record.project for other in self.all()):  # another session may use them
            mount_points.remove(left)
            logger.info("%s: removed %d empty mount points that its sandbox had left", record.session, len(left))

    def all(self) -> list[ProcessRecord]:
        """Return all records; an unreadable one is removed."""
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                fields = json.loads(path.read_text(encoding="utf-8"))
                identity = ProcessIdentity(
                    pid=int(fields["identity"]["pid"]),
                    started=int(fields["identity"]["started"]),
                    boot_id=str(fields["identity"]["boot_id"]),
                )
                found.append(
                    ProcessRecord(
                        identity=identity,
                        session=str(fields["session"]),
                        tmp=str(fields["tmp"]),
                        project=str(fields.get("project", "")),
                        since=float(fields.get("since", 0)),
                    )
                )
            except (OSError, ValueError, KeyError, TypeError):
                path.unlink(missing_ok=True)
        return found

    def _path(self, identity: ProcessIdentity) -> Path:
        return self._folder / f"{identity.pid}-{identity.started}.json"


async def end_orphans(state_dir: str) -> list[Orphan]:
    """End every process that an earlier daemon with this state.dir has left; return the processes that were found.

    Only these are ended: a recorded pid with the recorded start time and boot id, its descendants, and processes with
    the mark of this state.dir in their environment. This process and its ancestors are never ended.
    """
    records, boot, found, ended = ProcessRecords(state_dir), tree.boot_id(), list[Orphan](), list[ProcessRecord]()
    spared = tree.ancestors(os.getpid()) | {os.getpid()}
    for record in records.all():
        identity = record.identity
        if identity.boot_id == boot and identity.pid not in spared and tree.is_alive(identity):
            left = await tree.end_tree(identity, timeout=END_TIMEOUT)
            found.append(Orphan(identity=identity, session=record.session, gone=not left))
            if left:
                continue
        ended.append(record)

    def strays() -> list[ProcessIdentity]:
        return [stray for stray in tree.marked(STATE_MARK, state_mark(state_dir)) if stray.pid not in spared]

    before = strays()
    left = await tree.end_all(strays, timeout=END_TIMEOUT)
    found += [Orphan(identity=stray, session="", gone=stray not in left) for stray in before]
    for record in ended:
        records.remove(record, killed=True)
    for orphan in found:
        logger.warning(
            "%s: process %d of an earlier daemon was still running and %s",
            orphan.session or "unknown session",
            orphan.identity.pid,
            "has been ended" if orphan.gone else "could not be ended",
        )
    return found
