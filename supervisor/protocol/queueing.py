"""What becomes of a message that comes while a turn runs: it waits, goes into that turn, or ends it first."""

from __future__ import annotations

import re
from enum import StrEnum


class Mode(StrEnum):
    """How a message enters the line of its conversation."""

    FOLLOWUP = "followup"
    """It waits until what came before it is done."""
    COLLECT = "collect"
    """It waits, and goes with the others that wait like this into one prompt with one answer."""
    STEER = "steer"
    """It is sent into the running turn, where that can take it; else it waits."""
    INTERRUPT = "interrupt"
    """The running turn is stopped first; what waits keeps its place."""


PREFIXES = {
    "queue": Mode.FOLLOWUP,
    "collect": Mode.COLLECT,
    "steer": Mode.STEER,
    "interrupt": Mode.INTERRUPT,
}
PREFIX = re.compile(rf"\A(?P<way>(?:@[\w.-]+\s+|claude:\s*)?)(?P<mode>{'|'.join(PREFIXES)}):\s*", re.IGNORECASE)
"""At the very beginning of a person's message, behind the name of a project where one stands there."""

JOINED = "Your message went into the running turn; one answer covers both."
"""What its sender learns of a message that was sent into a turn."""


def parse(text: str) -> tuple[Mode | None, str]:
    """Return the mode that a message names for itself, None where it names none, and the message without it."""
    match = PREFIX.match(text)
    if match is None:
        return None, text
    return PREFIXES[match["mode"].lower()], match["way"] + text[match.end() :]


def told(mode: Mode, ahead: int) -> str:
    """Return what a sender learns of a message that waits.

    Args:
        ahead: turns before it, the running one included; 0 = it went into the running one.
    """
    if not ahead:
        return JOINED
    place = "next in line" if ahead == 1 else f"number {ahead} in line"
    match mode:
        case Mode.INTERRUPT:
            return f"Stopping what runs; your message is {place}."
        case Mode.COLLECT:
            return f"Collected: your message is {place}; what you write until then is answered with it."
        case _:
            return f"Queued: your message is {place}."
