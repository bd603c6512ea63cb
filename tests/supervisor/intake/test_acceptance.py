"""The rows of T1, built from a routed message: one test for each rule, without a store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from supervisor.commands.dispatch import CommandAnswer
from supervisor.delivery.replies import reply_id
from supervisor.intake.acceptance import Process, build, labelled
from supervisor.intake.submission import RoutedSubmission, Submission
from supervisor.people.projects import Project
from supervisor.protocol.conversation import ProcessIdentity
from supervisor.protocol.messages import SENTENCE, Address, MessageId, ProjectName, Reply, SessionId, UserId
from supervisor.protocol.queue import Mode
from supervisor.protocol.status import Permissions, Role, Target
from supervisor.routing.destination import Destination
from supervisor.routing.rules import Decision
from supervisor.store.records.acceptance import Acceptance, Raise
from supervisor.store.records.accounts import User
from supervisor.store.records.session import NewSession
from supervisor.turns.lanes.name import LaneName

ALICE = User(id=UserId("alice"), name="Alice", role=Role.ADMIN)
PHONE = Address(kind="sms", value="+15550100")
REPLY = Reply(channel="sms", to=PHONE, account="+15550199")
MESSAGE_ID = MessageId("01890000-0000-7000-8000-000000000001")
SITE = Project(
    name=ProjectName("site"),
    path="/srv/site",
    permissions=Permissions.EDIT,
    model=None,
    concurrent=False,
    users=frozenset({"alice"}),
)
SUBMISSION = Submission(
    user=ALICE, channel="sms", account="+15550199", sender=PHONE, text="claude: hello", note="one picture", reply=REPLY
)
PROMPT = Decision(target=Target.CLAUDE_CODE, reason="prefix claude:", text="hello", project=SITE)


def in_site(*, shared: bool = False) -> Destination:
    """Return a new session of the project "site"."""
    fresh = NewSession(
        id=SessionId("s1"),
        user_id=ALICE.id,
        project=SITE.name,
        project_path=SITE.path,
        conversation_id="c1",
        shared=shared,
    )
    return Destination(lane=LaneName.of_session(fresh.id), project=SITE, new_session=fresh)


NO_TEXT = Decision(target=Target.REFUSED, reason="your message has no text", text="")
NOWHERE = Destination(lane=LaneName.of_refused(ALICE.id))


def built(
    decision: Decision = PROMPT,
    destination: Destination | None = None,
    *,
    submission: Submission = SUBMISSION,
    answer: CommandAnswer | None = None,
    **settings: Any,
) -> Acceptance:
    """Return the acceptance of a message."""
    known: dict[str, Any] = {
        "mode": Mode.FOLLOWUP,
        "process": None,
        "reply": submission.reply,
        "position": None,
        **settings,
    }
    routed = RoutedSubmission(submission=submission, decision=decision, answer=answer)
    return build(routed, destination or in_site(), message_id=MESSAGE_ID, now_ms=5, **known)


def test_a_prompt_is_stored_without_its_prefix_in_the_lane_of_its_session() -> None:
    made = built()
    assert (made.text, made.lane, made.session_id, made.project) == ("hello", "s1", "s1", "site")
    assert (made.exclusive, made.start, made.refusals, made.now_ms) == (True, False, (), 5)
    assert made.new_session is not None


def test_a_text_that_the_decision_left_empty_is_stored_as_it_came() -> None:
    assert built(replace(PROMPT, text="")).text == "claude: hello"


def test_only_in_a_shared_session_the_model_is_told_who_writes() -> None:
    assert built().note == "one picture"
    assert built(destination=in_site(shared=True)).note == "written by Alice; one picture"


def test_an_open_process_lets_t1_start_the_turn() -> None:
    identity = ProcessIdentity(pid=7, started=1, boot_id="b")
    made = built(process=Process(identity=identity))
    assert (made.start, made.identity) == (True, identity)
    remote = built(process=Process(identity=None))
    assert (remote.start, remote.identity) == (True, None)


@pytest.mark.parametrize(("target", "gathers"), [(Target.CLAUDE_CODE, True), (Target.ASSISTANT, False)])
def test_only_prompts_for_claude_code_are_collected(target: Target, gathers: bool) -> None:
    assert built(replace(PROMPT, target=target), mode=Mode.COLLECT).gather is gathers


def test_the_answer_names_its_project_where_its_reader_has_several() -> None:
    assert labelled(REPLY, SITE).meta == {"prefix": "[site]"}
    assert labelled(REPLY, NOWHERE.project) == REPLY


def test_a_refusal_is_told_as_a_sentence_and_only_with_a_reason_and_an_address() -> None:
    (draft,) = built(NO_TEXT, NOWHERE).refusals
    assert (draft.id, draft.text, draft.reply.meta) == (
        reply_id(MESSAGE_ID),
        "Your message has no text.",
        {SENTENCE: True},
    )
    assert built(replace(NO_TEXT, reason=""), NOWHERE).refusals == ()
    assert built(NO_TEXT, NOWHERE, submission=replace(SUBMISSION, reply=None)).refusals == ()


def test_a_part_of_an_answer_is_sent_as_it_is() -> None:
    more = CommandAnswer(text="the rest", meta={"offset": 500})
    (draft,) = built(Decision(target=Target.COMMAND, reason="the rest", text="MORE"), NOWHERE, answer=more).refusals
    assert SENTENCE not in draft.reply.meta


def test_a_command_word_closes_its_code_and_raises_its_limit_unless_it_is_refused() -> None:
    raises = Raise(scope="user", key="alice", day=0, nanos=1, most=2, told=lambda added, result: "")
    answer = CommandAnswer(text="Done.", closes="KXQPT", raises=raises)
    done = built(Decision(target=Target.COMMAND, reason="Done.", text="x"), NOWHERE, answer=answer)
    assert (done.closes, done.raises) == ("KXQPT", raises)
    refused = built(NO_TEXT, NOWHERE, answer=answer)
    assert (refused.closes, refused.raises) == ("", None)
    resumed = built(answer=answer)
    assert (resumed.closes, resumed.raises) == ("KXQPT", None)
