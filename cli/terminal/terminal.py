"""One terminal at one session: what is typed, what the daemon sends, and a connection that may come and go."""

from __future__ import annotations

import asyncio
import signal
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cli.daemon.addresses import Daemon
from cli.daemon.client import Client, Frame, connected, find_session
from cli.failures import ExitCode, Unreachable, sentence
from cli.terminal.lines import TERMINAL_LINE
from cli.terminal.questions import Decision, Questions, answer
from cli.terminal.screen import Screen
from cli.terminal.transcript import Transcript
from supervisor.protocol.errors import TurnFailed, XswarmError
from supervisor.protocol.ids import uuid7
from supervisor.protocol.queue import Mode, parse, told
from supervisor.protocol.requests import (
    ClaudeCodeConnect,
    ClaudeCodeInterrupt,
    ClaudeCodeMessage,
    GetHistory,
    ResolveApproval,
    Subscribe,
)

AGAIN_SECONDS = 2.0
"""A second Ctrl-C within this time leaves."""

FIRST_RETRY, LAST_RETRY = 0.25, 5.0
"""Seconds between tries to reach a daemon that went away; doubling."""

SCRIPT_PATIENCE = 60.0
"""Seconds for which a script waits for a daemon that went away; a person waits until they leave."""

HISTORY = 50
"""Messages of the past that are shown."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A line from stdin."""

    text: str


@dataclass(frozen=True, slots=True)
class InputEnded:
    """Ctrl-D, or the end of a file of prompts."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Ctrl-C."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """Something that the daemon sent without being asked."""

    frame: Frame


@dataclass(frozen=True, slots=True)
class Answered:
    """The end of a prompt: its answer, or why there is none."""

    external_id: str
    outcome: Frame | XswarmError


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is gone."""

    why: str


Happening = Typed | InputEnded | Interrupted | Pushed | Answered | Lost


