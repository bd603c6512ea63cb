"""Answers the control requests of Claude Code about tool calls, with one decision per call."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

from connectors.claude_code.protocol.frames import ControlRequest, mapping, text
from supervisor.protocol.conversation import Decide, ToolCall, Verdict
from supervisor.protocol.errors import StorageError
from supervisor.protocol.text.refusals import cause

logger = logging.getLogger(__name__)

REFUSED = "This tool call is not allowed."

AWAY = "The call was not run, because the daemon's database does not answer. Make it again in a few minutes."

REFUSED_BY_STORE = "The call was not run, because the daemon's database refused: {cause}."


class Decisions:
    """Asks the policy once about each tool call; the PreToolUse hook and can_use_tool get the same verdict.

    A call is identified by its tool-use id, its tool *and* its input: the same id with another input is a new call.
    """

    def __init__(self, decide: Decide) -> None:
        self._decide = decide
        self._verdicts: dict[tuple[str, str, str], asyncio.Task[Verdict]] = {}
        self._asking: set[asyncio.Task[Verdict]] = set()

    @property
    def waiting(self) -> bool:
        """Whether the policy is being asked."""
        return bool(self._asking)

    async def answer(self, request: ControlRequest) -> Mapping[str, Any] | None:
        """Return the body of the response, or None where the request is not about a tool call."""
        match request.subtype:
            case "hook_callback":
                details = mapping(request.body, "input")
                verdict = await self._verdict(details, "tool_input")
                if verdict.allowed:
                    # An empty answer, not "allow": can_use_tool follows by the ask rule and gets this verdict.
                    return {}
                return {
                    "hookSpecificOutput": {
                        "hookEventName": "PreToolUse",
                        "permissionDecision": "deny",
                        "permissionDecisionReason": verdict.reason or REFUSED,
                    }
                }
            case "can_use_tool":
                verdict = await self._verdict(request.body, "input")
                if verdict.allowed:
                    return {"behavior": "allow", "updatedInput": dict(mapping(request.body, "input"))}
                return {"behavior": "deny", "message": verdict.reason or REFUSED}
            case _:
                return None

    def forget(self) -> None:
        """Drop the decisions of the turn that has ended, and cancel the open ones."""
        self._verdicts.clear()
        for task in self._asking:
            task.cancel()

    async def close(self) -> None:
        """Cancel the open decisions; returns when all have ended."""
        self.forget()
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def _verdict(self, details: Mapping[str, Any], input_key: str) -> Verdict:
        call = ToolCall(
            tool_use_id=text(details, "tool_use_id"),
            name=text(details, "tool_name"),
            input=mapping(details, input_key),
            agent_id=text(details, "agent_id") or None,
            folder=text(details, "cwd"),  # only the hook names it, and the hook comes first
        )
        if not call.tool_use_id or not call.name:
            return Verdict(allowed=False, reason="The call does not say which tool it is for.")
        key = (call.tool_use_id, call.name, json.dumps(call.input, sort_keys=True))
        task = self._verdicts.get(key)
        if task is None:
            task = asyncio.create_task(self._ask(call), name=f"decide {call.tool_use_id}")
            self._verdicts[key] = task
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()  # the turn was interrupted, so the answer is not needed
            raise

    async def _ask(self, call: ToolCall) -> Verdict:
        try:
            return await self._decide(call)
        except StorageError as error:
            logger.error("%s: %s was not run: %s", call.tool_use_id, call.name, error)
            return Verdict(allowed=False, reason=REFUSED_BY_STORE.format(cause=cause(error)) if error.lasts else AWAY)
        except Exception:  # a policy that fails denies the call; without this the task would end unseen
            logger.exception("%s: deciding about %s failed", call.tool_use_id, call.name)
            return Verdict(allowed=False, reason="The policy could not be asked.")
