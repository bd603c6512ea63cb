"""Queue modes: whether a message that arrives during a turn is queued, steers that turn, or interrupts it."""

from __future__ import annotations

import re
from enum import StrEnum


class Mode(StrEnum):
    """How a message enters the queue of its conversation."""

    FOLLOWUP = "followup"
    """The message is queued behind the earlier ones."""
    COLLECT = "collect"
    """The message is queued. All collected messages become one prompt with one answer."""
    STEER = "steer"
    """The message is written into the running turn, if the connector supports this; otherwise it is queued."""
    INTERRUPT = "interrupt"
    """The running turn is stopped first. Messages that are already queued keep their places."""


PREFIXES = {
    "queue": Mode.FOLLOWUP,
    "collect": Mode.COLLECT,
    "steer": Mode.STEER,
    "interrupt": Mode.INTERRUPT,
}
"""The modes by the words with which users choose them."""

PREFIX = re.compile(rf"\A(?P<way>(?:@[\w.-]+\s+|claude:\s*)?)(?P<mode>{'|'.join(PREFIXES)}):\s*", re.IGNORECASE)
"""A mode at the start of a message, or after the name of a project, e.g. `steer: ...` or `@site interrupt: ...`."""

JOINED = "Your message went into the running turn; one answer covers both."
"""The notice for the sender of a message that was written into the running turn."""


def parse(text: str) -> tuple[Mode | None, str]:
    """Return the mode that a message names (None = none) and the message without it."""
    match = PREFIX.match(text)
    if match is None:
        return None, text
    return PREFIXES[match["mode"].lower()], match["way"] + text[match.end() :]


def told(mode: Mode, ahead: int) -> str:
    """Return the notice for the sender of a queued message.

    Args:
        ahead: the number of turns before it, with the running one; 0 = it was written into the running one.
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
