"""Bytes of Claude Code's stdout in, frames out; it also notices that a program does not speak the protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from connectors.claude_code.protocol.frames import Frame, LineSplitter, parse_frame

MAX_GARBAGE = 1000
"""Lines that are no frames, after which a program that has sent no frame yet counts as something else."""
MAX_GARBAGE_AFTER_FRAMES = 100 * MAX_GARBAGE
"""The same for a program that has already sent frames."""
REPORTED_GARBAGE = 3
"""How many of those lines are reported."""


class NotClaudeCode(Exception):
    """Too many lines are no frames; the text is for a person."""

    def __str__(self) -> str:
        return "the program that was started does not speak the protocol of Claude Code"


class FrameReader:
    """Cuts stdout into lines and parses them.

    Args:
        report: takes each of the first lines that are no frames.
    """

    def __init__(self, report: Callable[[bytes], None]) -> None:
        self._report = report
        self._splitter = LineSplitter()
        self._frames = 0
        self._garbage = 0

    @property
    def garbage(self) -> str:
        """How many lines were no frames, as the end of a sentence; empty where there was none."""
        return f", and it printed {self._garbage} lines that are no frames" if self._garbage else ""

    def feed(self, data: bytes) -> Iterator[tuple[bytes, Frame]]:
        """Take the next bytes and yield the frames that they complete, each with its line.

        Raises:
            LineTooLong: a line is over the limit.
            NotClaudeCode: too many lines are no frames.
        """
        for line in self._splitter.feed(data):
            frame = parse_frame(line)
            if frame is not None:
                self._frames += 1
                yield line, frame
            elif line.strip():
                self._note_garbage(line)

    def _note_garbage(self, line: bytes) -> None:
        self._garbage += 1
        if self._garbage <= REPORTED_GARBAGE:
            self._report(line)
        if self._garbage > (MAX_GARBAGE_AFTER_FRAMES if self._frames else MAX_GARBAGE):
            raise NotClaudeCode
