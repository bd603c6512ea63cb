"""What a person has written themselves; the samples are in golden/."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail.quotes import FORWARDED, MIXED, written

GOLDEN = sorted(Path(__file__).with_name("golden").glob("*.txt"))
NOTES = {"": "", " (mixed)": MIXED, " (forwarded)": FORWARDED}


@pytest.mark.parametrize("sample", GOLDEN, ids=[path.stem for path in GOLDEN])
def test_golden_sample_is_read_as_its_second_half(sample: Path) -> None:
    mail, _, rest = sample.read_text().partition("=== read as")
    note, _, expected = rest.partition("\n")
    result = written(mail)
    assert result.text == expected.rstrip("\n")
    assert result.note == NOTES[note]


def test_there_are_golden_samples() -> None:
    assert len(GOLDEN) >= 20


@given(st.text(alphabet="> abOn wrote:\n@.1<>-Fromt", max_size=400))
def test_no_line_of_an_unquoted_mail_is_invented(text: str) -> None:
    result = written(text)
    lines = {"", *(line.strip() for line in text.split("\n"))}
    assert all(line.strip() in lines or line.startswith(">") for line in result.text.split("\n"))


@given(st.lists(st.sampled_from(["> quoted", "mine", "", "yes KXQPT", "> yes ABCDE"]), max_size=20))
def test_own_lines_around_marked_quotes_are_all_kept(lines: list[str]) -> None:
    kept = written("\n".join(lines)).text.split("\n")
    own = [line for line in lines if line and not line.startswith(">")]
    assert [line for line in kept if line and not line.startswith(">")] == own


def test_windows_line_ends_are_read() -> None:
    assert written("mine\r\n\r\n> quoted\r\n").text == "mine"
