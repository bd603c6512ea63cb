"""One conversation with a running Claude Code: prompts go to its stdin, events come from its stdout."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from connectors.claude_code.decisions import Decisions
from connectors.claude_code.files.attachments import hand_over
from connectors.claude_code.history import Retelling, content
from connectors.claude_code.process.allowance import Excess
from connectors.claude_code.process.process import Patience, Process, WriteFailed, described
from connectors.claude_code.protocol import frames, tool_servers
from connectors.claude_code.protocol.frames import (
    ControlCancel,
    ControlRequest,
    ControlResponse,
    LineTooLong,
    Message,
    Unanswered,
)
from connectors.claude_code.protocol.reader import FrameReader, NotClaudeCode
from connectors.claude_code.protocol.redaction import Redaction
from connectors.claude_code.protocol.turns import Flooded, TurnReader
from connectors.claude_code.requests import ControlRequests
from connectors.claude_code.stream import EventStream
from connectors.claude_code.watchdog import TimeLimits, Watchdog
from supervisor.protocol.conversation import (
    ConversationEvent,
    Exited,
    Failed,
    Finished,
    ProcessIdentity,
    Prompt,
    SessionSpec,
)
from supervisor.protocol.errors import ConnectionFailed
from supervisor.protocol.messages import MessageId
from supervisor.protocol.ports.connector import Conversation
from supervisor.protocol.text.amounts import counted

logger = logging.getLogger(__name__)

MAX_OPEN_QUESTIONS = 1000
"""Open control requests of Claude Code; it sends up to two for each tool call, and runs several calls side by side."""
LAST_READ = 15.0
"""Seconds that the reader gets to end after the process; it needs far less."""
FREEZE_SECONDS = 1.0
"""Seconds that the processes of a session get to be stopped."""
TICK = 1.0
"""Longest time in seconds between two checks of the watchdog."""


class ClaudeCodeConversation(Conversation):
    """A running Claude Code of one session.

    Tasks: one reads stdout for as long as the process lives, one watches the time limits of a turn, one answers each
    control request, and one closes or kills the process.

    Args:
        ended: called once, after the process and all that it started have ended.
        limits: the limit of a turn is that of the session.
        retelling: what Claude Code and the person are told where its own record of the conversation is lost; or None.
    """

    def __init__(
        self,
        process: Process,
        session: SessionSpec,
        *,
        ended: Callable[[], Awaitable[None]],
        limits: TimeLimits,
        patience: Patience,
        retelling: Retelling | None = None,
    ) -> None:
        self._process = process
        self._name = session.id
        self._home = session.home
        self._ended = ended
        self._limits = limits
        self._patience = patience
        self._redaction = Redaction([end.token for end in (session.endpoint, session.tool_endpoint) if end is not None])
        self._endpoint = session.tool_endpoint
        self._servers = frozenset(session.tool_endpoint.urls if session.tool_endpoint is not None else ())
        self._tap = tap = session.tap
        if tap is not None:
            process.listen_to_errors(lambda line: tap(self._redaction.clean(line), True))
        self._preamble = retelling.preamble if retelling else ""
        self._turns = TurnReader(retelling.notice if retelling else "", self._servers)
        self._prompts: dict[MessageId, MessageId] = {}  # by key: the message of each prompt in flight
        self._decisions = Decisions(session.decide)
        self._events = EventStream()
        self._watchdog: Watchdog | None = None
        self._watching: asyncio.Task[None] | None = None
        self._turn_over = asyncio.Event()
        self._turn_over.set()
        self._preparing = asyncio.Lock()  # held from the first look at a prompt until it is written
        self._answering: dict[str, asyncio.Task[None]] = {}  # by request id
        self._requests = ControlRequests(process, self._redaction, name=session.id)
        self._frames = FrameReader(self._report_garbage)
        self._on_purpose = self._frozen = False
        self._fault = self._remedy = ""
        self._over = asyncio.Event()
        self._killing: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._reading = asyncio.create_task(self._read(), name=f"claude code {self._name}")

    @property
    def identity(self) -> ProcessIdentity:
        """The outermost process of the fence."""
        return self._process.identity

    def failure(self, why: str) -> ConnectionFailed:
        """Return an error that says why the session ended; `why` is used where no fault is known."""
        return ConnectionFailed(self._fault or why, self._remedy)

    @property
    def last_words(self) -> str:
        """The end of stderr, without secrets."""
        return self._redaction.clean(self._process.last_words)

    def events(self) -> AsyncIterator[ConversationEvent]:
        return aiter(self._events)

    async def initialize(self, timeout: float) -> None:
        """Register the policy's hook for tool calls.

        Args:
            timeout: in seconds.

        Raises:
            Unanswered: Claude Code does not answer, or does not support the hook. The caller closes the conversation.
        """
        answer = await self._request(frames.initialize(), timeout)
        if answer.get("hooks_applied") is not True or answer.get("hook_on_failure_supported") is not True:
            raise Unanswered("this version of Claude Code does not let a policy decide about its tools")
        await tool_servers.settled(self._request, self._servers)  # else a first prompt might be without their tools

    async def prompt(self, prompt: Prompt) -> None:
        if self._over.is_set() or self._closing is not None or self._fault:
            raise self.failure("the session was closed")
        async with self._preparing:
            await self._write(prompt)

    async def _write(self, prompt: Prompt) -> None:
        if self._endpoint is not None and self._turn_over.is_set():
            await tool_servers.renewed(self._request, self._endpoint.outdated())
        files = await hand_over(prompt.attachments, self._home)
        whole = "\n\n".join(part for part in (content(prompt), files) if part)
        texts = (self._preamble, whole) if self._preamble else (whole,)
        self._preamble = ""
        key = prompt.key or prompt.message_id
        self._turns.written(key)
        self._prompts[key] = prompt.message_id
        self._turn_over.clear()
        self._watchdog = Watchdog(self._limits, now := time.monotonic())
        # The prompt joins a turn that waits for a person, or the process is stopped while the database is away.
        if self._decisions.waiting or self._frozen:
            self._watchdog.hold(now)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch(), name=f"watchdog {self._name}")
        try:
            await self._process.write(frames.user_message(key, *texts), timeout=self._limits.write)
        except WriteFailed as failed:
            if failed.certain:
                self._turns.not_written(key)
                self._after_events()
                raise ConnectionFailed(str(failed)) from None
            self._break(str(failed))

    async def interrupt(self) -> None:
        await self._stop("it was interrupted")

    async def freeze(self) -> bool:
        self._frozen = True
        if self._watchdog is not None:
            self._watchdog.hold(time.monotonic())
        return await self._process.freeze(FREEZE_SECONDS)

    async def thaw(self) -> None:
        self._process.thaw()
        self._frozen = False
        self._let_clocks_run()

    async def close(self, *, hurried: bool = False) -> None:
        if self._closing is None:
            self._on_purpose = True
            self._closing = asyncio.create_task(self._end(hurried), name=f"close {self._name}")
        await asyncio.shield(self._closing)

    def exceed(self, excess: Excess) -> None:
        """Kill the process: it takes more of the machine than it may."""
        self._remedy = self._remedy or excess.remedy
        self._break(excess.why)

    async def _end(self, hurried: bool) -> None:
        await self._events.release()
        hurried = hurried or not self._turn_over.is_set()
        await self._process.end(self._patience.hurried() if hurried else self._patience)
        _, late = await asyncio.wait([self._reading], timeout=LAST_READ)
        if late:  # the process is gone, so nothing is left to read; callers of close() must not wait for the reader
            logger.error("%s: the reader outlived its process, at %s", self._name, self._reading.get_stack(limit=3))
            self._reading.cancel()
            await asyncio.wait(late)
            await self._events.put(Exited(why=self._fault))
            self._over.set()
        if self._killing is not None:
            await self._killing

    async def _stop(self, why: str, *, timed_out: bool = False) -> None:
        """Interrupt the running turn; kill the process if the interrupt has no effect."""
        if self._turn_over.is_set():
            async with self._preparing:  # the turn whose prompt is being written is meant too
                pass
        if self._turn_over.is_set():
            return
        self._turns.stopping(why, timed_out=timed_out)
        try:
            async with asyncio.timeout(self._limits.receipt):
                await self._request(frames.interrupt(), self._limits.receipt)
                await self._turn_over.wait()
        except (Unanswered, TimeoutError) as error:
            if not self._turn_over.is_set():
                logger.warning("%s: an interrupt had no effect (%s), killing the process", self._name, error)
                self._break("it did not stop when it was told to")
                await self._turn_over.wait()

    def _break(self, fault: str) -> None:
        """Kill the process; the reader then sees the end of stdout, and fails the prompts in flight with `fault`."""
        if not self._fault:
            self._fault = fault
        if self._killing is None:
            self._killing = asyncio.create_task(self._process.kill(self._patience.kill), name=f"kill {self._name}")

    async def _request(self, request: Mapping[str, Any], timeout: float) -> Mapping[str, Any]:
        try:
            return await self._requests.ask(request, timeout)
        except WriteFailed as failed:
            await asyncio.wait([self._reading], timeout=1.0)  # the end of stderr may name the cause
            raise Unanswered(self._fault or str(failed)) from None
        except TimeoutError:
            raise Unanswered(f"it did not answer within {timeout:g} seconds{self._frames.garbage}") from None

    async def _read(self) -> None:
        """Read stdout to its end; then end the process and report the end of the conversation."""
        try:
            await self._read_frames()
        except (LineTooLong, NotClaudeCode, Flooded) as error:
            self._fault = self._fault or str(error)
        except Exception:  # without this the task would end unseen, and its waiters would hang
            logger.exception("%s: reading failed", self._name)
            self._fault = self._fault or "its output could not be read"
        await self._finish()

    async def _read_frames(self) -> None:
        while data := await self._process.read():
            for line, frame in self._frames.feed(data):
                if self._tap is not None and isinstance(frame, Message):
                    self._tap(self._redaction.clean(line.decode(errors="replace")), False)
                await self._handle(frame)
            await asyncio.sleep(0)  # much output of one session must not starve the others

    async def _handle(self, frame: frames.Frame) -> None:
        if self._watchdog is not None:
            self._watchdog.heard(time.monotonic())
        match frame:
            case Message():
                await self._publish(self._turns.receive(frame))
                self._after_events()
            case ControlRequest() if frame.request_id not in self._answering:
                if len(self._answering) >= MAX_OPEN_QUESTIONS:
                    raise Flooded(f"it asked more than {counted(MAX_OPEN_QUESTIONS, 'question')} at a time")
                task = asyncio.create_task(self._answer(frame), name=f"answer {self._name} {frame.request_id}")
                self._answering[frame.request_id] = task
                task.add_done_callback(lambda _: self._answering.pop(frame.request_id, None))
            case ControlCancel():
                if asked := self._answering.get(frame.request_id):
                    asked.cancel()
            case ControlResponse():
                self._requests.settle(frame)
            case _:
                logger.debug("%s: a control request with the id of an open one", self._name)

    async def _answer(self, request: ControlRequest) -> None:
        """Answer a control request. If the answer cannot be written, the process ends, which the reader sees."""
        if self._watchdog is not None:
            self._watchdog.hold(time.monotonic())
        try:
            answer = await self._decisions.answer(request)
        finally:
            self._let_clocks_run()
        if answer is None:
            line = frames.control_error(request.request_id, f"xswarm does not answer {request.subtype!r}")
        else:
            line = frames.control_success(request.request_id, answer)
        try:
            await self._process.write(line, timeout=self._limits.write)
        except WriteFailed as failed:
            logger.debug("%s: an answer was not written: %s", self._name, failed)
            if not failed.certain:
                self._break(str(failed))

    def _let_clocks_run(self) -> None:
        """Let the time of the turn go on, unless a person decides, or the process is frozen."""
        if self._watchdog is not None and not self._frozen and not self._decisions.waiting:
            self._watchdog.release(time.monotonic())

    async def _watch(self) -> None:
        """End a turn that takes too long. Returns after the turn, unless the next one has begun by then."""
        while not self._turn_over.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._turn_over.wait(), min(TICK, self._limits.turn / 4, self._limits.dropped))
            turns, watchdog = self._turns, self._watchdog
            if watchdog is None:
                continue
            why = watchdog.due(
                time.monotonic(), accepted=turns.accepted, ignored=turns.ignored, tool_running=turns.tool_running
            )
            if why is None:
                continue
            logger.warning("%s: %s, ending the turn", self._name, why)
            if turns.accepted:
                await self._stop(why, timed_out=True)
            elif turns.ignored:
                await self._publish(turns.abandon(why))
                self._after_events()
            else:
                turns.stopping(why, timed_out=True)
                self._break(why)
                return

    async def _publish(self, events: Iterable[ConversationEvent]) -> None:
        """Pass events on; in the end of a prompt, replace its key by the id of its message."""
        for event in events:
            if isinstance(event, Finished | Failed) and event.message_id is not None:
                await self._events.put(replace(event, message_id=self._prompts.pop(event.message_id, event.message_id)))
            else:
                await self._events.put(event)

    def _after_events(self) -> None:
        if not self._turns.busy and not self._turn_over.is_set():
            self._turn_over.set()
            self._watchdog = None
            if self._decisions.waiting:
                for task in self._answering.values():
                    task.cancel()
            self._decisions.forget()

    async def _finish(self) -> None:
        """End the process, fail the prompts in flight, and report the end: stdout has ended."""
        if self._fault or self._on_purpose:
            pass
        elif (excess := self._process.excess()) is not None:
            self._fault, self._remedy = excess.why, excess.remedy
        elif (code := await self._process.wait(1.0)) is not None:
            self._fault = f"it ended by itself ({described(code)}){self._frames.garbage}{self._last_line()}"
        else:
            self._fault = "it closed its output"
        await self._process.kill(self._patience.kill)
        await self._ended()  # before the supervisor looks at the files that the turn has changed
        tasks = list(self._answering.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._decisions.close()
        await self._publish(self._turns.abandon(self._fault or "the session was closed", self._remedy))
        self._after_events()
        if self._watching is not None:
            await self._watching
        self._requests.fail_all(self._fault or "the session was closed")
        self._over.set()
        await self._events.put(Exited(why="" if self._on_purpose else self._fault))

    def _report_garbage(self, line: bytes) -> None:
        logger.warning("%s: not a frame: %s", self._name, self._redaction.clean(line.decode(errors="replace"))[:200])

    def _last_line(self) -> str:
        lines = self.last_words.splitlines()
        return f": {lines[-1].strip()[:300]}" if lines else ""
