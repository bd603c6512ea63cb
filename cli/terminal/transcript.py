"""The conversation on a terminal: each text is shown once, though it may arrive by several ways."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from cli import show
from cli.terminal.screen import Screen
from supervisor.protocol.status import Direction, TurnState

ENDED_BADLY = frozenset({TurnState.FAILED, TurnState.INTERRUPTED, TurnState.CANCELLED})
"""States of a prompt that ended without an answer."""

SHOWN_OF_TOOLS = 160
"""Characters of a tool's input or result that are shown."""


class Transcript:
    """Deduplicates deltas, responses and stored messages, and shows them on the screen.

    An answer can reach the terminal in three ways: as streamed deltas, as the response to a prompt of this terminal,
    and as a row of the history. Prompts from elsewhere (a text message, a mail) come only in the history.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._rows: set[str] = set()
        self._asked: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._failures = 0
        self._streams: dict[str, str] = {}
        """The text that was streamed so far, by the turn that has not ended."""
        self._current: str | None = None
        self._ended: set[str] = set()

    @property
    def streaming(self) -> bool:
        """Whether the answer of a turn is being streamed."""
        return bool(self._streams)

    def asked(self, prompt: str) -> None:
        """Note a prompt of this terminal: it is on the screen, so its row in the history is not shown."""
        self._asked[prompt] += 1

    def is_news(self, turn: str) -> bool:
        """Return whether a turn was not seen before; its prompt is then to be found in the history."""
        return turn not in self._streams and turn not in self._ended

    def rows(self, messages: Sequence[Mapping[str, Any]], up_to: str | None = None) -> None:
        """Show the stored messages that were not seen before, oldest first.

        Args:
            up_to: the prompt after which to stop, because its answer is still streamed; None for all messages.
        """
        for message in messages:
            if message["id"] not in self._rows:
                self._rows.add(message["id"])
                self._row(message)
            if message["id"] == up_to:
                return
        for message in messages:
            if message["id"] in self._streams and message["status"] in ENDED_BADLY:
                self._end(message["id"])
                self._screen.remark(f"[{message['status']}]")

    def _row(self, message: Mapping[str, Any]) -> None:
        text, status = message["message"], message["status"]
        if message["direction"] == Direction.TO_CLAUDE:
            if not _take(self._asked, text):
                self._screen.line(f"{_origin(message)}: {text}")
        elif status in ENDED_BADLY:
            # The row holds the text until the end, or the reason.
            if self._failures:
                self._failures -= 1
                return
            self._answer(self._stream_of(text), text)
            self._screen.remark(f"[{status}]")
        elif not _take(self._told, text):
            self._answer(self._stream_of(text), text)
            self._footer(message["cost_usd"], None)

    def delta(self, turn: str, text: str) -> None:
        """Show a streamed piece of an answer."""
        if turn not in self._ended:
            self._follow(turn)
            self._screen.stream(text)
            self._streams[turn] += text

    def tool(self, turn: str, event: Mapping[str, Any]) -> None:
        """Show that a tool starts, or why it failed."""
        if turn in self._ended:
            return
        self._follow(turn)
        self._screen.end_line()
        match event["status"]:
            case "started":
                self._screen.remark(f"* {event['name']} {_short(event.get('input'))}".rstrip())
            case "failed":
                self._screen.remark(f"! {event['name']} failed: {_short(event.get('result'))}".rstrip(": "))
            case _:
                pass

    def response(self, answer: Mapping[str, Any]) -> None:
        """Show the answer to a prompt of this terminal."""
        self._told[answer["content"]] += 1
        self._answer(answer["message_id"], answer["content"])
        self._footer(answer["cost_usd"], answer["duration_ms"])

    def failed(self) -> None:
        """Note that a prompt of this terminal has failed: the error is on the screen, so its row is not shown."""
        self._failures += 1

    def cut(self) -> None:
        """End the answer that is being streamed: no more of it will come."""
        if self._current is not None:
            self._end(self._current)

    def lost(self) -> None:
        """Drop all streams: the connection is lost, and the next one starts anew."""
        self._streams.clear()
        self._current = None
        self._screen.end_line()

    def _follow(self, turn: str) -> None:
        if self._current != turn:
            self._screen.end_line()
            self._current = turn
        self._streams.setdefault(turn, "")

    def _stream_of(self, text: str) -> str | None:
        """Return the streamed turn whose answer is this stored text, or None."""
        matching = [turn for turn, streamed in self._streams.items() if _words(streamed).endswith(_words(text))]
        if not matching and len(self._streams) == 1:
            matching = list(self._streams)
        return matching[0] if matching else None

    def _answer(self, turn: str | None, text: str) -> None:
        """Show an answer, unless it was streamed already, and end its turn."""
        streamed = self._streams.get(turn, "") if turn is not None else ""
        if not streamed.strip() or not _words(streamed).endswith(_words(text)):
            self._screen.line(text)
        if turn is not None:
            self._end(turn)

    def _end(self, turn: str) -> None:
        self._ended.add(turn)
        self._streams.pop(turn, None)
        if self._current == turn:
            self._current = None
            self._screen.end_line()

    def _footer(self, cost_usd: float | None, duration_ms: int | None) -> None:
        parts = [show.money(cost_usd)] if cost_usd is not None else []
        if duration_ms is not None:
            parts.append(f"{duration_ms / 1000:.1f} s")
        if parts:
            self._screen.remark(f"[{', '.join(parts)}]")


def _take(counted: Counter[str], text: str) -> bool:
    """Return whether a text is in the counter, and remove it once."""
    if not counted[text]:
        del counted[text]
        return False
    counted[text] -= 1
    return True


def _words(text: str) -> str:
    return " ".join(text.split())


def _origin(message: Mapping[str, Any]) -> str:
    """Return the user and the channel of a prompt, where the message names them."""
    context = message.get("context") or {}
    channel = context.get("channel")
    who = message.get("user_id") or "You"
    return f"{who} ({channel})" if isinstance(channel, str) else who


def _short(value: object) -> str:
    """Return a tool's input or result on one line."""
    if value is None:
        return ""
    text = _words(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= SHOWN_OF_TOOLS else text[: SHOWN_OF_TOOLS - 3] + "..."
