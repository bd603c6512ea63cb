"""Opens and resumes Claude Code sessions, and turns every failure into a sentence."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path

from connectors.claude_code import history
from connectors.claude_code.command import Home
from connectors.claude_code.config import ClaudeCodeConfig
from connectors.claude_code.history import Retelling
from connectors.claude_code.launcher import Launcher
from connectors.claude_code.process import installation, tree
from connectors.claude_code.process.fence import Fence
from connectors.claude_code.process.orphans import Orphan, end_orphans
from connectors.claude_code.process.process import Patience
from connectors.claude_code.protocol import transcript
from connectors.claude_code.protocol.frames import Unanswered
from connectors.claude_code.session import ClaudeCodeConversation
from connectors.claude_code.watchdog import TimeLimits
from supervisor.protocol.conversation import Exchange, SessionSpec, Trace, TraceKind
from supervisor.protocol.errors import ConnectionFailed
from supervisor.protocol.messages import MessageId
from supervisor.protocol.ports.checks import Check
from supervisor.protocol.ports.connector import Connector, ConnectorHost

logger = logging.getLogger(__name__)

PARALLEL_STARTS = 2
"""Sessions that start at the same time: a start takes most of a core for half a second."""
GONE = "No conversation found"
"""What the CLI prints about a transcript that it cannot resume."""


class ClaudeCodeConnector(Connector):
    """The real Claude Code, one process per session.

    Args:
        limits: time limits; the limit of a turn is replaced by that of the session.
        fences: the fences to choose from, best first; None for those that this machine has.
    """

    name = "claude_code"
    steers = True

    def __init__(
        self,
        config: ClaudeCodeConfig,
        host: ConnectorHost,
        *,
        limits: TimeLimits | None = None,
        patience: Patience | None = None,
        fences: Sequence[Fence] | None = None,
    ) -> None:
        self._config = config
        self._state_dir = host.state_dir
        self._limits = limits or TimeLimits()
        self._launcher = Launcher(
            config,
            state_dir=host.state_dir,
            own_folders=host.own_folders,
            limits=self._limits,
            patience=patience or Patience(),
            fences=fences,
        )
        self._starts = asyncio.Semaphore(PARALLEL_STARTS)
        self._undead: Sequence[Orphan] = ()

    async def prepare(self) -> Sequence[str]:
        cli = installation.find(self._config.cli_path)
        sentences = [f"Claude Code {await installation.ask_version(cli)}"]
        orphans = await end_orphans(self._state_dir)
        self._undead = [orphan for orphan in orphans if not orphan.gone]
        if orphans:
            gone = sum(orphan.gone for orphan in orphans)
            sentences.append(f"ended {gone} of {len(orphans)} processes that an earlier daemon had left running")
        return [*sentences, *await self._launcher.prepare()]

    async def examine(self) -> Sequence[Check]:
        cli = installation.find(self._config.cli_path)
        version = installation.examined(cli, await installation.ask_version(cli))
        return [version, *await self._launcher.examine()]

    async def open(self, session: SessionSpec, history: Sequence[Exchange]) -> ClaudeCodeConversation:
        async with self._starts:
            _check_folder(session.project_path)
            self._check_undead(session.id)
            try:
                return await self._open(session, history)
            except ValueError as error:
                raise ConnectionFailed(str(error)) from error
            except OSError as error:
                raise ConnectionFailed(f"{error.strerror or error}: {error.filename or session.home}") from error

    async def trace(self, home: str, conversation_id: str, key: MessageId) -> Trace:
        def read() -> Trace:
            config = Home(root=Path(home)).config
            found = history.find_transcript(config, conversation_id)
            if found is None:
                # Without the folder nothing is known: it may lie on a volume that is not there now.
                return Trace(kind=TraceKind.ABSENT) if config.is_dir() else Trace()
            with found.open("rb") as lines:
                return transcript.trace(lines, key)

        try:
            return await asyncio.to_thread(read)
        except OSError as error:
            logger.error("the transcript of %s cannot be read: %s", conversation_id, error)
            return Trace()

    async def _open(self, session: SessionSpec, earlier: Sequence[Exchange]) -> ClaudeCodeConversation:
        config = Home(root=Path(session.home)).config
        history.set_settings_aside(config)
        if session.elsewhere:
            history.set_aside(config, session.conversation_id, "older")
            logger.info("%s: another node has its transcript, starting anew", session.id)
            return await self._start(session, resume=False, retelling=history.retelling(earlier, history.ELSEWHERE))
        if (found := history.find_transcript(config, session.conversation_id)) is not None:
            try:
                moved = history.moved(history.last_folder(found), session.project_path)
                return await self._start(session, resume=True, retelling=moved)
            except _TranscriptGone:
                pass
        # Claude Code refuses the id of a transcript that exists, even of an empty one, as a power cut leaves it.
        damaged = history.set_aside(config, session.conversation_id)
        # A session that was opened and never prompted has no transcript, and has lost nothing.
        lost = (damaged or session.resume) and bool(earlier)
        if lost:
            state = "cannot be read" if damaged else "is gone"
            logger.warning("%s: its transcript %s, starting anew", session.id, state)
        return await self._start(session, resume=False, retelling=history.retelling(earlier) if lost else None)

    async def _start(
        self, session: SessionSpec, *, resume: bool, retelling: Retelling | None = None
    ) -> ClaudeCodeConversation:
        """Start Claude Code and wait until it answers.

        Raises:
            _TranscriptGone: Claude Code cannot resume the conversation.
            ConnectionFailed: Claude Code does not start, for any other reason.
        """
        began = time.monotonic()
        conversation = await self._launcher.launch(session, resume=resume, retelling=retelling)
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

    def _check_undead(self, session_id: str) -> None:
        """Refuse to open a session while a process of it, left by an earlier daemon, still runs.

        Raises:
            ConnectionFailed: such a process runs; names its pid.
        """
        for orphan in self._undead:
            pid = orphan.identity.pid
            if orphan.session == session_id and tree.is_alive(orphan.identity):
                why = f"its process {pid} of an earlier daemon is still running and could not be ended"
                raise ConnectionFailed(why, f"end process {pid}, then send the message again")


class _TranscriptGone(Exception):
    """The transcript exists, but Claude Code finds no conversation in it."""


def _check_folder(path: str) -> None:
    """Check that a project folder can be used.

    Raises:
        ConnectionFailed: it does not exist, or cannot be read.
    """
    if not os.path.isdir(path):
        raise ConnectionFailed(f"the project folder is not there: {path}", "restore it, or change the project's path")
    if not os.access(path, os.R_OK | os.X_OK):
        raise ConnectionFailed(f"the project folder cannot be read: {path}", "give the daemon's user access to it")
