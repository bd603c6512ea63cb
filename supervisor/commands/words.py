"""The words that are commands when they are a whole message (protocol.md section 7). No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from supervisor.protocol.codes import CODE


class Word(StrEnum):
    """A command word."""

    YES = "YES"
    """Allows one exact action, or several like it for some minutes."""
    NO = "NO"
    """Denies one exact action."""
    CONTINUE = "CONTINUE"
    """Goes on after an interrupted turn."""
    RETRY = "RETRY"
    """Runs an interrupted turn again from its beginning."""
    DROP = "DROP"
    """Leaves an interrupted turn as it is."""
    UNDO = "UNDO"
    """Rolls back the last turn that changed files."""
    ADD = "ADD"
    """Raises a budget."""
    ABORT = "ABORT"
    """Interrupts the running turn and drops what is queued behind it."""
    MORE = "MORE"
    """The rest of the last answer."""
    STATUS = "STATUS"
    """The sender's sessions, in one text."""
    COST = "COST"
    """The sender's spending, in one text."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command word with what it came with.

    Attributes:
        code: five letters in upper case, or empty.
        amount_usd: of ADD.
        rest: what follows the code of YES, as written: minutes, or a passphrase.
        misplaced: it stands below a quoted question, where it counts for nothing; nor does a model read it.
    """

    word: Word
    code: str = ""
    amount_usd: Decimal | None = None
    rest: str = ""
    misplaced: bool = False

    @property
    def shown(self) -> str:
        """Return it as it may be stored though nobody has looked at it; empty = as it was written."""
        return f"{self.word} {self.code} (the rest is not kept)" if self.rest else ""


ANSWERS = frozenset({Word.YES, Word.NO})
"""Words that say whether a tool call may run."""

CARRIER_WORDS = frozenset(
    "STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT START HELP INFO".split()  # the carriers', never ours
)

ALONE = frozenset(set(Word) - {Word.YES, Word.NO, Word.ADD})
"""Words that may stand without a code; a bare yes or no answers nothing."""

CODED = re.compile(rf"(YES|NO|CONTINUE|RETRY|DROP|UNDO)\s+({CODE})", re.IGNORECASE | re.ASCII)

ALLOWED = re.compile(rf"YES\s+({CODE})\s+(\S.*)", re.IGNORECASE | re.ASCII | re.DOTALL)
"""A yes with a tail is never an ordinary message: the tail may be a passphrase, which no model is to read."""

PUNCTUATED = re.compile(
    rf"YES[.,:;]?\s+({CODE})[.,:;!]?\s+(?!\d{{1,3}}\.?\Z)(\S.*)", re.IGNORECASE | re.ASCII | re.DOTALL
)
"""The same as phones spoil it, which make a full stop of two blanks; a number of minutes counts in no such yes."""

QUOTED_ABOVE = re.compile(r"(?:[^\S\n]*(?:>.*)?\n)+")
"""What a mail program puts above an answer that is written below the question."""

BLANK = re.compile(r"[^\S\n]")
"""Mail programs write other blanks than that of ASCII."""

ADDED = re.compile(rf"ADD\s+\$?(\d{{1,5}}(?:\.\d{{1,2}})?)\s*\$?\s+({CODE})", re.IGNORECASE | re.ASCII)


def parse(text: str) -> Command | None:
    """Return the command that a whole message is: any case, blanks around it and a final full stop ignored."""
    command = _parse(text)
    if command is None and (quoted := QUOTED_ABOVE.match(text)) is not None:
        below = _parse(text[quoted.end() :])
        return replace(below, misplaced=True) if below is not None and below.word in ANSWERS else None
    return command


def _parse(text: str) -> Command | None:
    text = BLANK.sub(" ", text.strip())
    bare = text.removesuffix(".").strip()
    if bare.upper() in Word.__members__ and (word := Word(bare.upper())) in ALONE:
        return Command(word)
    if match := CODED.fullmatch(bare):
        return Command(Word(match[1].upper()), match[2].upper())
    if match := ADDED.fullmatch(bare):
        return Command(Word.ADD, match[2].upper(), Decimal(match[1]))
    if match := ALLOWED.fullmatch(text) or PUNCTUATED.fullmatch(text):
        return Command(Word.YES, match[1].upper(), rest=match[2])
    return None


def answers_question(text: str) -> bool:
    """Return whether a whole message answers a question by its code: no model is to read it."""
    command = parse(text)
    return command is not None and command.word in ANSWERS


def is_carrier_word(text: str) -> bool:
    """Return whether a whole message is a word that the carrier answers itself."""
    return text.strip().upper() in CARRIER_WORDS
