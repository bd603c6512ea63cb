"""One connection of a terminal to its session: requests go out in tasks, their outcomes come back as events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from cli.daemon.client import Client, Frame
from cli.failures import Unreachable, sentence
from cli.terminal.events import Answered, ConnectionEvent, Lost, Pushed
from cli.terminal.input.words import Decision
from cli.terminal.prompts import TypedPrompt
from cli.terminal.screen import Screen
from supervisor.protocol.errors import XswarmError
from supervisor.protocol.requests import ClaudeCodeInterrupt, ClaudeCodeMessage, GetHistory, ResolveApproval

HISTORY = 50
"""How many messages of the history are requested, the newest ones."""


class SessionLink:
    """Sends requests in tasks, so that the terminal never waits for a response. `close` cancels them.

    Args:
        post: takes each event of the connection.
        screen: shows how interrupts and approvals went.

    Attributes:
        interrupted: this terminal has stopped a turn, whose end is to come.
    """

    def __init__(
        self, client: Client, session_id: str, *, post: Callable[[ConnectionEvent], None], screen: Screen
    ) -> None:
        self._client = client
        self._session_id = session_id
        self._post = post
        self._screen = screen
        self.interrupted = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def history(self) -> Sequence[Frame]:
        """Return the newest messages of the session, oldest first."""
        answer = await self._client.ask(GetHistory(session_id=self._session_id, limit=HISTORY))
        messages: Sequence[Frame] = answer["messages"]
        return messages

    def listen(self) -> None:
        """Start to post each frame that the daemon pushes, and finally the loss of the connection."""
        self._start(self._listen(), "pushed events")

    def send(self, prompt: TypedPrompt) -> None:
        """Send a prompt; its outcome is posted."""
        self._start(self._send(prompt), "prompt")

    def interrupt(self) -> None:
        """Interrupt the running turn."""
        self.interrupted = True
        self._start(self._interrupt(), "interrupt")

    def resolve(self, approval_id: str, decision: Decision) -> None:
        """Answer a question about a tool call, by its id or its code."""
        self._start(self._resolve(approval_id, decision), "answer")

    async def close(self) -> None:
        """Cancel all that is still being sent or waited for."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self) -> None:
        async for frame in self._client.pushed():
            self._post(Pushed(frame))
        self._post(Lost("it closed the connection"))

    async def _send(self, prompt: TypedPrompt) -> None:
        request = ClaudeCodeMessage(
            session_id=self._session_id, message=prompt.text, external_id=prompt.external_id, mode=prompt.mode
        )
        try:
            self._post(Answered(prompt.external_id, await self._client.ask(request, timeout=None)))
        except Unreachable as unreachable:
            self._post(Lost(unreachable.why))
        except XswarmError as error:
            self._post(Answered(prompt.external_id, error))

    async def _interrupt(self) -> None:
        try:
            answer = await self._client.ask(ClaudeCodeInterrupt(session_id=self._session_id))
        except Unreachable as unreachable:
            self._post(Lost(unreachable.why))
        except XswarmError as error:
            self._screen.remark(sentence(error))
        else:
            if answer["message_id"] is None:
                self.interrupted = False
                self._screen.remark("Nothing was running.")
            else:
                self._screen.remark("Interrupted.")

    async def _resolve(self, approval_id: str, decision: Decision) -> None:
        try:
            await self._client.ask(ResolveApproval(approval_id=approval_id, decision=decision))
        except Unreachable as unreachable:
            self._post(Lost(unreachable.why))
        except XswarmError as error:
            self._screen.remark(sentence(error))
        else:
            self._screen.remark("Allowed." if decision == "allow" else "Denied.")

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
