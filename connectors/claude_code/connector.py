"""Starts and resumes Claude Code sessions: finds the CLI, fences it, and turns every failure into a sentence."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from connectors.claude_code import command, history
from connectors.claude_code.command import Home
from connectors.claude_code.process import cgroup, fence, installation, tree
from connectors.claude_code.process.allowance import Allowance
from connectors.claude_code.process.cgroup import Groups
from connectors.claude_code.process.fence import Fence
from connectors.claude_code.process.guard import Guard
from connectors.claude_code.process.orphans import (
    END_TIMEOUT,
    Orphan,
    ProcessRecords,
    Record,
    end_orphans,
    make_tmp,
    state_mark,
)
from connectors.claude_code.process.process import Patience, Process
from connectors.claude_code.process.shelter import Shelter, settle
from connectors.claude_code.protocol import transcript
from connectors.claude_code.protocol.frames import Unanswered
from connectors.claude_code.session import ClaudeCodeConversation
from connectors.claude_code.watchdog import Limits
from supervisor.protocol.conversation import Exchange, SessionSpec, Trace, TraceKind
from supervisor.protocol.errors import ConfigError, ConnectionFailed
from supervisor.protocol.messages import MessageId
from supervisor.protocol.ports import Check, Connector, ConnectorHost

logger = logging.getLogger(__name__)

PARALLEL_STARTS = 2
"""A start takes most of a core for half a second: more at once only make each other late."""
GONE = "No conversation found"
"""What the CLI says of a transcript that it cannot resume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeCodeConfig:
    """Settings of `[claude_code]` that this connector reads.

    Attributes:
        model: None for Claude Code's default.
        turn_timeout_seconds: seconds that a turn may take, not counting the time that a person takes to decide.
        sandbox: "required" runs shell commands in Claude Code's sandbox and offers none where that cannot work.
        session_memory_mb: megabytes of RAM that a session's processes may take together; 0 = no limit.
        session_processes: processes that a session may have at a time; 0 = no limit.
        cli_path: the CLI; None for the one that claude-agent-sdk carries.
    """

    model: str | None = None
    turn_timeout_seconds: float = 3600.0
    sandbox: Literal["required", "off"] = "required"
    session_memory_mb: int = 0
    session_processes: int = 0
    cli_path: str | None = None


