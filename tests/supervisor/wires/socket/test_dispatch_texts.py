"""Texts and mails from an outside webhook server: answered, acknowledged, repeated, threaded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from supervisor import config
from tests.supervisor.wires.socket.socket_serving import UUID, Listening, checked
from tests.waiting import until

SMS = {"from": "+15550100", "to": "+15550199", "message": "how are you", "user": "alice"}
MAIL = {
    "from": "alice@example.org",
    "to": "xswarm@example.org",
    "subject": "Question",
    "body": "how are you",
    "user": "alice",
}


async def test_a_text_is_answered_on_the_socket(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        answer = await client.ask("sms_received", **SMS, request_id="r")
        assert UUID.fullmatch(answer.pop("message_id"))
        assert answer == {
            "type": "send_sms_response",
            "to": "+15550100",
            "message": "how are you",
            "user": "alice",
            "request_id": "r",
        }


async def test_a_mail_is_answered_on_the_socket(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        answer = await client.ask("email_received", **MAIL, request_id="r")
        assert UUID.fullmatch(answer.pop("message_id"))
        assert answer == {
            "type": "send_email_response",
            "to": "alice@example.org",
            "subject": "Re: Question",
            "body": "Subject: Question\n\nhow are you",
            "user": "alice",
            "request_id": "r",
        }


@pytest.mark.parametrize(
    ("subject", "body", "in_reply_to", "message"),
    [
        ("Re: Question", "how are you", "<1@example.org>", "how are you"),
        ("Re: Question", "how are you", None, "Subject: Question\n\nhow are you"),
    ],
)
async def test_the_subject_of_a_mail_belongs_to_it_unless_it_repeats_another(
    tmp_path: Path, subject: str, body: str, in_reply_to: str | None, message: str
) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        fields = {**MAIL, "subject": subject, "body": body} | ({"in_reply_to": in_reply_to} if in_reply_to else {})
        assert (await client.ask("email_received", **fields))["body"] == message


async def test_a_sender_is_found_by_address_where_the_name_is_no_user(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        assert (await client.ask("sms_received", **{**SMS, "user": "Alice A."}))["user"] == "Alice A."
        assert (await client.ask("email_received", **{**MAIL, "from": "Alice@Example.org", "user": "x"}))["user"] == "x"
        for kind, fields in (
            ("sms_received", {**SMS, "from": "+15559999", "user": "x"}),
            ("sms_received", {**SMS, "from": "somebody", "user": "x"}),
            ("email_received", {**MAIL, "from": "eve@example.org", "user": "x"}),
            ("email_received", {**MAIL, "from": "", "user": "x"}),
        ):
            answer = await client.ask(kind, **fields)
            assert answer["code"] == ("user_not_found" if fields["from"] else "invalid_message")


async def test_command_words_count_in_texts_and_not_in_messages(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        assert (await client.ask("sms_received", **{**SMS, "message": "status."}))["message"] == "No session is active."
        assert (await client.ask("message", user_id="alice", message="STATUS"))["content"] == "STATUS"


async def test_a_text_that_is_refused_is_answered_with_the_reason(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        asked = {**SMS, "user": "olga", "external_id": "x1"}
        answer = await client.ask("sms_received", **asked)
        assert (answer["type"], "OPERATOR" in answer["message"]) == ("send_sms_response", True)
        assert await client.ask("sms_received", **asked) == answer


@pytest.mark.parametrize("kind", ["sms_received", "email_received"])
async def test_a_slow_answer_is_acknowledged_first(tmp_path: Path, kind: str) -> None:
    soon = config.Supervisor(port=0, ack_after_seconds=0.05)
    async with Listening(tmp_path, supervisor=soon) as listening:
        client = await listening.client()
        fields = {**SMS, "message": "hold"} if kind == "sms_received" else {**MAIL, "subject": "", "body": "hold"}
        first = await client.ask(kind, **fields, request_id="r")
        message_id = first["message_id"]
        assert checked(first, message_id=UUID) == {
            "type": "message_acknowledged",
            "message_type": "sms" if kind == "sms_received" else "email",
            "user": "alice",
            "request_id": "r",
        }
        await until(listening.assistant.held, "the assistant has the text")
        listening.assistant.release("at last")
        answer = await client.receive()
        assert (answer["message_id"], answer["request_id"]) == (message_id, "r")
        assert answer.get("message", answer.get("body")) == "at last"
        assert await client.quiet()


async def test_nothing_is_acknowledged_where_that_is_turned_off(tmp_path: Path) -> None:
    never = config.Supervisor(port=0, ack_after_seconds=0)
    async with Listening(tmp_path, supervisor=never) as listening:
        client = await listening.client()
        await client.send("sms_received", **{**SMS, "message": "hold"})
        await until(listening.assistant.held, "the prompt to be held")
        assert await client.quiet()
        listening.assistant.release()
        assert (await client.receive())["type"] == "send_sms_response"


async def test_a_text_received_twice_is_answered_twice_and_run_once(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        first = await client.ask("sms_received", **SMS, external_id="x1", request_id="r1")
        again = await client.ask("sms_received", **SMS, external_id="x1", request_id="r2")
        assert {**again, "request_id": "r1"} == first
        assert len(listening.assistant.prompts) == 1
        assert await client.quiet()


async def test_a_text_repeated_while_it_runs_gets_one_answer_for_each_request(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client, other = await listening.client(), await listening.client()
        asked = {**SMS, "message": "hold", "external_id": "x1"}
        await client.send("sms_received", **asked, request_id="r1")
        await until(listening.assistant.held, "the prompt to be held")
        await other.send("sms_received", **asked, request_id="r2")
        assert await other.quiet()
        await until(lambda: len(listening.server.replies._expected) == 1, "the repetition to be waited for")
        listening.assistant.release()
        answers = await client.receive(), await other.receive()
        assert [answer["request_id"] for answer in answers] == ["r1", "r2"]
        assert len({answer["message_id"] for answer in answers}) == 1
        assert await client.quiet()
        assert await other.quiet()


async def test_a_word_under_the_id_of_another_text_is_refused_not_lost(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()
        await client.ask("sms_received", **SMS, external_id="x1")
        answer = await client.ask("sms_received", **{**SMS, "message": "STATUS"}, external_id="x1")
        assert (answer["code"], answer["message"]) == ("idempotency_conflict", "Already used for another message: x1")


async def test_a_command_word_received_twice_is_carried_out_once(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client, worker = await listening.client(), await listening.client()
        await worker.connect(listening.core)
        abort = {**SMS, "message": "ABORT", "external_id": "x1"}
        first = await client.ask("sms_received", **abort)
        await worker.send("claude_code_message", session_id="s1", message="hold")
        await until(listening.scripted.held, "the prompt to be held")
        assert await client.ask("sms_received", **abort) == first
        assert listening.scripted.held()
        listening.scripted.release()
        assert (await worker.receive())["content"] == "released"


async def test_mails_that_answer_each_other_are_one_conversation(tmp_path: Path) -> None:
    async with Listening(tmp_path) as listening:
        client = await listening.client()

        async def session_of(**fields: str) -> str:
            answer = await client.ask("email_received", **{**MAIL, "body": "run it"}, **fields)
            found = await listening.core.store.turns.result(answer["message_id"])
            assert found is not None
            assert found.turn.session_id is not None
            return found.turn.session_id

        first = await session_of(external_id="<1@example.org>")
        assert await session_of(external_id="<2@example.org>", in_reply_to="<1@example.org>") == first
        assert await session_of(external_id="<3@example.org>", in_reply_to="<2@example.org>") == first
        other = await session_of(external_id="<4@example.org>")
        assert other != first
        assert await session_of() not in (first, other)
        ours = await session_of(in_reply_to="<ours@example.org>")
        assert await session_of(in_reply_to="<ours@example.org>") == ours


async def test_a_reply_names_its_project_where_its_reader_has_several(tmp_path: Path) -> None:
    second = {"second": config.ProjectConfig(path=str(tmp_path), users=("alice",))}
    async with Listening(tmp_path, projects=second) as listening:
        client = await listening.client()
        asked = {**SMS, "message": "@site run it", "external_id": "x1"}
        answer = await client.ask("sms_received", **asked)
        # From half a millisecond on, the last line says how long the turn took.
        assert re.fullmatch(r"\[site\] run it(\n\n\(\d+ s\))?", answer["message"])
        assert await client.ask("sms_received", **asked) == answer
