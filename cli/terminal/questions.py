"""Open questions about the tool calls of one session, on the screen of whoever may answer them."""

from __future__ import annotations

import re
from typing import Literal

from cli.daemon.client import Frame
from cli.terminal.screen import Screen
from supervisor.protocol.codes import CODE

Decision = Literal["allow", "deny"]

ANSWERS: dict[str, Decision] = {"/yes": "allow", "/no": "deny"}
DECIDED = {"allow": "allowed", "deny": "denied"}
ANSWER = re.compile(r"(/yes|/no)(?:\s+(\d{1,6}))?", re.ASCII)
"""What a person types to answer the oldest open question."""

CODED = re.compile(rf"(yes|no)\s+({CODE})\.?", re.IGNORECASE | re.ASCII)
"""What they would text: it names a question by its code."""


def answer(typed: str) -> tuple[Decision, int | str] | None:
    """Return the decision that a line is, and the number (0 = none) or code that it names; None = it is a prompt."""
    if (coded := CODED.fullmatch(typed.strip())) is not None:
        return ANSWERS[f"/{coded[1].lower()}"], coded[2].upper()
    said = ANSWER.fullmatch(typed.strip().lower())
    return (ANSWERS[said[1]], int(said[2] or 0)) if said is not None else None


class Questions:
    """Those that were shown and are not answered."""

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

    def resolved(self, frame: Frame) -> None:
        """Show that a question was answered elsewhere, where it was shown."""
        for number, (approval_id, summary) in list(self._open.items()):
            if approval_id == frame["approval_id"]:
                del self._open[number]
                self._screen.remark(f"{summary}: {DECIDED[frame['decision']]} elsewhere.")

    def take(self, number: int | str) -> str | None:
        """Return the id, or the code, of the question that an answer is for; None = it is for none, which is shown.

        Args:
            number: 0 = it names none, which will do where one alone is open: a yes never has to be guessed.
        """
        if isinstance(number, str):
            return number
        if not self._open or (number and number not in self._open):
            self._screen.remark("Nothing waits for a yes or no.")
            return None
        if not number and len(self._open) > 1:
            which = ", ".join(f"/yes {number} ({summary})" for number, (_, summary) in self._open.items())
            self._screen.remark(f"{len(self._open)} questions wait; say which: {which}.")
            return None
        approval_id, _ = self._open.pop(number or next(iter(self._open)))
        return approval_id
