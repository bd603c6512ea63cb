"""Starts the process of a session: its arguments, its environment, its fence, its limits and its record on disk."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from connectors.claude_code import command, instructions
from connectors.claude_code.command import Home
from connectors.claude_code.config import ClaudeCodeConfig
from connectors.claude_code.history import Retelling
from connectors.claude_code.process import cgroup, fence, installation
from connectors.claude_code.process.allowance import Allowance
from connectors.claude_code.process.cgroup import Groups
from connectors.claude_code.process.fence import Fence
from connectors.claude_code.process.guard import Guard
from connectors.claude_code.process.orphans import END_TIMEOUT, ProcessRecord, ProcessRecords, make_tmp, state_mark
from connectors.claude_code.process.process import Patience, Process
from connectors.claude_code.process.shelter import Shelter, settle
from connectors.claude_code.session import ClaudeCodeConversation
from connectors.claude_code.watchdog import TimeLimits
from supervisor.protocol.conversation import SessionSpec
from supervisor.protocol.errors import ConfigError, ConnectionFailed
from supervisor.protocol.ports.checks import Check

logger = logging.getLogger(__name__)


class Launcher:
    """Starts processes, each fenced, limited and recorded.

    Args:
        state_dir: the daemon's folder, in which processes are recorded.
        own_folders: all of the daemon's; what runs in a fence cannot see them.
        fences: the fences to choose from, best first; None for those that this machine has.
    """

    def __init__(
        self,
        config: ClaudeCodeConfig,
        *,
        state_dir: str,
        own_folders: Sequence[str],
        limits: TimeLimits,
        patience: Patience,
        fences: Sequence[Fence] | None,
    ) -> None:
        self._config = config
        self._state_dir = state_dir
        self._own_folders = own_folders
        self._limits = limits
        self._patience = patience
        self._fences = fences
        self._shelter: Shelter | None = None
        self._allowance = Allowance(memory_mb=config.session_memory_mb, processes=config.session_processes)
        self._groups: Groups | None = None
        self._guard = Guard(self._allowance, limits.look)
        self._records = ProcessRecords(state_dir)

    async def prepare(self) -> Sequence[str]:
        """Choose the fence, set up control groups, and return a sentence on each for the operator."""
        self._shelter = await self._settle()
        self._groups = await self._prepared_groups()
        return [*self._shelter.sentences, cgroup.check(self._groups).detail]

    async def examine(self) -> Sequence[Check]:
        """Return the state of fence, shell and control groups, for the doctor; nothing is changed."""
        return [*(await self._settle()).checks(), cgroup.check(self._find_groups())]

    async def launch(
        self, session: SessionSpec, *, resume: bool, retelling: Retelling | None = None
    ) -> ClaudeCodeConversation:
        """Start the process of a session.

        Args:
            resume: continue Claude Code's own record of the conversation.
            retelling: told before the first prompt; None = nothing.

        Raises:
            ConnectionFailed: the CLI is not there.
            OSError: the process, its folders or its record could not be made.
            ValueError: the session holds an id or a model name that is not valid.
        """
        tmp, since, mark = make_tmp(), time.time(), uuid.uuid4().hex
        process = await self._start(session, resume=resume, tmp=tmp, mark=mark)
        record = ProcessRecord(
            identity=process.identity, session=session.id, tmp=tmp, project=session.project_path, since=since
        )
        conversation = ClaudeCodeConversation(
            process,
            session,
            ended=self._forget(process, record),
            limits=self._limits.with_turn(session.turn_timeout),
            patience=self._patience,
            retelling=retelling,
        )
        try:
            self._records.add(record)
        except OSError:
            await conversation.close()
            raise
        self._guard.watch(process.identity, conversation.exceed)
        return conversation

    async def _start(self, session: SessionSpec, *, resume: bool, tmp: str, mark: str) -> Process:
        """Start the process; on failure remove its temporary folder and its control group."""
        group = None
        try:
            shelter = self._shelter = self._shelter or await self._settle()
            home = Home(root=Path(session.home))
            home.make()
            home.write_tool_servers(session.tool_endpoint)
            argv = command.arguments(
                self._find_cli(),
                session,
                resume=resume,
                model=session.model or self._config.model,
                sandbox=shelter.sandbox,
                shell=shelter.with_shell,
                own_folders=self._own_folders,
                instructions=instructions.read(session.instructions),
            )
            environment = command.environment(
                session, home, tmp=tmp, ours=os.environ, state_mark=state_mark(self._state_dir), process_mark=mark
            )
            # An agent of the same user must not read the daemon's tokens, database, attached files and other sessions.
            for folder in self._own_folders:  # what is made later would not be hidden
                os.makedirs(folder, mode=0o700, exist_ok=True)
            hiding = shelter.fence.hiding(self._own_folders, but=(session.home, session.project_path))
            group = self._groups.make(mark) if self._groups is not None else None
            return await Process.start(
                argv,
                cwd=session.project_path,
                env=environment,
                fence=hiding,
                mark=mark,
                group=group,
                umask=session.umask,
            )
        except BaseException:
            shutil.rmtree(tmp, ignore_errors=True)
            if group is not None:
                await group.end(END_TIMEOUT)
            raise

    def _forget(self, process: Process, record: ProcessRecord) -> Callable[[], Awaitable[None]]:
        async def forget() -> None:
            await self._guard.release(process.identity)
            await asyncio.to_thread(self._records.remove, record, killed=process.exit_code != 0)

        return forget

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
