"""The messages of a request: as much of the history as fits, then the prompt."""

from __future__ import annotations

from collections.abc import Sequence

from anthropic.types import MessageParam

from supervisor.protocol.conversation import Exchange

BYTES_PER_TOKEN = 4
"""Bytes of UTF-8 that count as one token: about right for English, and too high an estimate for other scripts."""


def messages_for(history: Sequence[Exchange], prompt: str, *, history_tokens: int) -> list[MessageParam]:
    """Return the messages of a request: roles alternate, and the first and the last message are those of the user.

    Args:
        history: oldest first. Exchanges without a prompt or an answer are left out: the API refuses empty texts.
        history_tokens: most tokens of the history, by estimate; the oldest exchanges are left out.
    """
    room = history_tokens * BYTES_PER_TOKEN
    kept: list[Exchange] = []
    for exchange in reversed(history):
        if not exchange.prompt.strip() or not exchange.answer.strip():
            continue
        room -= len(exchange.prompt.encode()) + len(exchange.answer.encode())
        if room < 0:
            break
        kept.append(exchange)
    messages: list[MessageParam] = []
    for exchange in reversed(kept):
        messages.append({"role": "user", "content": exchange.prompt})
        messages.append({"role": "assistant", "content": exchange.answer.rstrip()})
    messages.append({"role": "user", "content": prompt})
    return messages
