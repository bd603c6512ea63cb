"""The sender's own text of a mail. The samples are in golden/."""

# ruff: noqa: E501, ISC004  # mails are data

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.incoming.quotes import FOREIGN, LEFT_OUT, MIXED, OwnText, Thread, own_text
from tests.channels.mail.incoming.clients import Format, replies

GOLDEN = sorted(Path(__file__).with_name("golden").glob("*.txt"))
NOTES = {" (mixed)": MIXED, " (forwarded)": FOREIGN}
OURS = Thread(
    [
        "The build is broken.",
        "Der Build ist kaputt.",
        "Answer YES KXQPT or NO KXQPT.",
        "I have changed three files.\nShall I run the tests?",
        "YES ABCDE or NO ABCDE?",
        "Ich habe drei Dateien geändert.\nSoll ich die Tests laufen lassen?",
        "Soll ich die Tests laufen lassen?",
        "Shall I run the tests?\n\nAnd deploy?",
        "I have changed three files.\n\nyes ABCDE",
        "Shall I?",
        "Soll ich?",
        "Shall I?\nyes ABCDE",
    ],
    ("bot@example.org", "Claude Bot"),
)


@pytest.mark.parametrize("sample", GOLDEN, ids=[path.stem for path in GOLDEN])
def test_golden_sample_is_read_as_its_second_half(sample: Path) -> None:
    mail, _, rest = sample.read_text().partition("=== read as")
    note, _, expected = rest.partition("\n")
    result = own_text(mail, OURS)
    assert result.text == expected.rstrip("\n")
    assert NOTES.get(note, "") in result.note
    assert ("start with >" in result.note) == (note != "")


def test_there_are_golden_samples() -> None:
    assert len(GOLDEN) >= 20


@given(st.text(alphabet="> abOn wrote:\n@.1<>-Fromt", max_size=400))
def test_no_line_of_an_unquoted_mail_is_invented(text: str) -> None:
    result = own_text(text)
    lines = {"", *(line.strip() for line in text.split("\n"))}
    assert all(line.strip() in lines or line.startswith(">") for line in result.text.split("\n"))


@given(st.lists(st.sampled_from(["> quoted", "mine", "", "yes KXQPT", "> yes ABCDE"]), max_size=20))
def test_own_lines_around_marked_quotes_are_all_kept(lines: list[str]) -> None:
    kept = own_text("\n".join(lines)).text.split("\n")
    own = [line for line in lines if line and not line.startswith(">")]
    assert [line for line in kept if line and not line.startswith(">")] == own


def test_windows_line_ends_are_read() -> None:
    assert own_text("mine\r\n\r\n> quoted\r\n", Thread(["quoted"])).text == "mine"


@pytest.mark.parametrize(
    "line",
    [
        *("Sent from my iPhone", "Sent from my Pixel 7", "Sent from Yahoo Mail for iPhone", "Sent from Gmail Mobile"),
        *(
            "Sent via the Samsung Galaxy S21 5G, an AT&T 5G smartphone",
            "Envoyé de mon iPhone",
            "Skickat från min iPhone",
        ),
        *("Von meinem Samsung Galaxy gesendet", "Enviado desde mi iPhone", "Gesendet mit der Mail App"),
    ],
)
def test_footer_of_a_mail_program_is_removed(line: str) -> None:
    assert own_text(f"YES KXQPT\n\n{line}\n") == OwnText("YES KXQPT", f"left out at the end of the mail: {line}")


@pytest.mark.parametrize(
    "text",
    [
        *("look at this:\nSent via the API the call fails", "look:\n\nSent via the API: it fails", "Sent via the API"),
        "why?\n\nWas it sent from the office",
    ],
)
def test_a_sentence_of_the_person_is_kept(text: str) -> None:
    assert own_text(text) == OwnText(text)


QUESTION = """Claude Code wants to run `make deploy` in **website**.

Write YES KXQPT or NO KXQPT. The question ends at 12:30.

- 2 files changed"""
NAMES = ("bot@example.org", "Claude Bot")
MATRIX = [(own, answer) for own in ("YES KXQPT", "No, wait.\n\nAt 12:00 first.") for answer in (QUESTION, "Run it?")]


@pytest.mark.parametrize(("own", "answer"), MATRIX)
def test_a_reply_is_read_as_meant_whatever_client_and_language_it_comes_from(own: str, answer: str) -> None:
    formats = list(replies(own, answer))
    wrong = [each for each in formats if own_text(each.text, Thread([answer], NAMES)) != _as_meant(own, each)]
    assert [str(each) for each in wrong] == []
    assert len(formats) >= 200


def _as_meant(own: str, written: Format) -> OwnText:
    note = own_text(written.text, Thread(["Run it?", QUESTION], NAMES)).note  # names the line of the mail program too
    assert LEFT_OUT in note
    return OwnText(own, note)


BO = ("bo@x.test", "Bo")


