"""The prefixes that choose a queue mode, and the sentences about the position in the queue."""

from __future__ import annotations

import pytest

from supervisor.protocol.queue import Mode, parse, told


@pytest.mark.parametrize(
    ("text", "mode", "rest"),
    [
        ("fix the tests", None, "fix the tests"),
        ("interrupt: fix the tests", Mode.INTERRUPT, "fix the tests"),
        ("INTERRUPT:fix", Mode.INTERRUPT, "fix"),
        ("queue: fix", Mode.FOLLOWUP, "fix"),
        ("@site interrupt: fix", Mode.INTERRUPT, "@site fix"),
        ("interrupt: @site fix", Mode.INTERRUPT, "@site fix"),
        ("claude: interrupt: fix", Mode.INTERRUPT, "claude: fix"),
        ("please interrupt: fix", None, "please interrupt: fix"),
        ("> interrupt: fix", None, "> interrupt: fix"),
        ("interrupt", None, "interrupt"),
    ],
)
def test_a_prefix_counts_at_the_very_beginning_alone(text: str, mode: Mode | None, rest: str) -> None:
    assert parse(text) == (mode, rest)


def test_the_position_is_told_as_it_is() -> None:
    assert told(Mode.FOLLOWUP, 1) == "Queued: your message is next in the queue."
    assert told(Mode.FOLLOWUP, 3) == "Queued: your message is number 3 in the queue."
    assert told(Mode.INTERRUPT, 2) == "Stopping the running turn; your message is number 2 in the queue."
    assert told(Mode.STEER, 0) == "Your message went into the running turn; one answer covers both."
