"""Open questions about the tool calls of one session, shown to a person who may answer them."""

from __future__ import annotations

from cli import show
from cli.daemon.client import Frame
from cli.terminal.screen import Screen
from supervisor.protocol.text.amounts import counted

DECIDED = {"allow": "allowed", "deny": "denied"}


MAX_CHARACTERS = 4_000
"""How much of a call is shown below its question."""


class Questions:
    """The questions that are shown and not answered yet."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._open: dict[int, tuple[str, str]] = {}  # by the number that is shown: the id, the call
        self._asked = 0

    @property
    def how_to_answer(self) -> str:
        """A sentence that says how the open questions are answered; empty = none is open."""
        match list(self._open):
            case []:
                return ""
            case [_]:
                return "/yes or /no answers it."
            case _:
                return f"These answer: {self._each()}."

    def requested(self, frame: Frame) -> None:
        """Show a question, unless it is shown already."""
        if any(approval_id == frame["approval_id"] for approval_id, _ in self._open.values()):
            return
        self._asked += 1
        self._open[self._asked] = (frame["approval_id"], frame["summary"])
        which = f" {self._asked}" if len(self._open) > 1 else ""
        lines = [f"May it run for {frame['user_id']}: {frame['summary']}?"]
        if (whole := _whole(frame)) is not None:
            lines.append(whole)
        code = f" (code {frame['code']})" if frame.get("code") else ""
        lines.append(f"/yes{which} or /no{which}{code}, until {show.moment(frame['expires_at'])}.")
        self._screen.remark("\n".join(lines))

    def forget(self) -> None:
        """Forget the questions: those that are open on the next connection are told again."""
        self._open.clear()

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
            self._screen.remark(f"{counted(len(self._open), 'question')} wait; say which: {self._each()}.")
            return None
        approval_id, _ = self._open.pop(number or next(iter(self._open)))
        return approval_id

    def _each(self) -> str:
        return ", ".join(f"/yes {number} ({summary})" for number, (_, summary) in self._open.items())


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
