"""The messages of a request: as much of the history as fits, then the prompt."""

from __future__ import annotations

import json
from collections.abc import Sequence

from anthropic.types import MessageParam, ToolResultBlockParam, ToolUseBlockParam

from supervisor.protocol.conversation import Exchange, PastCall

BYTES_PER_TOKEN = 4
"""Bytes of UTF-8 that count as one token: about right for English, and too high an estimate for other scripts."""

WITH_CALLS = 3
"""Of how many exchanges, at most, the newest ones, the tool calls are sent along: for questions about their results.

The answers of older exchanges say what the model made of theirs.
"""

RESULT_CHARACTERS = 4_000
"""How much of the result of an earlier call is sent along."""


def messages_for(
    history: Sequence[Exchange], prompt: str, *, history_tokens: int, with_calls: bool = False
) -> list[MessageParam]:
    """Return the messages of a request: roles alternate, and the first and the last message are those of the user.

    Args:
        history: oldest first. Exchanges without a prompt or an answer are left out: the API refuses empty texts.
        history_tokens: most tokens of the history, by estimate; the oldest exchanges are left out, and before them
            the tool calls of those that remain.
        with_calls: send tool calls of the newest exchanges along: the API takes them where the request names tools.
    """
    room = history_tokens * BYTES_PER_TOKEN
    kept: list[tuple[Exchange, Sequence[PastCall]]] = []
    for exchange in reversed(history):
        if not exchange.prompt.strip() or not exchange.answer.strip():
            continue
        room -= len(exchange.prompt.encode()) + len(exchange.answer.encode())
        if room < 0:
            break
        calls = exchange.calls if with_calls and len(kept) < WITH_CALLS else ()
        size = sum(_size(call) for call in calls)
        if size > room:
            calls, size = (), 0
        room -= size
        kept.append((exchange, calls))
    messages: list[MessageParam] = []
    for exchange, calls in reversed(kept):
        messages.append({"role": "user", "content": exchange.prompt})
        if calls:
            messages.append({"role": "assistant", "content": [_use(call) for call in calls]})
            messages.append({"role": "user", "content": [_result(call) for call in calls]})
        messages.append({"role": "assistant", "content": exchange.answer.rstrip()})
    messages.append({"role": "user", "content": prompt})
    return messages


def _size(call: PastCall) -> int:
    return len(call.name) + len(json.dumps(dict(call.input)).encode()) + len(_shortened(call).encode())


def _use(call: PastCall) -> ToolUseBlockParam:
    return {"type": "tool_use", "id": call.tool_use_id, "name": call.name, "input": dict(call.input)}


def _result(call: PastCall) -> ToolResultBlockParam:
    return {
        "type": "tool_result",
        "tool_use_id": call.tool_use_id,
        "content": _shortened(call),
        "is_error": call.failed,
    }


def _shortened(call: PastCall) -> str:
    if len(call.result) <= RESULT_CHARACTERS:
        return call.result
    return f"{call.result[:RESULT_CHARACTERS]}\n[The rest is left out; call the tool again where you need it.]"
