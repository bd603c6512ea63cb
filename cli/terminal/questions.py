"""Open questions about the tool calls of one session, shown to a person who may answer them."""

from __future__ import annotations

import re
from typing import Literal

from cli.daemon.client import Frame
from cli.terminal.screen import Screen
from supervisor.protocol.codes import CODE
from supervisor.protocol.text.amounts import counted

Decision = Literal["allow", "deny"]

ANSWERS: dict[str, Decision] = {"/yes": "allow", "/no": "deny"}
DECIDED = {"allow": "allowed", "deny": "denied"}
ANSWER = re.compile(r"(/yes|/no)(?:\s+(\d{1,6}))?", re.ASCII)
"""What a person types to answer: with a number where several questions are open."""

CODED = re.compile(rf"(yes|no)\s+({CODE})\.?", re.IGNORECASE | re.ASCII)
"""The answer as in a text message, which names the question by its code."""


def answer(typed: str) -> tuple[Decision, int | str] | None:
    """Return the decision in a line and the number (0 = none) or code of its question; None where it is a prompt."""
    if (coded := CODED.fullmatch(typed.strip())) is not None:
        return ANSWERS[f"/{coded[1].lower()}"], coded[2].upper()
    said = ANSWER.fullmatch(typed.strip().lower())
    return (ANSWERS[said[1]], int(said[2] or 0)) if said is not None else None


MAX_CHARACTERS = 4_000
"""How much of a call is shown below its question."""


class Questions:
    """The questions that are shown and not answered yet."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._open: dict[int, tuple[str, str]] = {}  # by the number that is shown: the id, the call
        self._asked = 0

    def requested(self, frame: Frame) -> None:
        """Show a question."""
        self._asked += 1
        self._open[self._asked] = (frame["approval_id"], frame["summary"])
        which = f" {self._asked}" if len(self._open) > 1 else ""
        what = f"May it run for {frame['user_id']}: {frame['summary']}?"
        self._screen.remark(f"{what} /yes{which} or /no{which}, until {frame['expires_at']}.")
        if (rest := _whole(frame)) is not None:
            self._screen.remark(rest)

    def resolved(self, frame: Frame) -> None:
        """Show that somebody else answered a question, where it is open here."""
        for number, (approval_id, summary) in list(self._open.items()):
            if approval_id == frame["approval_id"]:
                del self._open[number]
                self._screen.remark(f"{summary}: {DECIDED[frame['decision']]} elsewhere.")

    def take(self, number: int | str) -> str | None:
        """Return the id or code of the question that an answer is for; where there is none, show why and return None.

        Args:
            number: a number, or a code; 0 = the only open question. With several open ones it is not guessed.
        """
        if isinstance(number, str):
            return number
        if not self._open or (number and number not in self._open):
            self._screen.remark("Nothing waits for a yes or no.")
            return None
        if not number and len(self._open) > 1:
            which = ", ".join(f"/yes {number} ({summary})" for number, (_, summary) in self._open.items())
            self._screen.remark(f"{counted(len(self._open), 'question')} wait; say which: {which}.")
            return None
        approval_id, _ = self._open.pop(number or next(iter(self._open)))
        return approval_id


def _whole(frame: Frame) -> str | None:
    """Return the call of a question, or what it changes in a file; None where its summary is the whole call."""
    call, diff = frame.get("call", ""), frame.get("diff", "")
    headline, _, _ = call.partition("\n")
    text = f"{headline}\n{diff}" if diff else call
    if text in ("", frame["summary"]):
        return None
    if len(text) <= MAX_CHARACTERS:
        return text
    return (
        f"{text[:MAX_CHARACTERS]}\nThe call has {frame['characters']} characters. Its end is not shown here: "
        f"`xswarm claude approvals {frame['approval_id']}` shows all of it."
    )