@pytest.mark.parametrize(
    ("mail", "own"),
    [
        (
            "YES KXQPT\n\nIl giorno dom 29 nov 2026 alle ore 12:00 Bo <bo@x.test> ha scritto:\n\n> Run it?\n",
            "YES KXQPT",
        ),
        ("YES KXQPT\n\n2026年11月29日(日) 12:00 Bo <bo@x.test>:\n\n> Run it?\n", "YES KXQPT"),
        (
            'Prima\n\nOp 29 nov. 2026 12:00 schreef "Bo" <bo@x.test> het\nvolgende geschreven:\n\n> Run it?\n',
            "Prima",
        ),
        (
            "Ja\n\nAm So., 29. Nov. 2026 um 12:00 Uhr schrieb Bo <bo@a-very-long-name.test\n>:\n\n> Run it?\n",
            "Ja",
        ),
        (
            "Oui\n\nDe : Bo <bo@x.test>\nEnvoyé : dimanche 29 novembre 2026 12:00\nÀ : Ada\nObjet : Re: Build\n\nRun it?\n",
            "Oui",
        ),
        (
            'Ja\n\nGesendet: Sonntag, 29. November 2026 um 12:00 Uhr\nVon: "Bo" <bo@x.test>\nAn: Ada\nBetreff: Re: Build\n\n'
            "Run it?\n",
            "Ja",
        ),
        (
            "Yes\n\nFrom: Bo <bo@x.test>\nReply-To: bo@x.test\nDate: Sunday, 29 November 2026 at 12:00\nTo: Ada\n"
            "Subject: Re: Build\n\nRun it?\n",
            "Yes",
        ),
        (
            "Yes\n\nFrom: Release Robot of the Build Department\n<bo@x.test>\nSent: Sunday, November 29, 2026 12:00 PM\n"
            "To: Ada\nSubject: Build\n\nRun it?\n",
            "Yes",
        ),
        (
            "Yes\n\n ------------------------------\n\n*From:* Bo\n*Sent:* Sunday\n*To:* Ada\n*Subject:* Build\n\nRun it?\n",
            "Yes",
        ),
        ("Yes\n\n---- On Sun, 29 Nov 2026 12:00:00 +0100 Bo <bo@x.test> wrote ---\n\nRun it?\n", "Yes"),
    ],
)
def test_the_own_words_above_our_quoted_answer(mail: str, own: str) -> None:
    for names in (BO, ()):
        read = own_text(mail, Thread(["Run it?"], names))
        assert read.text == own
        assert read.note.startswith(f"{LEFT_OUT}; above it stood: ")


@pytest.mark.parametrize(
    "mail",
    [
        "claude: what does this print?\n\n>>> f(1)\n>>> f(2)",
        "claude: explain\n\n1c1\n< a\n---\n> b",
        "claude: set\n\nname: site\nversion: 1.2\nauthor: a@b.test\nsent: never",
    ],
)
def test_nothing_of_a_first_mail_is_left_out(mail: str) -> None:
    assert own_text(mail).text == mail


def test_own_words_that_look_like_an_introduction_are_named() -> None:
    own = own_text("No.\n\nAsk ada@example.com:\n\n> Run it?", Thread(["Run it?"], BO))
    assert own == OwnText("No.", f"{LEFT_OUT}; above it stood: Ask ada@example.com:")


def test_the_mail_of_somebody_else_is_kept_and_marked() -> None:
    foreign = (
        "De : Bob <bob@x.test>\nEnvoyé : dimanche 29 novembre 2026 09:00\nÀ : Ada\nObjet : Bug\n\nDelete the branch."
    )
    marked = "\n".join(f"> {line}".rstrip() for line in foreign.split("\n"))
    assert own_text(f"claude: corrige\n\n{foreign}\n") == OwnText(f"claude: corrige\n{marked}", FOREIGN)


def test_the_mail_of_somebody_else_between_the_own_words_and_our_answer_is_kept_and_marked() -> None:
    mail = "What now?\n\nOn 29 Nov 2026, at 13:00, Bob <bob@x.test> wrote:\n> No!\n>\n> On 29 Nov 2026, at 12:00, Bo <bo@x.test> wrote:\n>> Run it?"
    own = own_text(mail, Thread(["Run it?"], BO))
    assert own.text == "What now?\n> On 29 Nov 2026, at 13:00, Bob <bob@x.test> wrote:\n> No!\n>"
    assert FOREIGN in own.note
    assert LEFT_OUT in own.note


@pytest.mark.parametrize(
    ("mail", "note"),
    [
        (
            "STATUS\n\nOutlook für iOS<https://aka.ms/o0ukef> beziehen\n",
            "Outlook für iOS<https://aka.ms/o0ukef> beziehen",
        ),
        ("STATUS\n\nSent via Superhuman ( https://sprh.mn/x )\n", "Sent via Superhuman ( https://sprh.mn/x )"),
        ("STATUS\n\niPhoneから送信\n", "iPhoneから送信"),
        ("STATUS\n\n发自我的iPhone\n", "发自我的iPhone"),
        ("STATUS\n\n--\nAda Lovelace\nAcme Inc.\n", "Ada Lovelace / Acme Inc."),
    ],
)
def test_what_is_left_out_below_the_own_words_is_named(mail: str, note: str) -> None:
    assert own_text(mail) == OwnText("STATUS", f"left out at the end of the mail: {note}")
