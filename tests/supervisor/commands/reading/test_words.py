"""Which messages are commands."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.commands.reading import words
from supervisor.commands.reading.below import Below
from supervisor.commands.reading.words import ALONE, Command, Word
from supervisor.protocol.codes import CODE, random_code


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("STATUS", Word.STATUS),
        ("status", Word.STATUS),
        ("  Status.\n", Word.STATUS),
        ("cost", Word.COST),
        ("More .", Word.MORE),
        ("\tABORT", Word.ABORT),
        ("abort!!", Word.ABORT),
    ],
)
def test_a_whole_message_is_a_command_word(text: str, word: Word) -> None:
    assert words.parse(text) == Command(word)


@pytest.mark.parametrize(
    "text",
    ["", ".", "status report", "the status", "STATUS..", "STATUS?", "abort it", "!", "STATUS\nCOST", "mores", "'COST'"],
)
def test_anything_else_is_an_ordinary_message(text: str) -> None:
    assert words.parse(text) is None


@pytest.mark.parametrize("text", "STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT START HELP INFO".split())
def test_the_words_that_the_carriers_answer_are_never_ours(text: str) -> None:
    assert words.parse(text) is None


@given(
    st.sampled_from(sorted(ALONE)), st.text(alphabet=" \t\r\n"), st.text(alphabet=" \t\r\n"), st.booleans(), st.data()
)
def test_case_blanks_and_one_full_stop_do_not_matter(
    word: Word, before: str, after: str, stop: bool, data: st.DataObject
) -> None:
    letters = [data.draw(st.sampled_from([letter, letter.lower()])) for letter in word]
    assert words.parse(before + "".join(letters) + ("." if stop else "") + after) == Command(word)


@given(st.text())
def test_any_text_is_a_word_or_none(text: str) -> None:
    parsed = words.parse(text)
    assert parsed is None or parsed.word in text.upper()


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("YES KXQPT", Command(Word.YES, "KXQPT")),
        (" yes kxqpt. ", Command(Word.YES, "KXQPT")),
        ("No\tKXQPT", Command(Word.NO, "KXQPT")),
        ("continue KXQPT", Command(Word.CONTINUE, "KXQPT")),
        ("RETRY KXQPT.", Command(Word.RETRY, "KXQPT")),
        ("NO KXQPT!", Command(Word.NO, "KXQPT")),
        ("Drop kxqpt", Command(Word.DROP, "KXQPT")),
        ("undo KXQPT", Command(Word.UNDO, "KXQPT")),
        ("ADD 5 KXQPT", Command(Word.ADD, "KXQPT", Decimal(5))),
        ("add $2.50 kxqpt.", Command(Word.ADD, "KXQPT", Decimal("2.50"))),
        ("ADD 2,50 USD KXQPT", Command(Word.ADD, "KXQPT", Decimal("2.50"))),
        ("YES KXQPT 30", Command(Word.YES, "KXQPT", rest="30")),
        ("yes kxqpt Correct Horse.", Command(Word.YES, "KXQPT", rest="Correct Horse.")),
        ("Yes, kxqpt. Correct Horse", Command(Word.YES, "KXQPT", rest="Correct Horse")),
        ("YES. KXQPT: correct horse", Command(Word.YES, "KXQPT", rest="correct horse")),
        ("> It wrote:\n> May it run?\n>\n\nYES KXQPT\n", Command(Word.YES, "KXQPT", misplaced=True)),
        ("> May it?\n\nYES KXQPT correct horse", Command(Word.YES, "KXQPT", rest="correct horse", misplaced=True)),
        ("YES\u00a0KXQPT", Command(Word.YES, "KXQPT")),
        ("No\u3000kxqpt\u202f.", Command(Word.NO, "KXQPT")),
        ("ADD\u00a05 KXQPT", Command(Word.ADD, "KXQPT", Decimal(5))),
        ("YES\u00a0KXQPT correct\u00a0horse", Command(Word.YES, "KXQPT", rest="correct horse")),
    ],
)
def test_a_word_comes_with_its_code(text: str, command: Command) -> None:
    assert words.parse(text) == command


@pytest.mark.parametrize(
    "text",
    [
        *("yes, KXQPT 30", "YES: KXQPT 5.", "> May it run? YES KXQPT", "> YES\nKXQPT", "> x\n\nABORT"),
        *("> may it\n\nno way\n> YES KXQPT", "YES\n> x\nKXQPT"),
        *(
            "YES",
            "NO",
            "yes.",
            "YES KXQPT!",
            "ok",
            "OK KXQPT",
            "okay KXQPT",
            "KXQPT",
            "KXQPT YES",
            "yes, KXQPT",
            "YES: KXQPT",
        ),
        *("yes please KXQPT", "no, that's not ok KXQPT", "NO KXQPT please", "not KXQPT", "YESKXQPT", "YES KXQP"),
        *("YES KXQPTT", "YES KXQP1", "YES HELLO", "YES THERE is a bug", "sure, YES KXQPT", "> YES KXQPT", "Y KXQPT"),
        *("YES YES KXQPT", "yes to KXQPT", "I say YES KXQPT", "ADD KXQPT", "ADD five KXQPT", "ADD -5 KXQPT"),
        *("ADD 5.001 KXQPT", "ADD 5", "that is ok with me KXQPT", "STATUS KXQPT", "it's ok", "ok do it"),
    ],
)
def test_no_sentence_answers_a_question(text: str) -> None:
    assert words.parse(text) is None


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("YES KXQPT\n\nThanks,\nAda", Command(Word.YES, "KXQPT", below=Below.CLOSING)),
        (
            "YES KXQPT correct horse\n\nThanks,\nAda",
            Command(Word.YES, "KXQPT", rest="correct horse", below=Below.CLOSING),
        ),
        ("YES KXQPT 30\n\nAda", Command(Word.YES, "KXQPT", rest="30", below=Below.CLOSING)),
        ("YES KXQPT\n\nno wait", Command(Word.YES, "KXQPT", below=Below.DOUBT)),
        ("YES KXQPT\n\nNO KXQPT", Command(Word.YES, "KXQPT", below=Below.DOUBT)),
        ("NO KXQPT\n\nnot like this", Command(Word.NO, "KXQPT", below=Below.DOUBT)),
        ("UNDO KXQPT\n\nAda", Command(Word.UNDO, "KXQPT")),
        ("STATUS\n\nThanks,\nAda", Command(Word.STATUS)),
        ("STATUS\n\nAda", None),
        ("UNDO KXQPT\n\nbut keep the tests", None),
        ("> Run it?\n\nYES KXQPT\n\nThanks", Command(Word.YES, "KXQPT", below=Below.CLOSING, misplaced=True)),
    ],
)
def test_what_stands_below_a_word_is_told_apart_from_what_stands_behind_it(text: str, command: Command | None) -> None:
    assert words.parse(text) == command


@pytest.mark.parametrize("text", ["YES KXQPT horse", "YES KXQPT\ncorrect horse", "YES KXQPT\nHorse"])
def test_what_may_be_a_passphrase_is_not_stored(text: str) -> None:
    command = words.parse(text)
    assert command is not None
    assert command.shown == "YES KXQPT (the rest is not kept)"


def test_codes_hold_letters_that_are_not_taken_for_others() -> None:
    codes = {random_code() for _ in range(1000)}
    assert len(codes) > 990
    assert all(re.fullmatch(CODE, code) for code in codes)
    assert not set("".join(codes)) & set("AEIOUYL")


@pytest.mark.requirement(18)
def test_quoted_lines_below_a_command_do_not_count() -> None:
    command = words.parse("YES KXQPT\n\n> Run it?\n>\n> NO KXQPT\n")
    assert command == Command(Word.YES, "KXQPT")
    assert words.parse("YES KXQPT\n> Run it?\nbut not now") != Command(Word.YES, "KXQPT")
