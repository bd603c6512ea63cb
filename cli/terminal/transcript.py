"""The conversation on a terminal: each text is shown once, though it may arrive by several ways."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli import show
from cli.terminal.screen import Screen
from supervisor.protocol.status import Direction, TurnState

ENDED_BADLY = frozenset({TurnState.FAILED, TurnState.INTERRUPTED, TurnState.CANCELLED})
"""States of a prompt that ended without an answer."""

UNDER_WAY = frozenset({TurnState.RUNNING, TurnState.WAITING})
"""States of a prompt whose answer is being written."""

SHOWN_OF_TOOLS = 160
"""Characters of a tool's input or result that are shown."""


@dataclass(slots=True)
class _Stream:
    """What the screen shows of a turn that has not ended.

    Attributes:
        text: all of its text.
        block: its text since the last tool call: the beginning of its answer, if no other call follows.
        is_late: pieces of the block may have been missed, so no more of it is shown before the turn's end.
    """

    text: str = ""
    block: str = ""
    is_late: bool = False


class Transcript:
    """Deduplicates deltas, responses and stored messages by the turn that they belong to, and shows them on the screen.

    An answer can reach the terminal in three ways: as streamed deltas, as the response to a prompt of this terminal,
    and as a row of the history. Prompts from elsewhere (a text message, a mail) come only in the history.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._rows: set[str] = set()
        self._asked: Counter[str] = Counter()  # prompts of this terminal whose row was not seen yet
        self._awaited: Counter[str] = Counter()  # prompts of this terminal without an outcome
        self._own: dict[str, str] = {}  # the prompts of this terminal, by their turn
        self._streams: dict[str, _Stream] = {}  # by the turn that has not ended
        self._current: str | None = None
        self._ended: set[str] = set()
        self._ends: dict[str, Mapping[str, Any]] = {}  # the end as it was pushed, by the turn

    @property
    def streaming(self) -> bool:
        """Whether a turn is being followed."""
        return bool(self._streams)

    def asked(self, prompt: str) -> None:
        """Note a prompt of this terminal: it is on the screen, so its row in the history is not shown."""
        self._asked[prompt] += 1
        self._awaited[prompt] += 1

    def is_news(self, turn: str) -> bool:
        """Return whether a turn was not seen before; its prompt is then to be found in the history."""
        return turn not in self._streams and turn not in self._ended

    def is_over(self, turn: str) -> bool:
        """Return whether the end of a turn is on the screen, or comes as the outcome of a prompt of this terminal."""
        return turn in self._ended or self._is_awaited(turn)

    def rows(self, messages: Sequence[Mapping[str, Any]], up_to: str | None = None) -> None:
        """Show the stored messages that were not seen before, oldest first.

        Args:
            up_to: the prompt after which to stop, because its answer is still streamed; None for all messages.
        """
        for message in messages:
            if message["id"] not in self._rows and not self._is_awaited(message.get("reply_to")):
                self._rows.add(message["id"])
                self._row(message)
            if message["id"] == up_to:
                return
        for message in messages:
            if message["id"] in self._streams and message["status"] in ENDED_BADLY:
                self._end(message["id"])
                self._footer([message["status"]], message["id"])

    def joined_late(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Note the turns that run while the terminal is attached: the beginning of their answers was missed."""
        for message in messages:
            if message["direction"] == Direction.TO_CLAUDE and message["status"] in UNDER_WAY:
                self._streams.setdefault(message["id"], _Stream()).is_late = True

    def _row(self, message: Mapping[str, Any]) -> None:
        text, status, turn = message["message"], message["status"], message.get("reply_to")
        if message["direction"] == Direction.TO_CLAUDE:
            if _take(self._asked, text):
                self._own[message["id"]] = text
            else:
                self._screen.line(f"{_origin(message)}: {text}")
        elif turn in self._ended or (turn in self._own and status in ENDED_BADLY):
            pass  # it was shown as the outcome of a prompt
        else:
            # Without an answer the row holds the text until the end, or the reason.
            self._answer(turn, text)
            self._footer([status] if status in ENDED_BADLY else [], turn, message["cost_usd"])

    def delta(self, turn: str, text: str) -> None:
        """Show a streamed piece of an answer."""
        if turn not in self._ended and not (stream := self._follow(turn)).is_late:
            self._screen.stream(text)
            stream.text += text
            stream.block += text

    def tool(self, turn: str, event: Mapping[str, Any]) -> None:
        """Show that a tool starts, or why it failed."""
        if turn in self._ended:
            return
        stream = self._follow(turn)
        stream.block, stream.is_late = "", False
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
        turn = answer["message_id"]
        if turn not in self._ended:
            self._answer(turn, answer["content"])
            self._footer([], turn, answer["cost_usd"], answer["duration_ms"])

    def concluded(self, prompt: str) -> None:
        """Note that a prompt of this terminal has its outcome."""
        self._awaited[prompt] -= 1

    def ends(self, end: Mapping[str, Any]) -> None:
        """Note the end of a turn; its answer is in the history from now on."""
        self._ends[end["message_id"]] = end

    def has_ended(self, turn: str) -> None:
        """End a turn whose answer, if it has any, is on the screen."""
        if turn in self._streams and not self._is_awaited(turn):
            self._end(turn)
            end = self._ends.get(turn, {"status": TurnState.COMPLETED})
            self._footer([end["status"]] if end["status"] in ENDED_BADLY else [], turn)

    def cut(self) -> None:
        """End the answer that is being streamed: no more of it will come."""
        if self._current is not None:
            self._end(self._current)

    def lost(self) -> None:
        """Note that the connection is lost: pieces of every answer may be missed."""
        for stream in self._streams.values():
            stream.is_late = True
        self._current = None
        self._screen.end_line()

    def _is_awaited(self, turn: str | None) -> bool:
        """Return whether the outcome of a turn will come as the outcome of a prompt of this terminal."""
        return turn is not None and turn in self._own and self._awaited[self._own[turn]] > 0

    def _follow(self, turn: str) -> _Stream:
        if self._current != turn:
            self._screen.end_line()
            self._current = turn
        return self._streams.setdefault(turn, _Stream())

    def _answer(self, turn: str | None, text: str) -> None:
        """Show as much of an answer as is not on the screen yet, and end its turn."""
        stream = self._streams.get(turn or "", _Stream())
        begun = stream.block.lstrip()
        if not stream.text.strip() or not _words(stream.text).endswith(_words(text)):
            if begun and text.startswith(begun):
                self._screen.stream(text[len(begun) :])
                self._screen.end_line()
            else:
                self._screen.line(text)
        if turn is not None:
            self._end(turn)

    def _end(self, turn: str) -> None:
        self._ended.add(turn)
        self._streams.pop(turn, None)
        if self._current == turn:
            self._current = None
            self._screen.end_line()

    def _footer(
        self, parts: list[str], turn: str | None, cost_usd: float | None = None, duration_ms: int | None = None
    ) -> None:
        """Show the last line of an answer: how it ended, what it cost, how long it took; each where it is known."""
        end = self._ends.pop(turn, {}) if turn is not None else {}
        if (cost := end.get("cost_usd", cost_usd)) is not None:
            parts.append(show.money(cost))
        if (duration := end.get("duration_ms", duration_ms)) is not None:
            parts.append(f"{duration / 1000:.1f} s")
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
