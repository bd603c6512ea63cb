"""Processes that an earlier daemon left behind: recorded at their start, ended before anything else starts."""

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
"""Seconds that killed processes get to be gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRecord:
    """A process that was started.

    Attributes:
        tmp: its folder of temporary files, which goes when it goes.
        project: the folder that it worked in.
        since: when it was started, in seconds since 1970 UTC.
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
        session: whose it was; empty where only its environment gave it away.
        gone: whether it has been ended.
    """

    identity: ProcessIdentity
    session: str
    gone: bool


def state_mark(state_dir: str) -> str:
    """Return what marks the processes of the daemon with this state.dir, and of no other."""
    return hashlib.sha256(os.path.realpath(state_dir).encode()).hexdigest()[:32]


def make_tmp() -> str:
    """Make a folder of temporary files with a short path, readable by us alone.

    Raises:
        OSError: it cannot be made.
    """
    return tempfile.mkdtemp(prefix=TMP_PREFIX)


def is_ours(tmp: str) -> bool:
    """Whether a path is one that `make_tmp` could have made: nothing else is ever removed."""
    path = Path(tmp)
    return path.parent == Path(tempfile.gettempdir()) and path.name.startswith(TMP_PREFIX)


class ProcessRecords:
    """One small file per living process, under `state.dir/processes/`."""

    def __init__(self, state_dir: str) -> None:
        self._folder = Path(state_dir) / "processes"

    def add(self, record: ProcessRecord) -> None:
        """ProcessRecord a process that has just started.

        Raises:
            OSError: the record could not be written.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(record.identity)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(record)), encoding="utf-8")
        fresh.replace(path)

    def remove(self, record: ProcessRecord, *, killed: bool) -> None:
        """Forget a process that is gone, and remove what it left.

        Args:
            killed: it did not end by itself, so that its sandbox may have had no time to clean up.
        """
        if is_ours(record.tmp):
            shutil.rmtree(record.tmp, ignore_errors=True)
        self._path(record.identity).unlink(missing_ok=True)
        left = mount_points.left_in(record.project, since=record.since) if killed and record.project else []
        if left and all(other.project != record.project for other in self.all()):  # another one may be using them
            mount_points.remove(left)
            logger.info("%s: removed %d empty files that its sandbox had mounted over", record.session, len(left))

    def all(self) -> list[ProcessRecord]:
        """Return what is recorded; a broken record counts as none and is removed."""
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
    """End every process that an earlier daemon with this state.dir has left; return what was found.

    Only what is proven ours is touched: a recorded pid with the same start time in the same boot and all below it, and
    processes that carry this state.dir's mark in their environment. Never ourselves nor what we descend from.
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
