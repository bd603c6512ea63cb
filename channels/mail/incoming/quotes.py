"""Separates the text that the sender wrote from the text that the mail program quotes.

Text is left out only where it is our own answer, which we know by heart, with what stands above and below it. Text of
other people stays and is marked with `>`: they may be the reason of the mail. What is left out is named in the note.
The samples are in tests/channels/mail/incoming/golden/.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from channels.mail.incoming.answers import Quotation, find_answer, letters
from channels.mail.incoming.footers import unsigned
from channels.mail.incoming.introductions import bare, foreign_introduction, is_quoted

MIXED = (
    "the mail answers inside or below quoted text: its lines that start with > are quoted, "
    "the sender has not written them in this mail"
)
FOREIGN = (
    "the mail contains another one: its lines that start with > come from that mail, the sender has not written them"
)
MARKED = "lines that start with > may be quoted from another mail"
LEFT_OUT = "the quotation of your earlier answer was left out"

_MAX_SHOWN = 400  # characters of a signature or an introduction that are named in the note


@dataclass(frozen=True, slots=True)
class OwnText:
    """The text of a mail for the core.

    Attributes:
        text: the sender's own text; quoted text that stays in it has `>` before each line.
        note: sentences for the model about quoted lines in `text`, and about what is left out; empty = nothing is.
    """

    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Thread:
    """What a mail answers.

    Attributes:
        sent: the texts of our earlier answers that its headers name; empty = it answers none.
        names: our address and our display name.
    """

    sent: Sequence[str] = ()
    names: Sequence[str] = ()


NO_THREAD = Thread()


def own_text(text: str, thread: Thread = NO_THREAD) -> OwnText:
    """Return the sender's own text of a plain text mail. No quoted text is taken for the sender's own."""
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    ours = find_answer(lines, thread.sent, thread.names) if thread.sent else None
    if ours is None:
        return _with_marks(lines)
    above = lines[: ours.start]
    if is_quoted(lines[ours.body]):
        below = _own_lines_below(lines, ours, thread)
        if _blank(above) or not _blank(below):
            intro = [_marked(line) for line in lines[ours.start : ours.body]]
            return OwnText(_joined([*above, *intro, *lines[ours.body :]]), MIXED)
    elif ours.mixed or _blank(above):
        return OwnText(_joined([*above, *map(_marked, lines[ours.start :])]), MIXED)
    own = _with_marks(above)
    introduction = [bare(line) for line in lines[ours.start : ours.body] if bare(line)]
    return OwnText(
        own.text, _notes(own.note, LEFT_OUT, f"above it stood: {_shown(introduction)}" if introduction else "")
    )


def _own_lines_below(lines: Sequence[str], ours: Quotation, thread: Thread) -> list[str]:
    """Return the sender's lines between and below quoted lines; the rest of a quoted line that was wrapped is none."""
    known = [letters(text) for text in thread.sent]
    own, index = [], ours.body
    while index < len(lines):
        line = lines[index]
        introduction = foreign_introduction(lines, index)
        if introduction or is_quoted(line):
            index += introduction or 1
            continue
        wrapped = letters(lines[index - 1]) + letters(line) if bare(line) and bare(lines[index - 1]) else ""
        if not wrapped or not any(wrapped in text for text in known):
            own.append(line)
        index += 1
    return unsigned(["", *own])[0]


def _with_marks(lines: Sequence[str]) -> OwnText:
    """Return text with `>` before each line of the first mail of somebody else that it contains."""
    start, length = _foreign(lines)
    if start is None:
        kept, removed = unsigned(lines)
        return OwnText(_joined(kept), _notes(MARKED if _has_quoted(kept) else "", ending(removed)))
    kept, removed = unsigned(lines[:start])
    body = next((index for index in range(start + length, len(lines)) if lines[index].strip()), len(lines))
    if body < len(lines) and is_quoted(lines[body]):
        intro = [_marked(line) for line in lines[start:body]]
        below = [line for line in lines[body:] if line.strip() and not is_quoted(line)]
        rest = _remarked(lines, body) if below else [_marked(line) for line in lines[body:]]
        return OwnText(_joined([*kept, *intro, *rest]), _notes(MIXED if below else FOREIGN, ending(removed)))
    rest = [_marked(line) for line in lines[start:]]
    return OwnText(_joined([*kept, *rest]), _notes(FOREIGN, ending(removed)))


def _remarked(lines: Sequence[str], start: int) -> list[str]:
    """Return lines, with `>` before further introductions of quotations among them."""
    marked: list[str] = []
    index = start
    while index < len(lines):
        length = 0 if is_quoted(lines[index]) else foreign_introduction(lines, index)
        marked += map(_marked, lines[index : index + length]) if length else [lines[index]]
        index += length or 1
    return marked


def _foreign(lines: Sequence[str]) -> tuple[int | None, int]:
    """Return the first line of the introduction of a quoted mail, and its number of lines."""
    for index in range(len(lines)):
        length = foreign_introduction(lines, index)
        if length:
            return index, length
    return None, 0


def _has_quoted(lines: Sequence[str]) -> bool:
    return any(is_quoted(line) for line in lines)


def _marked(line: str) -> str:
    return line if is_quoted(line) else f"> {line}".rstrip()


def ending(removed: Sequence[str]) -> str:
    """Return the note about lines that are left out at the end of a mail; empty = there are none."""
    return f"left out at the end of the mail: {_shown(removed)}" if removed else ""


def _shown(lines: Sequence[str]) -> str:
    shown = " / ".join(lines)
    return shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}..."


def _notes(*notes: str) -> str:
    return "; ".join(filter(None, notes))


def _blank(lines: Sequence[str]) -> bool:
    return not any(bare(line) for line in lines)


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines).strip("\n").rstrip()
