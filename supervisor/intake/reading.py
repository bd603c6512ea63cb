"""Reads what a person wrote: the command word, the queue mode, and the subject of a mail. Pure: no I/O."""

from __future__ import annotations

from dataclasses import replace

from supervisor.commands import words
from supervisor.commands.words import ANSWERS, Command
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
    command = words.parse(submission.text)
    if command is None and (command := _command_in_subject(submission)) is not None:
        submission = _in_the_subject(submission, command)
    if command is not None:
        return replace(submission, unreadable=""), command
    loose = words.parse_loose(submission.text) if not submission.doubt else None
    if submission.unreadable and _addressed(submission):
        submission = replace(submission, unreadable="")
    if submission.unreadable:
        return submission, loose
    named, text = queue.parse(submission.text)
    if submission.subject:
        subject = submission.subject
        if not text and not has_subject_mark(subject):
            named_there, subject = queue.parse(subject)
            named = named or named_there
        text = with_subject(subject, text)
    return replace(submission, text=text, mode=named or mode), loose


def is_command(text: str, subject: str = "") -> bool:
    """Return whether a text, or the subject of a mail, has a command word."""
    return any(words.parse(part) is not None for part in (text, plain_subject(subject)))


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


def _command_in_subject(submission: Submission) -> Command | None:
    """Return the command word in the subject of a mail; what its text says counts as the lines below the word.

    A YES or NO in the subject of a reply may be that of an earlier mail. It is misplaced there.
    """
    command = words.parse(plain_subject(submission.subject))
    if command is None:
        return None
    if not has_subject_mark(submission.subject):
        return words.parse(_whole(submission))
    return replace(command, misplaced=True) if command.word in ANSWERS else None


def _in_the_subject(submission: Submission, command: Command) -> Submission:
    submission = replace(submission, text=_whole(submission))
    # The subject of the answer repeats that of the mail; a passphrase must not be in it.
    return submission.with_reply_meta({"subject": f"{command.word} {command.code}"}) if command.rest else submission


def _addressed(submission: Submission) -> bool:
    """Return whether a text or subject names Claude Code, the assistant or a project."""
    subject = "" if has_subject_mark(submission.subject) else submission.subject
    return any(prefix and rest for prefix, rest in map(split_prefix, (submission.text, subject)))


def _whole(submission: Submission) -> str:
    return f"{submission.subject}\n\n{submission.text}".strip()
