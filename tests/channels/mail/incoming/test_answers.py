"""Our own answer in a mail that quotes it."""

from __future__ import annotations

from channels.mail.incoming.answers import find_answer

ANSWER = "I have changed **three** files: a, b and c.\n\nShall I run the tests? Write YES KXQPT."


def test_marks_and_wrapping_do_not_matter() -> None:
    mail = [
        "ok",
        "",
        "> I have changed *three* files: a,",
        "> b and c.",
        "> Shall I run the tests? Write YES",
        "> KXQPT.",
    ]
    found = find_answer(mail, [ANSWER], ())
    assert found is not None
    assert (found.start, found.body, found.end, found.mixed) == (2, 2, 6, False)


def test_the_same_words_of_the_sender_are_not_taken_for_a_quotation() -> None:
    assert find_answer(["Done", "", "and now?"], ["Done"], ()) is None
    found = find_answer(["Done", "", "On 1 Nov 2026 at 12:00 Bo wrote:", "> Done"], ["Done"], ("Bo",))
    assert found is not None
    assert found.start == 2
    assert find_answer(["YES KXQPT"], [ANSWER], ()) is None


def test_lines_of_the_sender_inside_an_answer_are_noticed() -> None:
    mail = ["see below", "", *ANSWER.split("\n")[:1], "no, four", ANSWER.split("\n")[2]]
    found = find_answer(mail, [ANSWER], ())
    assert found is not None
    assert found.mixed


def test_a_selected_part_is_found() -> None:
    found = find_answer(["yes", "", "> Shall I run the tests?"], [ANSWER], ())
    assert found is not None
    assert found.body == 2
