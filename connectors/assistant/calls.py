"""Makes the tool calls of an answer: asks whether each may run, limits its time, and makes its result safe to read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from anthropic.types import ToolResultBlockParam

from connectors.assistant.answer import WrittenCall
from supervisor.protocol.conversation import (
    Decide,
    PastCall,
    ToolFinished,
    ToolStarted,
    Verdict,
)
from supervisor.protocol.messages import SessionId
from supervisor.protocol.text.tool_results import readable, structured
from supervisor.protocol.tools import ToolCall, ToolOutput, Tools, ToolSpec

logger = logging.getLogger(__name__)

Emit = Callable[[ToolStarted | ToolFinished], None]

FAILED = "Tool execution failed: {kind}"
"""What the model and the person read of a call that failed. The rest stands in the log, under the id of the call."""

STOPPED = "The call was stopped before it had a result."

TOO_LARGE = "[The structured result is too large to be shown.]"


class ToolCaller:
    """Makes the calls of one turn, one after the other, and tells those who watch.

    Args:
        session_id: for the log.
        tools: those of the turn.
        decide: whether a call may run; it may wait for a person.
        seconds: how long a call may take whose tool says nothing else.
        abandoned: gets the calls that were cancelled and have not ended; its owner waits for them.
        emit: takes the events of the calls.

    Attributes:
        made: the calls so far, with their results.
    """

    def __init__(
        self,
        session_id: SessionId,
        tools: Tools | None,
        decide: Decide,
        *,
        seconds: float,
        abandoned: set[asyncio.Task[ToolOutput]],
        emit: Emit,
    ) -> None:
        self.made: list[PastCall] = []
        self._session_id = session_id
        self._tools = tools
        self._decide = decide
        self._seconds = seconds
        self._abandoned = abandoned
        self._emit = emit
        self._specs = {spec.name: spec for spec in tools.listed()} if tools is not None else {}
        self._missing = tools.missing() if tools is not None else ()

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools that the model is told of."""
        return tuple(self._specs.values())

    @property
    def missing(self) -> Sequence[str]:
        """The names of the tool servers that do not work."""
        return self._missing

    async def make(self, written: WrittenCall) -> ToolResultBlockParam:
        """Make a call; return its result for the model. A failure is a result, too."""
        spec = self._specs.get(written.name)
        call = ToolCall(tool_use_id=written.id, name=written.name, input=written.input or {})
        self._emit(ToolStarted(tool_use_id=call.tool_use_id, name=call.name, input=call.input, reads=_reads(spec)))
        output = ToolOutput(text=STOPPED, failed=True)
        try:
            output = _safe(await self._output(call, spec, is_readable=written.input is not None))
        finally:  # also where it is cancelled: a call that started has an end
            self._finish(call, output)
        return {
            "type": "tool_result",
            "tool_use_id": call.tool_use_id,
            "content": output.text,
            "is_error": output.failed,
        }

    def _finish(self, call: ToolCall, output: ToolOutput) -> None:
        self.made.append(
            PastCall(
                tool_use_id=call.tool_use_id,
                name=call.name,
                input=call.input,
                result=output.text,
                failed=output.failed,
            )
        )
        self._emit(
            ToolFinished(
                tool_use_id=call.tool_use_id,
                failed=output.failed,
                result=output.shown or output.text,
                for_model=output.text if output.shown else "",
                structured=output.structured,
                title=output.title,
                kind=output.kind,
            )
        )

    async def _output(self, call: ToolCall, spec: ToolSpec | None, *, is_readable: bool) -> ToolOutput:
        if spec is None or self._tools is None:
            return self._failure(call, "UnknownTool")
        if not is_readable:
            return self._failure(call, "InvalidInput")
        verdict = await self._verdict(call)
        if not verdict.allowed:
            return ToolOutput(text=verdict.reason, failed=True)
        task = asyncio.create_task(self._tools.call(call), name=f"tool call {call.tool_use_id}")
        try:
            # A task of its own: a tool that does not end when it is cancelled holds up neither turn nor interrupt.
            await asyncio.wait({task}, timeout=self._seconds if spec.seconds is None else spec.seconds)
        finally:
            if not task.done():
                self._abandon(task, call)
        if not task.done():
            return self._failure(call, "TimeoutError")
        try:
            return task.result()
        except Exception as error:  # noqa: BLE001 - a broken tool must not end the turn; `_failure` logs it
            return self._failure(call, type(error).__name__, error)
        except asyncio.CancelledError:
            return self._failure(call, "CancelledError")

    def _abandon(self, task: asyncio.Task[ToolOutput], call: ToolCall) -> None:
        task.cancel()
        self._abandoned.add(task)

        def ended(task: asyncio.Task[ToolOutput]) -> None:
            self._abandoned.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                logger.warning("%s: call %s failed", self._session_id, call.tool_use_id, exc_info=error)

        task.add_done_callback(ended)

    async def _verdict(self, call: ToolCall) -> Verdict:
        try:
            return await self._decide(call)
        except Exception:
            logger.exception("%s: whether call %s may run could not be decided", self._session_id, call.tool_use_id)
            return Verdict(allowed=False, reason=f"{call.name} was not run: whether it may run could not be decided")

    def _failure(self, call: ToolCall, kind: str, error: Exception | None = None) -> ToolOutput:
        logger.warning(
            "%s: call %s of the tool %.128r failed: %s",
            self._session_id,
            call.tool_use_id,
            call.name,
            kind,
            exc_info=error,
        )
        return ToolOutput(text=FAILED.format(kind=kind), failed=True)


def _reads(spec: ToolSpec | None) -> bool:
    return spec is None or spec.reads  # a tool that does not exist changes nothing


def _safe(output: ToolOutput) -> ToolOutput:
    """Return an output whose texts are short and hold no control characters, as the model and a screen may get it."""
    text, shown, whole = readable(output.text), readable(output.shown), structured(output.structured)
    if output.structured is not None and whole is None:
        text, shown = f"{text}\n{TOO_LARGE}".lstrip(), f"{shown or text}\n{TOO_LARGE}".lstrip()
    if not text.strip():
        text = "(no output)"  # the API refuses a result of white space alone
    return replace(
        output,
        text=text,
        shown=shown,
        structured=whole,
        title=readable(output.title, limit=200),
        kind=readable(output.kind, limit=40),
    )
