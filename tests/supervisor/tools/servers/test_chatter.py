"""What a server writes to stderr reaches the log as short lines, and not too many."""

from __future__ import annotations

from supervisor.tools.servers.chatter import LONGEST, MOST, PERIOD, Chatter


class Listener:
    """A chatter with a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lines: list[str] = []
        self.chatter = Chatter(self.lines.append, clock=lambda: self.now)


def test_lines_come_whole_in_whatever_pieces_they_are_written() -> None:
    listener = Listener()
    for piece in (b"fir", b"st\nsec", b"ond\n\n", b"\xff last"):
        listener.chatter.hear(piece)
    assert listener.lines == ["first", "second"]
    listener.chatter.close()
    assert listener.lines == ["first", "second", "\ufffd last"]


def test_a_long_line_is_cut_and_one_without_an_end_is_not_kept() -> None:
    listener = Listener()
    listener.chatter.hear(b"a" * 10_000 + b"\n")
    assert listener.lines == ["a" * LONGEST + "... (10000 characters)"]
    for _ in range(100):
        listener.chatter.hear(b"b" * 10_000)
    listener.chatter.close()
    assert listener.lines[1].startswith("b" * LONGEST)
    assert len(listener.lines) == 2


def test_lines_over_the_limit_are_counted() -> None:
    listener = Listener()
    listener.chatter.hear(b"line\n" * (MOST + 5))
    assert len(listener.lines) == MOST
    listener.now = PERIOD
    listener.chatter.hear(b"next\n")
    assert listener.lines[MOST:] == ["... and 5 more lines", "next"]
    listener.chatter.hear(b"line\n" * (MOST + 1))
    listener.chatter.close()
    assert listener.lines[-1] == "... and 2 more lines"
