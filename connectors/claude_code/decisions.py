"""Answers Claude Code's questions about tool calls: one decision per call, whichever way it asks."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

from connectors.claude_code.protocol.frames import ControlRequest, mapping, text
from supervisor.protocol.conversation import Decide, ToolCall, Verdict

logger = logging.getLogger(__name__)

REFUSED = "This tool call is not allowed."


class Decisions:
    """Asks the policy about each tool call once, for the PreToolUse hook and for can_use_tool together.

    A call is known by its tool-use id *and* what it would do: the same id with another input is asked again.
    """

    def __init__(self, decide: Decide) -> None:
        self._decide = decide
        self._verdicts: dict[tuple[str, str, str], asyncio.Task[Verdict]] = {}
        self._asking: set[asyncio.Task[Verdict]] = set()

    @property
    def waiting(self) -> bool:
        """Whether a decision is being waited for."""
        return bool(self._asking)

    async def answer(self, request: ControlRequest) -> Mapping[str, Any] | None:
        """Return the body of the answer, or None where it is no question about a tool."""
        match request.subtype:
            case "hook_callback":
                details = mapping(request.body, "input")
                verdict = await self._verdict(details, "tool_input")
                if verdict.allowed:
                    # No opinion, not "allow": the ask rule still leads to can_use_tool, which has the same verdict.
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
        """Drop all decisions of the turn that ended; those still open are cancelled."""
        self._verdicts.clear()
        for task in self._asking:
            task.cancel()

    async def close(self) -> None:
        """Cancel what is still open; returns when nobody is being asked any more."""
        self.forget()
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def _verdict(self, details: Mapping[str, Any], input_key: str) -> Verdict:
        call = ToolCall(
            tool_use_id=text(details, "tool_use_id"),
            name=text(details, "tool_name"),
            input=mapping(details, input_key),
            agent_id=text(details, "agent_id") or None,
            folder=text(details, "cwd"),  # the hook says it, which is asked first
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
            task.cancel()  # nobody waits any more: the turn was interrupted
            raise

    async def _ask(self, call: ToolCall) -> Verdict:
        try:
            return await self._decide(call)
        except Exception:  # a policy that fails is a no, and the task would otherwise die unseen
            logger.exception("%s: deciding about %s failed", call.tool_use_id, call.name)
            return Verdict(allowed=False, reason="The policy could not be asked.")
