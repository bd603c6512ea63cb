"""The sender's own text of a mail. The samples are in golden/."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.incoming.quotes import FORWARDED, MIXED, OwnText, own_text

GOLDEN = sorted(Path(__file__).with_name("golden").glob("*.txt"))
NOTES = {"": "", " (mixed)": MIXED, " (forwarded)": FORWARDED}


@pytest.mark.parametrize("sample", GOLDEN, ids=[path.stem for path in GOLDEN])
def test_golden_sample_is_read_as_its_second_half(sample: Path) -> None:
    mail, _, rest = sample.read_text().partition("=== read as")
    note, _, expected = rest.partition("\n")
    result = own_text(mail)
    assert result.text == expected.rstrip("\n")
    assert result.note == NOTES[note]


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
    assert own_text("mine\r\n\r\n> quoted\r\n").text == "mine"


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
    assert own_text(f"YES KXQPT\n\n{line}\n") == OwnText("YES KXQPT")


@pytest.mark.parametrize(
    "text",
    [
        *("look at this:\nSent via the API the call fails", "look:\n\nSent via the API: it fails", "Sent via the API"),
        "why?\n\nWas it sent from the office",
    ],
)
def test_a_sentence_of_the_person_is_kept(text: str) -> None:
    assert own_text(text) == OwnText(text)