class ClaudeCodeConnector(Connector):
    """The real Claude Code, one process per session.

    Args:
        limits: time limits other than that of a turn, which the session's own setting gives.
        fences: the ladder to choose from; None for what this machine has.
    """

    name = "claude_code"
    steers = True

    def __init__(
        self,
        config: ClaudeCodeConfig,
        host: ConnectorHost,
        *,
        limits: Limits | None = None,
        patience: Patience | None = None,
        fences: Sequence[Fence] | None = None,
    ) -> None:
        self._config = config
        self._state_dir = host.state_dir
        self._limits = limits or Limits()
        self._patience = patience or Patience()
        self._fences = fences
        self._shelter: Shelter | None = None
        self._allowance = Allowance(memory_mb=config.session_memory_mb, processes=config.session_processes)
        self._groups: Groups | None = None
        self._guard = Guard(self._allowance, self._limits.look)
        self._starts = asyncio.Semaphore(PARALLEL_STARTS)
        self._records = ProcessRecords(self._state_dir)
        self._undead: Sequence[Orphan] = ()

    async def prepare(self) -> Sequence[str]:
        cli = installation.find(self._config.cli_path)
        said = [f"Claude Code {await installation.ask_version(cli)}"]
        orphans = await end_orphans(self._state_dir)
        self._undead = [orphan for orphan in orphans if not orphan.gone]
        if orphans:
            gone = sum(orphan.gone for orphan in orphans)
            said.append(f"{len(orphans)} processes of an earlier daemon were still running, {gone} have been ended")
        self._shelter = await self._settle()
        self._groups = await self._prepared_groups()
        return [*said, *self._shelter.sentences, cgroup.check(self._groups).detail]

    async def examine(self) -> Sequence[Check]:
        cli = installation.find(self._config.cli_path)
        version = installation.examined(cli, await installation.ask_version(cli))
        return [version, *(await self._settle()).checks(), cgroup.check(self._find_groups())]

    async def open(self, session: SessionSpec, history: Sequence[Exchange]) -> ClaudeCodeConversation:
        async with self._starts:
            self._check_folder(session.project_path)
            self._check_undead(session.id)
            try:
                return await self._open(session, history)
            except ValueError as error:
                raise ConnectionFailed(str(error)) from error
            except OSError as error:
                raise ConnectionFailed(f"{error.strerror or error}: {error.filename or session.home}") from error

    async def trace(self, home: str, conversation_id: str, key: MessageId) -> Trace:
        def read() -> Trace:
            found = history.find_transcript(Home(root=Path(home)).config, conversation_id)
            if found is None:
                return Trace(kind=TraceKind.ABSENT)
            with found.open("rb") as lines:
                return transcript.trace(lines, key)

        try:
            return await asyncio.to_thread(read)
        except OSError as error:
            logger.error("the transcript of %s cannot be read: %s", conversation_id, error)
            return Trace()

    async def _open(self, session: SessionSpec, earlier: Sequence[Exchange]) -> ClaudeCodeConversation:
        config = Home(root=Path(session.home)).config
        found = history.find_transcript(config, session.conversation_id) is not None
        if found:
            try:
                return await self._start(session, resume=True)
            except _TranscriptGone:
                logger.warning("%s: its transcript cannot be read, starting anew", session.id)
                history.set_aside(config, session.conversation_id)
        elif session.resume and earlier:
            logger.warning("%s: its transcript is gone, starting anew", session.id)
        # A session that was opened and never prompted has no transcript, and has lost nothing.
        lost = (found or session.resume) and bool(earlier)
        return await self._start(session, resume=False, earlier=earlier if lost else ())

    async def _start(
        self, session: SessionSpec, *, resume: bool, earlier: Sequence[Exchange] = ()
    ) -> ClaudeCodeConversation:
        began = time.monotonic()
        conversation = await self._spawn(session, resume=resume, earlier=earlier)
        try:
            await conversation.initialize(self._limits.start)
        except Unanswered as error:
            await conversation.close(hurried=True)  # it has nothing to save yet
            if resume and GONE in conversation.last_words:
                raise _TranscriptGone from None
            raise conversation.failure(error.why) from None
        except BaseException:
            await conversation.close(hurried=True)
            raise
        logger.info(
            "%s: claude code %s in %.2f s, process %d",
            session.id,
            "resumed" if resume else "started",
            time.monotonic() - began,
            conversation.identity.pid,
        )
        return conversation

    async def _spawn(
        self, session: SessionSpec, *, resume: bool, earlier: Sequence[Exchange]
    ) -> ClaudeCodeConversation:
        shelter = self._shelter = self._shelter or await self._settle()
        home, mark = Home(root=Path(session.home)), uuid.uuid4().hex
        home.make()
        argv = command.arguments(
            self._find_cli(),
            session,
            resume=resume,
            model=session.model or self._config.model,
            sandbox=shelter.sandbox,
            shell=shelter.with_shell,
            state_dir=self._state_dir,
        )
        tmp, since, group = make_tmp(), time.time(), None
        try:
            environment = command.environment(
                session, home, tmp=tmp, ours=os.environ, state_mark=state_mark(self._state_dir), process_mark=mark
            )
            # Our tokens, database and other sessions are nothing that an agent of the same user may read.
            hiding = shelter.fence.hiding(self._state_dir, but=(session.home, session.project_path))
            group = self._groups.make(mark) if self._groups is not None else None
            process = await Process.start(
                argv, cwd=session.project_path, env=environment, fence=hiding, mark=mark, group=group
            )
        except BaseException:
            shutil.rmtree(tmp, ignore_errors=True)
            if group is not None:
                await group.end(END_TIMEOUT)
            raise
        project = session.project_path
        record = Record(identity=process.identity, session=session.id, tmp=tmp, project=project, since=since)

        async def forget() -> None:
            await self._guard.release(process.identity)
            await asyncio.to_thread(self._records.remove, record, killed=process.exit_code != 0)

        conversation = ClaudeCodeConversation(
            process,
            name=session.id,
            decide=session.decide,
            ended=forget,
            limits=self._limits.with_turn(session.turn_timeout),
            patience=self._patience,
            secrets=(session.endpoint.token,) if session.endpoint else (),
            tap=session.tap,
            preamble=history.preamble(earlier) if earlier else "",
            notice=history.NOTICE if earlier else "",
        )
        try:
            self._records.add(record)
        except OSError:
            await conversation.close()
            raise
        self._guard.watch(process.identity, conversation.exceed)
        return conversation

    async def _settle(self) -> Shelter:
        path = os.environ.get("PATH", os.defpath)
        fences = fence.ladder(path) if self._fences is None else self._fences
        return await settle(fences, path=path, sandbox_required=self._config.sandbox == "required")

    def _find_groups(self) -> Groups | None:
        base = cgroup.find_base()
        return Groups(base, mark=state_mark(self._state_dir), allowance=self._allowance) if base is not None else None

    async def _prepared_groups(self) -> Groups | None:
        groups = self._find_groups()
        if groups is None:
            return None
        try:
            groups.prepare()
        except OSError as error:
            logger.warning("control groups cannot be made: %s", error)
            return None
        await groups.end_left_over(END_TIMEOUT)
        return groups

    def _find_cli(self) -> str:
        try:
            return installation.find(self._config.cli_path)
        except ConfigError as error:
            raise ConnectionFailed(error.problem, error.remedy) from error

    def _check_folder(self, path: str) -> None:
        if not os.path.isdir(path):
            raise ConnectionFailed(
                f"the project folder is not there: {path}", "restore it, or change the project's path"
            )
        if not os.access(path, os.R_OK | os.X_OK):
            raise ConnectionFailed(f"the project folder cannot be read: {path}", "give the daemon's user access to it")

    def _check_undead(self, session_id: str) -> None:
        """Let no session go on beside a process of its own that nobody watches any more."""
        for orphan in self._undead:
            pid = orphan.identity.pid
            if orphan.session == session_id and tree.is_alive(orphan.identity):
                why = f"its process {pid} of an earlier daemon is still running and could not be ended"
                raise ConnectionFailed(why, f"end process {pid}, then send the message again")


class _TranscriptGone(Exception):
    """The transcript is there and holds no conversation."""
