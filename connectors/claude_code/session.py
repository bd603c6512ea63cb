"""One conversation with a running Claude Code: prompts down its stdin, events up from its stdout."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from connectors.claude_code.decisions import Decisions
from connectors.claude_code.history import content
from connectors.claude_code.process.allowance import Excess
from connectors.claude_code.process.process import Patience, Process, WriteFailed, described
from connectors.claude_code.protocol import frames
from connectors.claude_code.protocol.frames import (
    ControlCancel,
    ControlRequest,
    ControlResponse,
    LineSplitter,
    LineTooLong,
    Message,
    Unanswered,
)
from connectors.claude_code.protocol.turns import Flooded, TurnReader
from connectors.claude_code.stream import EventStream
from connectors.claude_code.watchdog import Limits, Watchdog
from supervisor.protocol.conversation import (
    ConversationEvent,
    Decide,
    Exited,
    Failed,
    Finished,
    ProcessIdentity,
    Prompt,
    Tap,
)
from supervisor.protocol.errors import ConnectionFailed
from supervisor.protocol.messages import MessageId
from supervisor.protocol.ports import Conversation

logger = logging.getLogger(__name__)

MAX_GARBAGE = 1000
"""Lines outside the protocol after which what runs is not Claude Code; a hundred times as many where it was."""
LOGGED_GARBAGE = 3
"""Of those, how many are logged."""
MAX_ASKED = 1000
"""Questions of its that are open at a time; it asks as many as calls run side by side, twice for each."""
LAST_READ = 15.0
"""Seconds that the reader gets to end after the process; it needs far less."""
TICK = 1.0
"""Longest time in seconds between two looks of the watchdog."""
SECRET = re.compile(r"(sk-ant-[\w-]+|Bearer\s+\S+|(?<=key=)\S+)", re.IGNORECASE)


class ClaudeCodeConversation(Conversation):
    """A live Claude Code of one session.

    Args:
        name: the session's id, for tasks and logs.
        secrets: texts that never appear in a sentence or a log.
        tap: takes the lines of the conversation and of stderr, without secrets.
        ended: called once, when nothing is left of the process.
        notice: put above the first answer, and `preamble` before the first prompt: the conversation had to start anew.
    """

    def __init__(
        self,
        process: Process,
        *,
        name: str,
        decide: Decide,
        ended: Callable[[], Awaitable[None]],
        limits: Limits,
        patience: Patience,
        secrets: tuple[str, ...] = (),
        tap: Tap | None = None,
        preamble: str = "",
        notice: str = "",
    ) -> None:
        self._process = process
        self._name = name
        self._limits = limits
        self._patience = patience
        self._secrets = tuple(secret for secret in secrets if secret)
        self._tap = tap
        if tap is not None:
            process.listen_to_errors(lambda line: tap(self._clean(line), True))
        self._ended = ended
        self._preamble = preamble
        self._turns = TurnReader(notice)
        self._prompts: dict[MessageId, MessageId] = {}  # the message of each key in flight
        self._decisions = Decisions(decide)
        self._events = EventStream()
        self._watchdog: Watchdog | None = None
        self._watching: asyncio.Task[None] | None = None
        self._turn_over = asyncio.Event()
        self._turn_over.set()
        self._answering: dict[str, asyncio.Task[None]] = {}
        self._requests: dict[str, asyncio.Future[Mapping[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._garbage = self._frames = 0
        self._on_purpose = False
        self._fault = self._remedy = ""
        self._over = asyncio.Event()
        self._killing: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._reading = asyncio.create_task(self._read(), name=f"claude code {name}")

    @property
    def identity(self) -> ProcessIdentity:
        """The outermost process of its fence."""
        return self._process.identity

    def failure(self, why: str) -> ConnectionFailed:
        """Return why it ended, or `why` where it has not ended by itself, as an error."""
        return ConnectionFailed(self._fault or why, self._remedy)

    @property
    def last_words(self) -> str:
        """The end of what it wrote to stderr, without secrets."""
        return self._clean(self._process.last_words)

    def events(self) -> AsyncIterator[ConversationEvent]:
        return aiter(self._events)

    async def initialize(self, timeout: float) -> None:
        """Make it ours: register the policy's hook.

        Raises:
            Unanswered: it does not answer, or does not honour the hook. The caller closes.
        """
        answer = await self._request(frames.initialize(), timeout)
        if answer.get("hooks_applied") is not True or answer.get("hook_on_failure_supported") is not True:
            raise Unanswered("this version of Claude Code does not let a policy decide about its tools")

    async def prompt(self, prompt: Prompt) -> None:
        if self._over.is_set() or self._closing is not None or self._fault:
            raise self.failure("the session was closed")
        texts = (self._preamble, content(prompt)) if self._preamble else (content(prompt),)
        self._preamble = ""
        key = prompt.key or prompt.message_id
        self._turns.written(key)
        self._prompts[key] = prompt.message_id
        self._turn_over.clear()
        self._watchdog = Watchdog(self._limits, now := time.monotonic())
        if self._decisions.waiting:  # it goes into a turn that waits for a person
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

    async def close(self, *, hurried: bool = False) -> None:
        if self._closing is None:
            self._on_purpose = True
            self._closing = asyncio.create_task(self._end(hurried), name=f"close {self._name}")
        await asyncio.shield(self._closing)

    def exceed(self, excess: Excess) -> None:
        """End it: it takes more of the machine than it may."""
        self._remedy = self._remedy or excess.remedy
        self._break(excess.why)

    async def _end(self, hurried: bool) -> None:
        await self._events.release()
        hurried = hurried or not self._turn_over.is_set()
        await self._process.end(self._patience.hurried() if hurried else self._patience)
        _, late = await asyncio.wait([self._reading], timeout=LAST_READ)
        if late:  # nothing is left to read: whoever waits for our end must not wait for this
            logger.error("%s: the reader outlived its process, at %s", self._name, self._reading.get_stack(limit=3))
            self._reading.cancel()
            await asyncio.wait(late)
            await self._events.put(Exited(why=self._fault))
            self._over.set()
        if self._killing is not None:
            await self._killing

    async def _stop(self, why: str, *, timed_out: bool = False) -> None:
        """Interrupt the running turn; the process is killed where it does not obey."""
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
        """Kill the process: the reader sees its end, fails what is in flight with this reason, and cleans up."""
        if not self._fault:
            self._fault = fault
        if self._killing is None:
            self._killing = asyncio.create_task(self._process.kill(self._patience.kill), name=f"kill {self._name}")

    async def _request(self, request: Mapping[str, Any], timeout: float) -> Mapping[str, Any]:
        request_id = f"xswarm-{next(self._numbers)}"
        future: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._requests[request_id] = future
        try:
            await self._process.write(frames.control_request(request_id, request), timeout=timeout)
            return await asyncio.wait_for(future, timeout)
        except WriteFailed as failed:
            await asyncio.wait([self._reading], timeout=1.0)  # its last words may say more
            raise Unanswered(self._fault or str(failed)) from None
        except TimeoutError:
            raise Unanswered(f"it did not answer within {timeout:g} seconds{self._about_garbage()}") from None
        finally:
            del self._requests[request_id]

    async def _read(self) -> None:
        """Read until the end of its output; then see to it that nothing is left, and say so."""
        try:
            await self._read_frames()
        except (LineTooLong, Flooded) as error:
            self._fault = self._fault or str(error)
        except Exception:  # the task would die unseen, and everybody waiting with it
            logger.exception("%s: reading failed", self._name)
            self._fault = self._fault or "its output could not be read"
        await self._finish()

    async def _read_frames(self) -> None:
        splitter = LineSplitter()
        while data := await self._process.read():
            for line in splitter.feed(data):
                frame = frames.parse_frame(line)
                if frame is None:
                    self._note_garbage(line)
                    if self._garbage > MAX_GARBAGE * (100 if self._frames else 1):
                        self._fault = "what runs there does not speak the protocol of Claude Code"
                        return
                    continue
                self._frames += 1
                if self._tap is not None and isinstance(frame, Message):
                    self._tap(self._clean(line.decode(errors="replace")), False)
                await self._handle(frame)
            await asyncio.sleep(0)  # a flood must not starve the other sessions

    async def _handle(self, frame: frames.Frame) -> None:
        if self._watchdog is not None:
            self._watchdog.heard(time.monotonic())
        match frame:
            case Message():
                await self._tell(self._turns.receive(frame))
                self._after_events()
            case ControlRequest() if frame.request_id not in self._answering:
                if len(self._answering) >= MAX_ASKED:
                    raise Flooded(f"it asked more than {MAX_ASKED:,} questions at a time")
                task = asyncio.create_task(self._answer(frame), name=f"answer {self._name} {frame.request_id}")
                self._answering[frame.request_id] = task
                task.add_done_callback(lambda _: self._answering.pop(frame.request_id, None))
            case ControlCancel():
                if asked := self._answering.get(frame.request_id):
                    asked.cancel()
            case ControlResponse():
                self._settle(frame)
            case _:
                logger.debug("%s: a question with the id of one that is open", self._name)

    def _settle(self, response: ControlResponse) -> None:
        future = self._requests.get(response.request_id)
        if future is None or future.done():
            logger.debug("%s: an answer to no request of ours", self._name)
        elif response.error is not None:
            future.set_exception(Unanswered(self._clean(response.error)))
        else:
            future.set_result(response.body)

    async def _answer(self, request: ControlRequest) -> None:
        """Answer a question; a failure to write is the process's end, which the reader sees."""
        if self._watchdog is not None:
            self._watchdog.hold(time.monotonic())
        try:
            answer = await self._decisions.answer(request)
        finally:
            if self._watchdog is not None and not self._decisions.waiting:
                self._watchdog.release(time.monotonic())
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

    async def _watch(self) -> None:
        """End turns that take too long. Ends with the turn, unless the next has begun by then."""
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
                await self._tell(turns.abandon(why))
                self._after_events()
            else:
                turns.stopping(why, timed_out=True)
                self._break(why)
                return

    async def _tell(self, events: Iterable[ConversationEvent]) -> None:
        """Pass events on; those that name a prompt's key name its message from here on."""
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
        """Nothing more can be read: end the process, fail what is in flight, say that it is over."""
        if self._fault or self._on_purpose:
            pass
        elif (excess := self._process.excess()) is not None:
            self._fault, self._remedy = excess.why, excess.remedy
        elif (code := await self._process.wait(1.0)) is not None:
            self._fault = f"it ended by itself ({described(code)}){self._about_garbage()}{self._said()}"
        else:
            self._fault = "it closed its output"
        await self._process.kill(self._patience.kill)
        await self._ended()  # before anybody looks at what the turn has changed
        tasks = list(self._answering.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._decisions.close()
        await self._tell(self._turns.abandon(self._fault or "the session was closed", self._remedy))
        self._after_events()
        if self._watching is not None:
            await self._watching
        for future in self._requests.values():
            if not future.done():
                future.set_exception(Unanswered(self._fault or "the session was closed"))
        self._over.set()
        await self._events.put(Exited(why="" if self._on_purpose else self._fault))

    def _note_garbage(self, line: bytes) -> None:
        if line.strip():
            self._garbage += 1
            if self._garbage <= LOGGED_GARBAGE:
                logger.warning("%s: not a frame: %s", self._name, self._clean(line.decode(errors="replace"))[:200])

    def _about_garbage(self) -> str:
        return f", and printed {self._garbage} lines that are none of the protocol" if self._garbage else ""

    def _said(self) -> str:
        lines = self.last_words.splitlines()
        return f": {lines[-1].strip()[:300]}" if lines else ""

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return SECRET.sub("***", text)