class Terminal:
    """One person, or one script, at one session.

    All that happens goes through one queue and is handled in one place, whether the daemon is there or not.

    Args:
        locate: says where the daemon is, each time anew: it may come back on another port.
        given: the session as it was named.
        interactive: a person types; else stdin is a script whose prompts are sent one at a time.
    """

    def __init__(self, locate: Callable[[], Daemon], given: str, screen: Screen, *, interactive: bool) -> None:
        self._locate = locate
        self._given = given
        self._screen = screen
        self._interactive = interactive
        self._transcript = Transcript(screen)
        self._happenings: asyncio.Queue[Happening] = asyncio.Queue()
        self._session_id = ""
        self._unsent: deque[str] = deque()
        self._unanswered: dict[str, str] = {}
        """external_id to text, in the order they were sent."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._input_ended = False
        self._interrupted_at = float("-inf")
        self._questions = Questions(screen)
        self._last_update: tuple[object, ...] = ()
        self._result = ExitCode.DONE
        self._leave: ExitCode | None = None

    def post(self, happening: Happening) -> None:
        """Let something happen; never blocks."""
        self._happenings.put_nowait(happening)

    async def run(self) -> ExitCode:
        """Stay until the person leaves or the script is done.

        Raises:
            XswarmError: the session cannot be attached to.
        """
        loop = asyncio.get_running_loop()
        delay, lost_at = FIRST_RETRY, 0.0
        while True:
            try:
                async with connected(self._locate()) as client:
                    await self._begin(client)
                    delay, lost_at = FIRST_RETRY, 0.0
                    return await self._converse(client)
            except Unreachable as unreachable:
                if not self._session_id:
                    raise
                if not lost_at:
                    lost_at = loop.time()
                    self._transcript.lost()
                    self._screen.remark(f"The daemon went away ({unreachable.why}); trying again ...")
                elif not self._interactive and loop.time() - lost_at > SCRIPT_PATIENCE:
                    raise
            await self._wait(delay)
            if self._leave is not None:
                return self._leave
            delay = min(delay * 2, LAST_RETRY)

    async def _begin(self, client: Client) -> None:
        """Attach, and catch up with what was said."""
        again = bool(self._session_id)
        session = await find_session(client, self._session_id or self._given)
        session_id, path = session["session_id"], session["project_path"]
        # Whoever types can answer questions about tool calls; a script cannot, and is not asked.
        questions = ["approvals"] if self._interactive else []
        await client.ask(Subscribe(topics=[f"session:{session_id}", *questions]))
        request = ClaudeCodeConnect(session_id=session_id, project_path=path, user_id=session["user_id"])
        answer = await client.ask(request, timeout=None)
        self._session_id = session_id
        await self._catch_up(client)
        if again:
            self._screen.remark("Connected again.")
        else:
            verb = "Resumed" if answer["resumed"] else "Attached to"
            keys = " Ctrl-C interrupts the turn, Ctrl-D leaves." if self._interactive else ""
            self._screen.remark(f"{verb} {session_id} in {path}.{keys}")

    async def _converse(self, client: Client) -> ExitCode:
        """Handle what happens on one connection, until the person leaves or the script is done.

        Raises:
            Unreachable: the connection ended.
        """
        self._start(self._listen(client), "pushed events")
        for external_id, text in self._unanswered.items():
            # The same external_id is the same message: what was accepted before is not run again.
            self._start(self._prompt(client, external_id, text), "prompt")
        try:
            with self._catching_ctrl_c():
                while self._leave is None:
                    self._send_waiting(client)
                    if self._input_ended and not self._unanswered:
                        return self._result
                    if not self._busy():
                        self._screen.mark()
                    await self._handle(await self._happenings.get(), client)
            return self._leave
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._forget_connection()

    async def _wait(self, seconds: float) -> None:
        """Handle what happens while there is no connection, for so long or until the person leaves."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        with self._catching_ctrl_c():
            while self._leave is None and loop.time() < deadline:
                try:
                    async with asyncio.timeout_at(deadline):
                        happening = await self._happenings.get()
                except TimeoutError:
                    return
                await self._handle(happening, None)

    async def _handle(self, happening: Happening, client: Client | None) -> None:
        match happening:
            case Typed(text) if self._interactive and (said := answer(text)) is not None:
                self._screen.entered()
                self._answer_question(client, *said)
            case Typed(text):
                self._typed(text)
            case InputEnded():
                self._input_ended = True
                if self._interactive:
                    self._go(ExitCode.DONE)
            case Interrupted():
                self._ctrl_c(client)
            case Pushed(frame) if client is not None:
                await self._show(client, frame)
            case Answered(external_id, outcome) if client is not None:
                await self._finish(client, external_id, outcome)
            case Lost(why):
                raise Unreachable(why)
            case Pushed() | Answered():
                raise AssertionError("what a connection said is forgotten with it")

    def _typed(self, text: str) -> None:
        self._screen.entered()
        if self._interactive and len(text.encode("utf-8", "replace")) >= TERMINAL_LINE:
            self._screen.remark(
                f"Not sent: a terminal cuts a line after {TERMINAL_LINE} bytes. End lines with a backslash,"
                f" or use `xswarm claude send {self._session_id} - < FILE`."
            )
        elif text.strip():
            self._unsent.append(text)

    def _ctrl_c(self, client: Client | None) -> None:
        now = asyncio.get_running_loop().time()
        again = now - self._interrupted_at < AGAIN_SECONDS
        self._interrupted_at = now
        self._screen.overtyped()
        if again or client is None:
            self._go(ExitCode.STOPPED)
        elif self._busy():
            self._screen.remark("Interrupting ... (Ctrl-C again leaves)")
            self._start(self._interrupt(client), "interrupt")
        else:
            self._screen.remark("Nothing is running; Ctrl-C again or Ctrl-D leaves.")

    def _go(self, result: ExitCode) -> None:
        """Leave; what was accepted runs on."""
        self._leave = result
        self._transcript.lost()
        self._screen.overtyped()
        if self._unanswered:
            self._screen.remark("The turn goes on without this terminal.")
        if self._unsent:
            self._screen.remark(f"Not sent: {len(self._unsent)} prompt(s).")

    def _busy(self) -> bool:
        return bool(self._unanswered) or self._transcript.streaming

    def _send_waiting(self, client: Client) -> None:
        while self._unsent and (self._interactive or not self._unanswered):
            text, external_id = self._unsent.popleft(), uuid7()
            self._unanswered[external_id] = text
            self._transcript.asked(self._named(text)[1])
            self._start(self._prompt(client, external_id, text), "prompt")

    async def _show(self, client: Client, frame: Frame) -> None:
        """Show what was pushed."""
        # A resolved question names no session; those of other sessions are none of ours.
        if frame.get("session_id") != self._session_id and frame["type"] != "approval_resolved":
            return
        match frame["type"]:
            case "claude_code_delta" | "claude_code_tool" as kind:
                turn = frame["message_id"]
                if self._transcript.is_news(turn):
                    await self._catch_up(client, up_to=turn)
                if kind == "claude_code_delta":
                    self._transcript.delta(turn, frame["text"])
                else:
                    self._transcript.tool(turn, frame)
            case "session_updated":
                update = (frame["message_count"], frame["cost_usd"], frame["last_activity"], frame["status"])
                if update != self._last_update and not self._unanswered:
                    # A turn that somebody else began has ended, or begun.
                    await self._catch_up(client)
                self._last_update = update
            case "approval_requested":
                self._questions.requested(frame)
            case "approval_resolved":
                self._questions.resolved(frame)
            case "claude_code_queued" if frame["external_id"] in self._unanswered:
                self._screen.remark(told(Mode(frame["mode"]), frame["ahead"]))
            case "claude_code_stuck":
                silent = max(1, frame["silent_seconds"] // 60)
                self._screen.remark(f"No sign of life for {silent} min. Ctrl-C interrupts the turn.")
            case "claude_code_disconnected":
                self._transcript.cut()
                self._screen.remark(f"The session has ended: {frame['reason']}.")
            case _:
                pass

    async def _finish(self, client: Client, external_id: str, outcome: Frame | XswarmError) -> None:
        """Show how a prompt ended."""
        del self._unanswered[external_id]
        if isinstance(outcome, XswarmError):
            self._transcript.cut()
            self._screen.remark(sentence(outcome))
            self._result = ExitCode.FAILED
            if outcome.code == TurnFailed.code:
                self._transcript.failed()
        else:
            self._transcript.response(outcome)
        await self._catch_up(client)

    async def _catch_up(self, client: Client, *, up_to: str | None = None) -> None:
        history = await client.ask(GetHistory(session_id=self._session_id, limit=HISTORY))
        messages = history["messages"]
        if up_to is None or any(message["id"] == up_to for message in messages):
            self._transcript.rows(messages, up_to)

    async def _listen(self, client: Client) -> None:
        async for frame in client.pushed():
            self.post(Pushed(frame))
        self.post(Lost("it closed the connection"))

    async def _prompt(self, client: Client, external_id: str, text: str) -> None:
        mode, prompt = self._named(text)
        request = ClaudeCodeMessage(session_id=self._session_id, message=prompt, external_id=external_id, mode=mode)
        try:
            self.post(Answered(external_id, await client.ask(request, timeout=None)))
        except Unreachable as unreachable:
            self.post(Lost(unreachable.why))
        except XswarmError as error:
            self.post(Answered(external_id, error))

    def _named(self, text: str) -> tuple[Mode | None, str]:
        """Return how a prompt enters the line, where a person wrote that before it, and the prompt."""
        return parse(text) if self._interactive else (None, text)

    async def _interrupt(self, client: Client) -> None:
        try:
            answer = await client.ask(ClaudeCodeInterrupt(session_id=self._session_id))
        except Unreachable as unreachable:
            self.post(Lost(unreachable.why))
        except XswarmError as error:
            self._screen.remark(sentence(error))
        else:
            self._screen.remark("Nothing was running." if answer["message_id"] is None else "Interrupted.")

    def _answer_question(self, client: Client | None, decision: Decision, number: int | str) -> None:
        if client is None:
            self._screen.remark("Nothing waits for a yes or no.")
        elif (approval_id := self._questions.take(number)) is not None:
            self._start(self._resolve(client, approval_id, decision), "answer")

    async def _resolve(self, client: Client, approval_id: str, decision: Decision) -> None:
        try:
            await client.ask(ResolveApproval(approval_id=approval_id, decision=decision))
        except Unreachable as unreachable:
            self.post(Lost(unreachable.why))
        except XswarmError as error:
            self._screen.remark(sentence(error))

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _forget_connection(self) -> None:
        """Drop what a connection still said, and keep what the person did."""
        happenings = [self._happenings.get_nowait() for _ in range(self._happenings.qsize())]
        for happening in happenings:
            if isinstance(happening, Typed | InputEnded | Interrupted):
                self.post(happening)

    @contextmanager
    def _catching_ctrl_c(self) -> Iterator[None]:
        """Make Ctrl-C a happening; everywhere else it ends the program as usual."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self.post, Interrupted())
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)
