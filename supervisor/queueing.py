"""What becomes of a message that comes while a turn runs: it waits its turn, or ends that turn first."""

from __future__ import annotations

import re
from enum import StrEnum

PREFIX = re.compile(r"\A(?P<way>(?:@[\w.-]+\s+|claude:\s*)?)(?P<mode>interrupt|queue):\s*", re.IGNORECASE)
"""At the very beginning of a person's message, behind the name of a project where one stands there."""


class Mode(StrEnum):
    """How a message enters the line of its conversation."""

    FOLLOWUP = "followup"
    """It waits until what came before it is done."""
    INTERRUPT = "interrupt"
    """The running turn is stopped first; what waits keeps its place."""


def parse(text: str) -> tuple[Mode | None, str]:
    """Return the mode that a message names for itself, None where it names none, and the message without it."""
    match = PREFIX.match(text)
    if match is None:
        return None, text
    mode = Mode.INTERRUPT if match["mode"].lower() == "interrupt" else Mode.FOLLOWUP
    return mode, match["way"] + text[match.end() :]


def told(mode: Mode, ahead: int) -> str:
    """Return what a sender learns of a message that waits.

    Args:
        ahead: turns before it, the running one included; at least 1.
    """
    place = "next in line" if ahead == 1 else f"number {ahead} in line"
    if mode is Mode.INTERRUPT:
        return f"Stopping what runs; your message is {place}."
    return f"Queued: your message is {place}."
