"""Reads what a person wrote: the command word, the queue mode, and the subject of a mail. Pure: no I/O."""

from __future__ import annotations

from dataclasses import replace

from supervisor.commands.reading import words
from supervisor.commands.reading.loose import parse_loose
from supervisor.commands.reading.words import ANSWERS, Command
from supervisor.intake.submission import Submission
from supervisor.protocol import queue
from supervisor.protocol.messages import has_subject_mark, plain_subject
from supervisor.protocol.queue import Mode
from supervisor.routing.rules import split_prefix


def read(submission: Submission, mode: Mode) -> tuple[Submission, Command | None]:
    """Return a submission whose text is the whole message, and the command word that it is.

    Args:
        mode: for messages that name none.
    """
    if not submission.commands:
        return submission, None
    command, in_subject = _command(submission.text, submission.subject)
    if command is not None:
        submission = _in_the_subject(submission, command) if in_subject else submission
        return replace(submission, unreadable=""), command
    marked = has_subject_mark(submission.subject)
    said = submission.text or ("" if marked else submission.subject)
    loose = parse_loose(said) if not submission.doubt else None
    if submission.unreadable and _addressed(submission):
        submission = replace(submission, unreadable="")
    if submission.unreadable:
        return submission, loose
    named, text = queue.parse(submission.text)
    if submission.subject:
        subject = submission.subject
        if not text and not marked:
            named_there, subject = queue.parse(subject)
            named = named or named_there
        text = with_subject(subject, text)
    joins = named not in (None, Mode.FOLLOWUP)
    return replace(submission, text=text, mode=named or submission.mode or mode, joins=joins), loose


def is_command(text: str, subject: str = "") -> bool:
    """Return whether a text, or the subject of a mail, has a command word."""
    return _command(text, subject)[0] is not None


def with_subject(subject: str, text: str) -> str:
    """Return the message of a mail: the prefix for routing, the subject in a line of its own, then the text.

    Without a text the subject is the message, but not the subject of a reply: it is that of an earlier mail.

    Args:
        subject: with the marks of replies and forwards.
    """
    marked, plain = has_subject_mark(subject), plain_subject(subject)
    if not plain or (marked and not text):
        return text
    if not text:
        return plain
    prefix, rest = split_prefix(text)
    prefix_there, rest_there = ("", plain) if marked else split_prefix(plain)
    if not rest:
        return f"{prefix} {rest_there}"
    line = f"Subject: {rest_there}\n\n" if rest_there else ""
    chosen = prefix or prefix_there
    return f"{chosen} {line}{rest}" if chosen else f"{line}{text}"


def _command(text: str, subject: str) -> tuple[Command | None, bool]:
    """Return the command word of a message, and whether it stands in the subject.

    What the text says counts as the lines below a word in the subject. A YES or NO in the subject of a reply may be
    that of an earlier mail. It is misplaced there.
    """
    command = words.parse(text)
    there = words.parse(plain_subject(subject)) if command is None else None
    if there is None:
        return command, False
    if not has_subject_mark(subject):
        return words.parse(_whole(text, subject)), True
    return (replace(there, misplaced=True), True) if there.word in ANSWERS else (None, False)


def _in_the_subject(submission: Submission, command: Command) -> Submission:
    submission = replace(submission, text=_whole(submission.text, submission.subject))
    # The subject of the answer repeats that of the mail; a passphrase must not be in it.
    return submission.with_reply_meta({"subject": f"{command.word} {command.code}"}) if command.rest else submission


def _addressed(submission: Submission) -> bool:
    """Return whether a text or subject names Claude Code, the assistant or a project."""
    subject = "" if has_subject_mark(submission.subject) else submission.subject
    return any(prefix and rest for prefix, rest in map(split_prefix, (submission.text, subject)))


def _whole(text: str, subject: str) -> str:
    return f"{plain_subject(subject)}\n\n{text}".strip()
