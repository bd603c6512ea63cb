"""The outcomes of turns, and the texts that people get."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import Any

import pytest

from channels.mail.outgoing.page import html_page
from channels.sms.body.plain import plain_text
from channels.sms.body.shaping import shape
from supervisor.delivery.hub import Hub
from supervisor.protocol import conversation as talk
from supervisor.protocol.codes import CodeKind
from supervisor.protocol.errors import ConnectionFailed, SessionNotActive
from supervisor.protocol.messages import SENTENCE, MessageId, UserId, in_a_sentence
from supervisor.protocol.status import SessionStatus, Target, TurnState
from supervisor.protocol.times import nanos
from supervisor.store.records.changes import Recorded
from supervisor.store.records.outcome import Outcome
from supervisor.store.records.turn import Turn
from supervisor.turns import outcomes
from supervisor.turns.running.turn import RunningTurn
from tests.supervisor.turn_records import PHONE, turn

M1 = MessageId("m1")
FINISHED = talk.Finished(message_id=M1, text="All green.")


def running(of: Turn | None = None) -> RunningTurn:
    return RunningTurn(of or turn(), Hub(), lambda number, event: None)


def reply(outcome: Outcome) -> str | None:
    (draft,) = outcome.replies
    assert draft.reply in (PHONE, in_a_sentence(PHONE))
    return draft.text


async def test_an_answer_is_stored_once_and_its_reply_refers_to_it() -> None:
    outcome = outcomes.concluded(running(), FINISHED, (), 99)
    assert (outcome.state, outcome.answer, outcome.why) == (TurnState.COMPLETED, "All green.", "")
    assert (outcome.stop_reason, outcome.now_ms) == ("end_turn", 99)
    assert reply(outcome) is None


def test_whoever_has_failed_is_named() -> None:
    assert str(outcomes.failure(turn(), "no")) == "Claude Code failed: no"
    assert str(outcomes.failure(replace(turn(), target=Target.ASSISTANT), "no")) == "The assistant failed: no"


async def test_an_answer_without_a_text_is_said_to_be_one() -> None:
    outcome = outcomes.concluded(running(), talk.Finished(message_id=M1, text=""), (), 0)
    assert reply(outcome) == "Claude Code finished without a text."


async def test_what_was_denied_stands_below_the_answer_once_each() -> None:
    denied = ["Bash ls needs a person's approval", "Edit x needs it", "Bash ls needs a person's approval"]
    outcome = outcomes.concluded(running(), FINISHED, denied, 0)
    assert outcome.answer == "All green.\n\nNot done:\n- Bash ls needs a person's approval.\n- Edit x needs it."
    alone = outcomes.concluded(running(), talk.Finished(message_id=M1, text=""), denied[:1], 0)
    assert alone.answer == "Not done:\n- Bash ls needs a person's approval."


@pytest.mark.parametrize(
    "call",
    ["Bash rm -rf *old* ~/x", "Bash cat __init__.py", "Bash [x](http://y)", "Bash <b>z</b> &amp;", "Bash `b`"],
)
async def test_a_call_that_was_denied_is_shown_as_it_is(call: str) -> None:
    """By text and by mail the answer is read as Markdown."""
    outcome = outcomes.concluded(running(), FINISHED, [f"{call} was not run: the person said no"], 0)
    exact = f"{call} was not run: the person said no.".replace("`", "'")
    assert exact in plain_text(outcome.answer)
    assert escape(exact, quote=False) in html_page(outcome.answer, {}).replace("&#x27;", "'")


async def test_that_a_turn_cannot_be_undone_stands_below_what_is_told() -> None:
    note = "(It begins anew. What this turn changed cannot be undone: no git.)"
    recorded = Recorded(why="no git", notes=("It begins anew.",))
    well = outcomes.noted(outcomes.concluded(running(), FINISHED, (), 0), recorded)
    assert (well.answer, reply(well)) == (f"All green.\n\n{note}", None)
    silent = outcomes.noted(outcomes.concluded(running(), talk.Finished(message_id=M1, text=""), (), 0), recorded)
    assert reply(silent) == f"Claude Code finished without a text.\n\n{note}"
    failed = outcomes.noted(outcomes.concluded(running(), talk.Failed(message_id=M1, why="x"), (), 0), recorded)
    assert (failed.answer, reply(failed)) == ("", f"Claude Code failed: x.\n\n{note}")
    assert outcomes.noted(failed, Recorded()) is failed


async def test_a_failure_is_told_with_what_was_written_until_then() -> None:
    failed = talk.Failed(message_id=M1, why="it ran out of memory", partial="Half")
    outcome = outcomes.concluded(running(), failed, (), 0)
    assert (outcome.state, outcome.answer, outcome.stop_reason) == (TurnState.FAILED, "Half", "error")
    assert reply(outcome) == "Claude Code failed: it ran out of memory. Written until then:\n\nHalf"


async def test_a_failure_with_a_remedy_is_told_with_it() -> None:
    failed = talk.Failed(message_id=M1, why="it needed more than 9 MB of memory", remedy="ask for less")
    outcome = outcomes.concluded(running(), failed, (), 0)
    assert reply(outcome) == "Claude Code failed: it needed more than 9 MB of memory; ask for less."


async def test_a_turn_that_was_stopped_is_cancelled_and_says_so() -> None:
    outcome = outcomes.concluded(running(), talk.Failed(message_id=M1, why="x", interrupted=True), (), 0)
    assert (outcome.state, outcome.stop_reason) == (TurnState.CANCELLED, "interrupted")
    assert reply(outcome) == "Stopped."


async def test_the_connectors_figures_are_kept_with_the_outcome() -> None:
    run = running()
    run.on_event(talk.UsageReported(model="far", tokens=talk.Tokens(), provider_nanos=9, authoritative=True))
    outcome = outcomes.concluded(run, FINISHED, (), 0)
    assert outcome.provider_nanos == 9
    assert [charge.nanos for charge in outcome.charges] == [9]


async def test_a_turn_that_nobody_can_be_answered_for_has_no_reply() -> None:
    assert outcomes.concluded(running(turn(reply=None)), FINISHED, (), 0).replies == []


async def test_an_interrupted_turn_names_the_tools_that_had_started_and_asks_what_becomes_of_it() -> None:
    run = running()
    run.on_event(talk.TextDelta(text="Half"))
    outcome = outcomes.interrupted(turn(), outcomes.SHUT_DOWN, ["Edit x.py", "Bash make"], run, 5)
    assert (outcome.state, outcome.answer, outcome.replies) == (TurnState.INTERRUPTED, "Half", ())
    assert outcome.asking is not None
    assert (outcome.asking.kind, outcome.asking.ref) == (CodeKind.TURN, turn().message_id)
    assert outcome.asking.until_ms == 5 + outcomes.ASKED_MS
    (notice,) = outcome.asking.notices("KXQPT")
    assert notice.reply.meta[SENTENCE]
    assert notice.text == (
        'Your message "fix it" was interrupted: the daemon was shut down while it ran. It was not run again. '
        "Reply CONTINUE KXQPT, RETRY KXQPT or DROP KXQPT. These tools had started: Edit x.py, Bash make."
    )


@pytest.mark.parametrize(
    ("behind", "told"),
    [
        ([], ""),
        (["ada"], ' Your next message "and this" runs first.'),
        (["ada", "ada"], " Your next 2 messages run first."),
        (["bob"], ' The next message, "and this" of bob, runs first.'),
        (["bob", "eve", "bob"], " The next 3 messages, of bob and eve, run first."),
        (
            ["ada", "bob"],
            ' Your next message "and this" runs first. The next message, "and this" of bob, runs first.',
        ),
    ],
)
def test_what_runs_before_an_interrupted_turn_is_told(behind: list[str], told: str) -> None:
    queued = [turn(user_id=UserId(user_id), text="and this") for user_id in behind]
    outcome = outcomes.interrupted(turn(), outcomes.SHUT_DOWN, [], None, 5, behind=queued)
    assert outcome.asking is not None
    (notice,) = outcome.asking.notices("KXQPT")
    assert str(notice.text).endswith(f"Reply CONTINUE KXQPT, RETRY KXQPT or DROP KXQPT.{told}")


def test_other_users_are_told_that_their_message_runs_before_the_decision() -> None:
    by_socket = turn(id=3, user_id=UserId("eve"), reply=None)
    behind = [turn(id=2, user_id=UserId("bob"), text="and this"), by_socket, turn(id=4, text="mine")]
    outcome = outcomes.interrupted(turn(), outcomes.SHUT_DOWN, [], None, 5, behind=behind)
    (notice,) = outcome.others
    assert (notice.turn_id, notice.user_id, notice.draft.reply) == (2, "bob", in_a_sentence(PHONE))
    assert notice.draft.text == (
        'A restart interrupted the message of ada before yours. Your message "and this" runs now, '
        "without waiting until ada has decided about that one."
    )


def test_nobody_is_told_of_a_decision_that_nobody_is_asked_for() -> None:
    behind = [turn(id=2, user_id=UserId("bob"))]
    assert not outcomes.interrupted(turn(reply=None), outcomes.SHUT_DOWN, [], None, 5, behind=behind).others
    assert not outcomes.interrupted(turn(), outcomes.SHUT_DOWN, [], None, 5, behind=behind, attention=True).others


@pytest.mark.parametrize("text", ["fix it " * 20, "почини это " * 20])
def test_the_codes_stand_in_the_first_text_of_an_interrupted_turn(text: str) -> None:
    """For any tool calls, also where each character takes two places."""
    tools = [f"Bash make target-{number} with some options behind it" for number in range(40)]
    outcome = outcomes.interrupted(replace(turn(), text=text), outcomes.SHUT_DOWN, tools, None, 0)
    assert outcome.asking is not None
    (notice,) = outcome.asking.notices("KXQPT")
    shown = shape(plain_text(f"[a-long-project] {notice.text}"), max_segments=4).text
    assert "Reply CONTINUE KXQPT, RETRY KXQPT or DROP KXQPT." in shown
    assert shown.endswith("Reply MORE for the rest")


@pytest.mark.parametrize("nobody", [{"reply": None}, {"session_id": None, "target": Target.ASSISTANT}])
def test_nobody_is_asked_who_could_not_answer_or_where_nothing_can_go_on(nobody: dict[str, Any]) -> None:
    outcome = outcomes.interrupted(turn(**nobody), outcomes.SHUT_DOWN, [], None, 0)
    assert outcome.asking is None
    assert outcome.why.endswith("It was not run again: check what it did, and write again to go on")


def test_a_session_that_is_interrupted_too_often_gives_up_and_says_so() -> None:
    outcome = outcomes.interrupted(turn(), outcomes.SHUT_DOWN, [], None, 0, attention=True)
    assert (outcome.asking, outcome.session_status) == (None, SessionStatus.ERROR)
    assert outcome.session_reason.startswith("needs attention")
    assert str(reply(outcome)).endswith("at a terminal goes on with this one.")
    program = outcomes.interrupted(turn(reply=None), outcomes.SHUT_DOWN, [], None, 0, attention=True)
    assert program.why.endswith("find out what is wrong, then connect it again")


def test_a_turn_that_a_crash_cut_off_has_nothing_but_its_record() -> None:
    outcome = outcomes.interrupted(turn(), "the daemon ended while it ran", [], None, 0)
    assert (outcome.answer, outcome.duration_ms, outcome.charges) == ("", 0, ())
    assert "These tools" not in outcome.why


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConnectionFailed("the CLI is missing"), "Failed to connect to Claude Code: the CLI is missing."),
        (
            SessionNotActive("s1"),
            (
                'Your message "fix it" was not worked on, because its session does not start again by itself. '
                "Send it again: that begins a new conversation."
            ),
        ),
    ],
)
def test_a_turn_that_never_started_is_told_why(error: ConnectionFailed | SessionNotActive, text: str) -> None:
    outcome = outcomes.not_started(turn(), error, 0)
    assert (outcome.state, outcome.answer) == (TurnState.FAILED, "")
    assert reply(outcome) == text


def test_the_assistant_is_named_as_such() -> None:
    of_assistant = turn(target=Target.ASSISTANT)
    assert outcomes.told(of_assistant, TurnState.FAILED, "", "busy") == "The assistant failed: busy."
    assert outcomes.told(of_assistant, TurnState.COMPLETED, "", "") == "The assistant finished without a text."


def test_a_long_message_is_quoted_in_short_and_on_one_line() -> None:
    told = outcomes.told(turn(text="a\nb " + "x" * 100), TurnState.INTERRUPTED, "", "why")
    assert told == f'Your message "a b {"x" * 56}…" was interrupted: why.'


def test_a_footer_says_what_is_known() -> None:
    whole = Outcome(state=TurnState.COMPLETED, duration_ms=130_400, files_changed=3, now_ms=0)
    assert outcomes.footer(whole, nanos(0.12)) == "(3 files changed, 2 min 10 s, $0.12)"
    one = Outcome(state=TurnState.COMPLETED, duration_ms=900, files_changed=1, now_ms=0)
    assert outcomes.footer(one, 5) == "(1 file changed, 1 s, less than $0.01)"
    assert outcomes.footer(Outcome(state=TurnState.COMPLETED, now_ms=0), 0) == ""
    assert outcomes.footer(Outcome(state=TurnState.COMPLETED, duration_ms=400, now_ms=0), 0) == ""
    assert outcomes.footer(Outcome(state=TurnState.COMPLETED, files_changed=0, now_ms=0), nanos(0.12)) == "($0.12)"
