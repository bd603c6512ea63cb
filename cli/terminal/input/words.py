"""Words of the terminal itself: what a person types that is no prompt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from supervisor.protocol.codes import CODE

Decision = Literal["allow", "deny"]

HELP = """\
/yes or /no answers the open question; where several are open, with its number: /yes 2
YES CODE or NO CODE answers the question with this code
/send sends a text that begins with a slash to Claude Code
/help shows this list
queue:, collect:, steer: or interrupt: before a text says how it enters the queue while a turn runs
Enter sends, Alt-Enter begins another line, Ctrl-C interrupts the turn, Ctrl-D leaves"""

DECISIONS: dict[str, Decision] = {"yes": "allow", "no": "deny"}

ANSWER = re.compile(r"/(yes|no)(?:\s+(\d{1,6}))?", re.IGNORECASE | re.ASCII)
"""The answer to a question: with a number where several questions are open."""

CODED = re.compile(rf"(?:/?(yes|no))\s+({CODE})\.?", re.IGNORECASE | re.ASCII)
"""The answer as in a text message, which names the question by its code."""

WORD = re.compile(r"/[a-z][\w:-]*(?=\s|$)", re.IGNORECASE | re.ASCII)
"""The beginning of a text that may be meant as a word; a path has another slash."""

ALMOST_ANSWER = re.compile(rf"(?:yes|no|y|n|ok|okay|allow|deny|approve)(?:\s+{CODE})?[.!]?", re.IGNORECASE | re.ASCII)
"""What people write instead of an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A yes or no.

    Attributes:
        which: the number of its question, or its code; 0 = the only open one.
    """

    decision: Decision
    which: int | str


@dataclass(frozen=True, slots=True)
class Help:
    """Asks for the list of words."""


@dataclass(frozen=True, slots=True)
class SendAsText:
    """Sends the text that was taken for an unknown word."""


@dataclass(frozen=True, slots=True)
class UnknownWord:
    """Looks like a word, and is none."""


Word = Answer | Help | SendAsText | UnknownWord


def word(typed: str) -> Word | None:
    """Return the word that a text is; None = it is a prompt."""
    text = typed.strip()
    if (coded := CODED.fullmatch(text)) is not None:
        return Answer(DECISIONS[coded[1].lower()], coded[2].upper())
    if (answer := ANSWER.fullmatch(text)) is not None:
        return Answer(DECISIONS[answer[1].lower()], int(answer[2] or 0))
    match text.lower():
        case "/help":
            return Help()
        case "/send":
            return SendAsText()
        case _:
            return UnknownWord() if WORD.match(text) is not None else None


def is_almost_an_answer(typed: str) -> bool:
    """Return whether a text may be meant as a yes or no, and is none."""
    return ALMOST_ANSWER.fullmatch(typed.strip()) is not None
