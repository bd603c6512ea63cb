"""The tool `claude_code`: the assistant gives a task to Claude Code, in the name of the user of its turn.

The task is an ordinary turn of that user: with their rights, limits, queue and questions. It is one level deep, because
Claude Code does not get this tool, and nothing here answers a question.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from supervisor.delivery.waiters import Waiters
from supervisor.intake.acceptor import Acceptor
from supervisor.intake.submission import RoutedSubmission, Submission, Taken
from supervisor.people.identity import Directory
from supervisor.people.projects import Project, Projects
from supervisor.protocol.errors import UserNotFound, XswarmError
from supervisor.protocol.messages import CHAT, DELEGATED, Address
from supervisor.protocol.status import Target
from supervisor.protocol.times import now_ms, usd
from supervisor.protocol.tools import ToolCall, ToolOutput, Tools, ToolSpec
from supervisor.protocol.values.record import record
from supervisor.routing.rules import Decision
from supervisor.sentences import delegation as say
from supervisor.store.ports.cluster.elsewhere import ElsewhereStore
from supervisor.store.ports.turns import ToolCallStore, TurnStore
from supervisor.store.records.accounts import User
from supervisor.store.records.result import Result
from supervisor.store.records.turn import Turn
from supervisor.turns.scheduler import TurnScheduler

logger = logging.getLogger(__name__)

NAME = "claude_code"

MAX_TASK = 20_000
"""The longest task in characters."""


@record
class Delegation:
    """Makes the tool for each turn.

    Attributes:
        calls: where a task is linked with the turn that gave it.
        seconds: how long a task may take, its time in the queue included.
    """

    directory: Directory
    projects: Projects
    acceptor: Acceptor
    waiters: Waiters
    turns: TurnScheduler
    store: TurnStore
    calls: ToolCallStore
    elsewhere: ElsewhereStore
    seconds: float

    def of_turn(self, turn: Turn) -> Tools | None:
        """Return the tool for a turn of the admin chat whose user has a project; None = the turn does not get it."""
        if turn.channel != CHAT or not self.usable(turn):
            return None
        return _ClaudeCode(self, turn)

    def usable(self, turn: Turn) -> Mapping[str, Project]:
        """Return the projects that the user of a turn may use now, by name."""
        try:
            user = self.directory.user(turn.user_id)
        except UserNotFound:
            return {}
        return {project.name: project for project in self.projects.of(user)} if user.role.may_prompt else {}


class _ClaudeCode(Tools):
    """The tool in one turn."""

    def __init__(self, parts: Delegation, turn: Turn) -> None:
        self._parts = parts
        self._turn = turn

    def listed(self) -> Sequence[ToolSpec]:
        schema = {
            "type": "object",
            "properties": {
                "project": {"type": "string", "enum": sorted(self._parts.usable(self._turn))},
                "task": {"type": "string", "maxLength": MAX_TASK, "description": say.THE_TASK()},
            },
            "required": ["project", "task"],
            "additionalProperties": False,
        }
        return [ToolSpec(name=NAME, description=say.CLAUDE_CODE(), input_schema=schema, seconds=self._parts.seconds)]

    async def shown(self, call: ToolCall) -> ToolCall | ToolOutput:
        if isinstance(refused := self._read(call.input), ToolOutput):
            return refused
        return call

    async def call(self, call: ToolCall) -> ToolOutput:
        read = self._read(call.input)
        if isinstance(read, ToolOutput):
            return read
        project, task = read
        giving = asyncio.create_task(self._give(project, task), name=f"task of {self._turn.message_id}")
        begun = False
        try:
            taken = await asyncio.shield(giving)
            with self._parts.waiters.expect(taken.accepted.message_id) as future:
                self._parts.acceptor.start(taken)
                begun = True
                result = await future
        except XswarmError as error:
            return ToolOutput(text=str(error), failed=True)
        except asyncio.CancelledError:
            with contextlib.suppress(XswarmError):  # nothing was accepted, or it is not known what became of it
                await self._stop(await giving, begun=begun)
            raise
        return _output(project, taken, result)

    async def _give(self, project: Project, task: str) -> Taken:
        """Accept a task, and link it with the turn that gives it."""
        user = self._parts.directory.user(self._turn.user_id)
        taken = await self._parts.acceptor.accept(self._routed(user, project, task))
        await self._parts.calls.delegated(self._turn.id, taken.accepted.message_id)
        return taken

    def _read(self, given: Mapping[str, Any]) -> tuple[Project, str] | ToolOutput:
        """Return the project and the task of an input, or what is wrong with it."""
        name, task = given.get("project"), given.get("task")
        if not isinstance(task, str) or not task.strip() or len(task) > MAX_TASK:
            return ToolOutput(text=say.WRONG_TASK(count=MAX_TASK), failed=True)
        usable = self._parts.usable(self._turn)
        if not isinstance(name, str) or name not in usable:
            return ToolOutput(text=say.WRONG_PROJECT(projects=", ".join(sorted(usable)) or "none"), failed=True)
        return usable[name], task

    def _routed(self, user: User, project: Project, task: str) -> RoutedSubmission:
        submission = Submission(
            user=user,
            channel=DELEGATED,
            account="",
            sender=Address(kind=CHAT, value=user.id),
            text=task,
            note=say.GIVEN_BY(),
            thread=self._turn.thread,
            way=self._turn.way,
        )
        decision = Decision(target=Target.CLAUDE_CODE, reason="given by the assistant", text=task, project=project)
        return RoutedSubmission(submission=submission, decision=decision)

    async def _stop(self, taken: Taken, *, begun: bool) -> None:
        """Take a task out of the queue, or interrupt it: the turn that gave it was interrupted.

        Args:
            begun: it was handed to the scheduler.
        """
        parts, user_id, message_id = self._parts, self._turn.user_id, taken.accepted.message_id
        found = await parts.store.result(message_id)
        if found is not None and await parts.store.cancel(found.turn.id, say.WITHDRAWN(), (), now_ms=now_ms()):
            if begun:
                parts.turns.note_removed(1)
            return
        if not begun:
            parts.acceptor.start(taken)  # T1 has started it
        running = parts.turns.running(taken.lane)
        if running is not None and running.turn.message_id != message_id:
            return  # it has ended
        logger.info("%s: interrupted with the turn that gave it", message_id)
        if await parts.turns.interrupt(taken.lane, user_id) is not None:
            return
        if await parts.turns.interrupt_next(taken.lane, user_id) is None:
            await parts.elsewhere.stop(taken.lane, user_id, now_ms=now_ms())


def _output(project: Project, taken: Taken, result: Result) -> ToolOutput:
    nanos = result.known_nanos
    whole = {
        "project": project.name,
        "session_id": taken.session_id,
        "message_id": result.turn.message_id,
        "answer": result.answer,
        "cost_usd": usd(nanos) if nanos is not None else None,
    }
    return ToolOutput(
        text=result.answer or say.WITHOUT_TEXT(),
        structured=whole,
        title=f"Claude Code in {project.name}",
        kind="report",
    )
