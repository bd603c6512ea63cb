"""Which messages are command words: the list of words, and their parser (docs/usage.md). No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Flag, StrEnum, auto

from supervisor.commands.reading.below import Below, below, is_farewell
from supervisor.protocol.codes import CODE


class Form(Flag):
    """How a command word is written."""

    ALONE = auto()
    """The word is the whole message."""
    CODED = auto()
    """A code follows the word."""
    OWN = auto()
    """The word has a pattern of its own, below."""


class Word(StrEnum):
    """A command word, with the forms in which it is written.

    STOP, START, HELP and the like are never command words: Twilio acts on them (`channels/sms/receiver.py`).

    Attributes:
        forms: a message that has none of these forms is an ordinary message.
    """

    forms: Form

    def __new__(cls, word: str, forms: Form) -> Word:
        """Make a member whose value is the word."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.forms = forms
        return member

    YES = "YES", Form.CODED | Form.OWN
    """Allows one exact tool call, or for some minutes several like it."""
    NO = "NO", Form.CODED
    """Denies one exact tool call."""
    CONTINUE = "CONTINUE", Form.ALONE | Form.CODED
    """Continues after an interrupted turn."""
    RETRY = "RETRY", Form.ALONE | Form.CODED
    """Runs an interrupted turn again from its beginning."""
    DROP = "DROP", Form.ALONE | Form.CODED
    """Leaves an interrupted turn as it is."""
    UNDO = "UNDO", Form.ALONE | Form.CODED
    """Rolls back the last turn that changed files."""
    ADD = "ADD", Form.OWN
    """Raises a budget."""
    ABORT = "ABORT", Form.ALONE
    """Interrupts the running turn and drops the messages that are queued behind it."""
    MORE = "MORE", Form.ALONE | Form.CODED
    """Sends the rest of the last answer, or with a code the next part of that question."""
    STATUS = "STATUS", Form.ALONE
    """Lists the sender's sessions."""
    COST = "COST", Form.ALONE
    """Says what the sender has spent."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command word and its arguments.

    Attributes:
        code: five letters in upper case, or empty.
        amount_usd: the amount of ADD in US dollars; None for other words.
        rest: the text after the code of YES in the same line, as written: minutes, or a passphrase.
        below: what stands in the lines below.
        loose: it says yes or no, but not in the form that counts, see `loose.py`. Only a no with its code decides.
        mentioned: the codes in a loose one, in upper case.
        misplaced: the word stands below a quoted question. It is not carried out, and no model reads it either.
    """

    word: Word
    code: str = ""
    amount_usd: Decimal | None = None
    rest: str = ""
    misplaced: bool = False
    loose: bool = False
    mentioned: tuple[str, ...] = ()
    below: Below = Below.NOTHING

    @property
    def shown(self) -> str:
        """The command as it may be stored before anybody has looked at it; empty = store it as it was written."""
        secret = self.rest or (self.word is Word.YES and self.below is not Below.NOTHING)
        code = self.code or next(iter(self.mentioned), "")
        return f"{self.word} {code} (the rest is not kept)" if secret else ""


ANSWERS = frozenset({Word.YES, Word.NO})
"""The words that decide about a tool call."""

READING = frozenset({Word.STATUS, Word.COST})
"""The words that change nothing: they may be carried out twice, and beside other messages of their sender."""

ALONE = frozenset(word for word in Word if Form.ALONE in word.forms)
"""Words that may stand without a code. YES and NO may not: they would not say which question they answer."""

CODED = re.compile(
    rf"({'|'.join(word for word in Word if Form.CODED in word.forms)})\s+({CODE})", re.IGNORECASE | re.ASCII
)

ALLOWED = re.compile(rf"YES\s+({CODE})[^\S\n]+(\S.*)", re.IGNORECASE | re.ASCII)
"""YES with a tail is never an ordinary message: the tail may be a passphrase, which no model may read."""

PUNCTUATED = re.compile(rf"YES[.,:;]?\s+({CODE})[.,:;!]?[^\S\n]+(?!\d{{1,3}}\.?\Z)(\S.*)", re.IGNORECASE | re.ASCII)
"""The same with the punctuation that phones insert: two blanks become a full stop. A number of minutes is not accepted
in this form."""

QUOTED_ABOVE = re.compile(r"(?:[^\S\n]*(?:>.*)?\n)+")
"""The quotation that a mail program puts above an answer that is written below the question."""

BLANK = re.compile(r"[^\S\n]")
"""Any blank: mail programs write other blanks than the one of ASCII."""

ADDED = re.compile(
    rf"ADD\s+\$?\s?(\d{{1,5}}(?:[.,]\d{{1,2}})?)\s*(?:\$|USD|dollars?)?\s+({CODE})", re.IGNORECASE | re.ASCII
)
"""Amounts are US dollars, with a point or a comma before the cents."""


def parse(text: str) -> Command | None:
    """Return the command of a message, or None for an ordinary message.

    The command must be the whole message; quoted lines and a farewell below it do not count. Case, blanks around it, a
    final full stop and exclamation marks do not matter. A YES or NO with its code in the first line is one, whatever
    stands below: `Command.below` says what.
    """
    text = _without_quotation_below(text)
    command = _parse(text) or _with_lines_below(text)
    if command is None and (quoted := QUOTED_ABOVE.match(text)) is not None:
        there = parse(text[quoted.end() :])
        return replace(there, misplaced=True) if there is not None and there.word in ANSWERS else None
    return command


def _with_lines_below(text: str) -> Command | None:
    """Return the command of the first line of a text with several."""
    head, *lines = text.strip().split("\n")
    command = _parse(head) if lines else None
    if command is None:
        return None
    if command.word in ANSWERS:
        return replace(command, below=below(lines))
    closed = below(lines) is Below.CLOSING if command.code else is_farewell(lines)
    return command if closed else None


def _without_quotation_below(text: str) -> str:
    lines = text.split("\n")
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith(">")):
        lines.pop()
    return "\n".join(lines)


def _parse(text: str) -> Command | None:
    text = BLANK.sub(" ", text.strip())
    bare = text.removesuffix(".").strip()
    calm = bare.rstrip("!").rstrip()
    if calm.upper() in Word.__members__ and (word := Word[calm.upper()]) in ALONE:
        return Command(word)
    # A yes has one form: nothing is allowed by a message that is written in haste.
    if (match := CODED.fullmatch(calm)) and (calm == bare or match[1].upper() != Word.YES):
        return Command(Word[match[1].upper()], match[2].upper())
    if match := ADDED.fullmatch(bare):
        return Command(Word.ADD, match[2].upper(), Decimal(match[1].replace(",", ".")))
    if match := ALLOWED.fullmatch(text) or PUNCTUATED.fullmatch(text):
        return Command(Word.YES, match[1].upper(), rest=match[2])
    return None


def answers_question(text: str) -> bool:
    """Return whether a message is a YES or NO: no model may read it."""
    command = parse(text)
    return command is not None and command.word in ANSWERS
