"""The queue of a conversation as people see it: the modes of a message, and the sentences about its position.

One turn runs in a conversation at a time; a message that comes meanwhile is queued. This module holds what the daemon
and the command line share: the mode names, the prefixes that people write ("interrupt: ..."), and the sentences that
they read ("Queued: your message is number 2 in the queue."). The daemon's side is elsewhere:

- `supervisor/intake/position.py` sends the sentence about a message's position;
- `supervisor/operations/queue.py` lists the queued messages and removes one;
- `supervisor/turns/scheduler.py` runs them.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Mode(StrEnum):
    """What happens to a message that comes while a turn of its conversation runs."""

    FOLLOWUP = "followup"
    """It is queued and gets a turn of its own."""
    COLLECT = "collect"
    """It is queued; all queued messages of this mode become one prompt with one answer."""
    STEER = "steer"
    """It is sent into the running turn if that turn accepts it, and is queued otherwise."""
    INTERRUPT = "interrupt"
    """The running turn is stopped first; messages that are queued already keep their positions."""


PREFIXES = {
    "queue": Mode.FOLLOWUP,
    "collect": Mode.COLLECT,
    "steer": Mode.STEER,
    "interrupt": Mode.INTERRUPT,
}
"""What a person writes before a message to choose its mode."""

PREFIX = re.compile(rf"\A(?P<way>(?:@[\w.-]+\s+|claude:\s*)?)(?P<mode>{'|'.join(PREFIXES)}):\s*", re.IGNORECASE)
"""A prefix counts at the very beginning of a message only, or right after "@project" or "claude:"."""

FOR_TURN = "It waits for the running turn."
FOR_ANSWER = "The running turn waits for a yes or no."
FOR_PROJECT = "A turn of another conversation in this project runs first."
"""What a queued message waits for."""

JOINED = "Your message went into the running turn; one answer covers both."
"""What the sender reads when a message was sent into the running turn."""


def parse(text: str) -> tuple[Mode | None, str]:
    """Return the mode that a message's prefix chooses (None = no prefix), and the message without the prefix."""
    match = PREFIX.match(text)
    if match is None:
        return None, text
    return PREFIXES[match["mode"].lower()], match["way"] + text[match.end() :]


def told(mode: Mode, ahead: int, waits_for: str = "") -> str:
    """Return the sentences that the sender of a queued message reads.

    Args:
        ahead: turns before it, the running one included; 0 = it was sent into the running turn.
        waits_for: a sentence that says what it waits for; empty = it is not said.
    """
    if not ahead:
        return JOINED
    position = "next in the queue" if ahead == 1 else f"number {ahead} in the queue"
    match mode:
        case Mode.INTERRUPT:
            queued = f"Stopping the running turn; your message is {position}."
        case Mode.COLLECT:
            queued = f"Collected: your message is {position}; messages that you send until then are answered with it."
        case _:
            queued = f"Queued: your message is {position}."
    return f"{queued} {waits_for}".rstrip()
