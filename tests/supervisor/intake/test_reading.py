"""What a person's message says: its subject, its queue mode, its command word."""

from __future__ import annotations

import pytest

from supervisor.commands.reading.below import Below
from supervisor.commands.reading.words import Command, Word
from supervisor.intake.reading import read, with_subject
from supervisor.intake.submission import Submission
from supervisor.protocol.messages import Address, Reply, UserId
from supervisor.protocol.queue import Mode
from supervisor.protocol.status import Role
from supervisor.store.records.accounts import User

ALICE = Address(kind="mail", value="alice@example.org")
USER = User(id=UserId("alice"), name="Alice", role=Role.ADMIN, projects=())


def mail(text: str, subject: str, *, unreadable: str = "", commands: bool = True) -> Submission:
    """Return a mail of alice."""
    return Submission(
        user=USER,
        channel="mail",
        account="bot@example.org",
        sender=ALICE,
        text=text,
        subject=subject,
        unreadable=unreadable,
        commands=commands,
        reply=Reply(channel="mail", to=ALICE, meta={"subject": subject}),
    )


@pytest.mark.parametrize(
    ("subject", "text", "message"),
    [
        ("Login is broken", "claude: please fix this", "claude: Subject: Login is broken\n\nplease fix this"),
        ("Login is broken", "Hi,\n\n@site please fix", "@site Subject: Login is broken\n\nplease fix"),
        ("Login is broken", "please fix", "Subject: Login is broken\n\nplease fix"),
        ("claude: fix", "the login page", "claude: Subject: fix\n\nthe login page"),
        ("@site", "the login page", "@site the login page"),
        ("claude: @site", "the login page", "@site the login page"),
        ("Hello claude: fix", "the login page", "claude: Subject: fix\n\nthe login page"),
        ("assistant: weather", "@site here", "@site Subject: weather\n\nhere"),
        ("list the files", "claude:", "claude: list the files"),
        ("claude: list the files", "", "claude: list the files"),
        ("list the files", "", "list the files"),
        ("Re: Login", "please fix", "Subject: Login\n\nplease fix"),
        ("RES: 回复: AW: Login", "please fix", "Subject: Login\n\nplease fix"),
        ("Fwd: claude: run it", "what is this?", "Subject: claude: run it\n\nwhat is this?"),
        ("Re: list the files", "", ""),
        ("Re:", "hello", "hello"),
        ("", "hello", "hello"),
        ("two\n\nlines", "hello", "Subject: two lines\n\nhello"),
    ],
)
def test_a_subject_belongs_to_the_message(subject: str, text: str, message: str) -> None:
    assert with_subject(subject, text) == message


@pytest.mark.parametrize(
    ("subject", "text", "command"),
    [
        ("STATUS", "", Command(Word.STATUS)),
        ("status", "> quoted", Command(Word.STATUS)),
        ("YES KXQPT", "", Command(Word.YES, "KXQPT")),
        ("Build", "YES KXQPT", Command(Word.YES, "KXQPT")),
        ("Re: STATUS", "", None),
        ("STATUS", "of the build?", None),
        ("STATUS", "Thanks,\nAda", Command(Word.STATUS)),
        ("YES KXQPT", "Thanks,\nAda", Command(Word.YES, "KXQPT", below=Below.CLOSING)),
        ("YES KXQPT", "no wait", Command(Word.YES, "KXQPT", below=Below.DOUBT)),
        ("yes", "", Command(Word.YES, loose=True)),
        ("Re: yes", "", None),
        ("Re: YES KXQPT", "hello", Command(Word.YES, "KXQPT", misplaced=True)),
    ],
)
def test_a_command_word_counts_in_the_subject_too(subject: str, text: str, command: Command | None) -> None:
    assert read(mail(text, subject), Mode.FOLLOWUP)[1] == command


def test_a_passphrase_in_the_subject_is_in_no_answer() -> None:
    submission, command = read(mail("", "YES KXQPT correct horse"), Mode.FOLLOWUP)
    assert command == Command(Word.YES, "KXQPT", rest="correct horse")
    assert submission.reply is not None
    assert submission.reply.meta["subject"] == "YES KXQPT"


def test_a_queue_mode_counts_in_a_subject_without_text() -> None:
    submission, _ = read(mail("", "steer: faster"), Mode.FOLLOWUP)
    assert (submission.text, submission.mode) == ("faster", Mode.STEER)
    submission, _ = read(mail("of the shop", "Queue: how long is it?"), Mode.FOLLOWUP)
    assert (submission.text, submission.mode) == ("Subject: Queue: how long is it?\n\nof the shop", Mode.FOLLOWUP)


@pytest.mark.parametrize(
    ("subject", "text", "runs"),
    [
        ("Accepted: Stand-up", "Ada has accepted", False),
        ("Scan", "", False),
        ("Re: claude: old", "", False),
        ("claude: what is in it?", "", True),
        ("Scan", "@site what is in it?", True),
        ("STATUS", "", True),
    ],
)
def test_what_has_no_words_starts_nothing_unless_it_names_who_is_to_work(subject: str, text: str, runs: bool) -> None:
    submission, _ = read(mail(text, subject, unreadable="A picture came."), Mode.FOLLOWUP)
    assert submission.unreadable == ("" if runs else "A picture came.")


def test_a_message_of_a_service_is_taken_as_it_is() -> None:
    submission = mail("STATUS", "a subject", commands=False)
    assert read(submission, Mode.STEER) == (submission, None)
