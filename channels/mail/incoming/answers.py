"""Finds our own earlier answers in a mail that quotes them.

Letters and digits alone are compared, so that marks of quotation, blanks, wrapped lines and the markup of the answer do
not matter. The time is linear in the length of the mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from channels.mail.incoming.introductions import foreign_introduction, introduction_start, is_quoted

_NO_LETTER = re.compile(r"[\W_]+")
_OPENING = 24  # letters of an answer's beginning that identify it
_PART = 12  # letters of a line that identify it as a part of an answer
_WINDOW = 600  # letters of an answer that may be missing in a quotation
_MAX_TRIES = 50  # places of a mail that are looked at more closely


@dataclass(frozen=True, slots=True)
class Quotation:
    """The position of our answer in a mail, as indexes of lines.

    Attributes:
        start: the first line of its introduction.
        body: its first line.
        end: the line after its last one.
        mixed: among its lines there are others, which may be the sender's.
    """

    start: int
    body: int
    end: int
    mixed: bool


def letters(text: str) -> str:
    """Return the letters and digits of a text, without the difference of upper and lower case."""
    return _NO_LETTER.sub("", text).casefold()


def find_answer(lines: Sequence[str], sent: Sequence[str], names: Sequence[str]) -> Quotation | None:
    """Return the first quotation of one of our answers; None = the mail quotes none of them.

    Args:
        sent: the texts of our answers.
        names: our address and our display name, which introductions contain.
    """
    answers = [answer for answer in map(letters, sent) if answer]
    words = [letters(line) for line in lines]
    for body, answer in (*_beginnings(lines, words, answers, names), *_parts(lines, words, answers)):
        start = introduction_start(lines, body, names)
        end, mixed = _extent(words, body, answer)
        return Quotation(start, body, end, mixed)
    return None


def _beginnings(
    lines: Sequence[str], words: Sequence[str], answers: Sequence[str], names: Sequence[str]
) -> Iterator[tuple[int, str]]:
    """Yield the lines at which an answer begins, and that answer."""
    stream, starts = "".join(words), [0, *accumulate(map(len, words))]
    ends = frozenset(starts)
    tries = 0
    for index, word in enumerate(words):
        if not word:
            continue
        for answer in answers:
            opening = answer[:_OPENING]
            if not stream.startswith(opening, starts[index]):
                continue
            tries += 1
            if tries > _MAX_TRIES:
                return
            whole = len(opening) == _OPENING or starts[index] + len(opening) in ends
            sure = len(opening) == _OPENING or is_quoted(lines[index])
            if whole and (sure or introduction_start(lines, index, names) < index):
                yield index, answer


def _parts(lines: Sequence[str], words: Sequence[str], answers: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the quoted lines that are a part of an answer: some programs quote what is selected, or leave lines out."""
    tries, foreign = 0, False
    for index, word in enumerate(words):
        if not word:
            continue
        if not is_quoted(lines[index]) and not foreign:
            foreign = foreign_introduction(lines, index) > 0
            continue
        if len(word) < _PART:
            continue
        tries += 1
        if tries > _MAX_TRIES:
            return
        for answer in answers:
            if word in answer:
                yield index, answer


def _extent(words: Sequence[str], body: int, answer: str) -> tuple[int, bool]:
    """Return where an answer ends in a mail, and whether other lines stand in it."""
    first = words[body]
    position = max(0, answer.find(first[:_OPENING]))
    end, strange, mixed = body, False, False
    for index in range(body, len(words)):
        word = words[index]
        if not word:
            continue
        if answer.startswith(word, position):
            at = position
        else:
            at = answer.find(word, position, position + _WINDOW + len(word)) if len(word) >= _PART else -1
        if at < 0:
            strange = True
            continue
        mixed = mixed or strange
        position, end = at + len(word), index + 1
        if position >= len(answer):
            break
    return max(end, body + 1), mixed
