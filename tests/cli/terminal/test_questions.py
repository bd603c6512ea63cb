"""Open questions on a screen: each is answered by the number that it was shown with."""

from __future__ import annotations

from io import StringIO

from cli.terminal.questions import Questions
from cli.terminal.screen import Screen

NOON = "2026-01-01T12:00:00.000Z"


def asked(questions: Questions, approval_id: str) -> None:
    questions.requested({"approval_id": approval_id, "summary": "Bash ls", "user_id": "alice", "expires_at": NOON})


def test_a_question_is_taken_once_and_never_guessed() -> None:
    shown = StringIO()
    questions = Questions(Screen(shown, shown, interactive=True, colour=False))
    assert questions.take(0) is None
    asked(questions, "a")
    asked(questions, "b")
    assert questions.take(0) is None
    assert "2 questions wait; say which: /yes 1 (Bash ls), /yes 2 (Bash ls)." in shown.getvalue()
    assert questions.take(2) == "b"
    assert questions.take(2) is None
    questions.resolved({"approval_id": "b", "decision": "allow"})
    assert "elsewhere" not in shown.getvalue(), "it is not open any more"
    assert questions.take(0) == "a"
    assert questions.take("KXQPT") == "KXQPT", "the daemon knows whose it is"


def shown_of(**frame: object) -> str:
    """Return what a terminal shows of a question."""
    shown = StringIO()
    fields = {"approval_id": "a1", "summary": "Bash ls", "user_id": "alice", "expires_at": NOON}
    Questions(Screen(shown, shown, interactive=True, colour=False)).requested({**fields, **frame})
    return shown.getvalue()


def test_the_whole_call_is_shown_below_its_question() -> None:
    assert shown_of(call="Bash ls", diff="").count("Bash ls") == 1
    assert "Bash ls\ntimeout: 9\n" in shown_of(call="Bash ls\ntimeout: 9", diff="")
    assert "Write a\n@@ @@\n-old\n+new\n" in shown_of(call="Write a\ncontent: new", diff="@@ @@\n-old\n+new")
    long = shown_of(call="Bash " + "x" * 9_000, diff="", characters=9_005)
    assert "The call has 9005 characters. Its end is not shown here: `xswarm claude approvals a1`" in long


def test_a_question_that_is_told_again_is_shown_once_until_it_is_forgotten() -> None:
    shown = StringIO()
    questions = Questions(Screen(shown, shown, interactive=True, colour=False))
    assert questions.how_to_answer == ""
    frame = {"approval_id": "a", "summary": "Bash ls", "user_id": "alice", "expires_at": NOON, "code": "KXQPT"}
    questions.requested(frame)
    questions.requested(frame)
    assert shown.getvalue().startswith("May it run for alice: Bash ls?\n/yes or /no (code KXQPT), until 2026-01-01 ")
    assert shown.getvalue().count("May it run") == 1
    assert questions.how_to_answer == "/yes or /no answers it."
    questions.forget()
    assert questions.take(0) is None
