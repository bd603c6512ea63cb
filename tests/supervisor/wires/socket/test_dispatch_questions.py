"""Questions and notices about texts and mails that a service hands in: it hands them on, and the answers back in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from supervisor import config
from supervisor.protocol.status import Permissions
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import ALICE_MAIL, ALICE_PHONE, SERVICE
from tests.supervisor.turns.test_steering import SteeringConnector, conversation
from tests.supervisor.wires.socket.socket_serving import UUID, Client, Listening
from tests.waiting import until

SMS = {"from": ALICE_PHONE, "to": "+15550199", "user": "alice"}
MAIL = {"from": ALICE_MAIL, "to": "xswarm@example.org", "subject": "Question", "user": "alice"}
BOB_PHONE = "+15550101"
SOON = config.Supervisor(port=0, ack_after_seconds=0.05)


def listening_in(folder: Path, *approvers: str, permissions: Permissions = Permissions.EDIT) -> Listening:
    """Return a socket over one project, whose connector asks."""
    (folder / "shared").mkdir(exist_ok=True)
    shared = config.ProjectConfig(
        path=str(folder / "shared"), users=("alice", "bob"), permissions=permissions, approvers=approvers
    )
    return Listening(folder, connector=ScriptedConnector(), projects={"shared": shared}, supervisor=SOON)


async def asking(client: Client, kind: str, **fields: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Hand in what needs an answer; return its acknowledgement and the question."""
    await client.send(kind, **fields, request_id="r")
    frames = [await client.receive(), await client.receive()]
    question = next(frame for frame in frames if frame["type"].startswith("send_"))
    acknowledged = next(frame for frame in frames if frame["type"] == "message_acknowledged")
    return acknowledged, question


def code_in(text: str) -> str:
    """Return the code of a question."""
    found = re.search(r"YES ([A-Z]{5})", text)
    assert found is not None, text
    return found[1]


async def test_a_question_is_handed_on_and_its_answer_handed_in(tmp_path: Path) -> None:
    async with listening_in(tmp_path) as listening:
        client = await listening.client()
        acknowledged, question = await asking(client, "sms_received", **SMS, message="@shared deny git push")
        assert acknowledged["request_id"] == "r"
        assert (question["to"], question["user"]) == (ALICE_PHONE, "alice")
        assert UUID.fullmatch(question["message_id"])
        assert question["message_id"] != acknowledged["message_id"]
        assert "request_id" not in question, "it is not what the request waits for"
        assert question["message"].startswith("[shared] May it run? YES ")
        code = code_in(question["message"])
        await client.send("sms_received", **SMS, message=f"YES {code}", request_id="y")
        told, answer = [await client.receive_type("send_sms_response") for _ in range(2)]
        by_request = {frame["request_id"]: frame["message"] for frame in (told, answer)}
        assert by_request["y"] == "Allowed once: Bash git push"
        assert by_request["r"].startswith("[shared] allowed: True")


async def test_an_answer_by_a_message_is_no_prompt(tmp_path: Path) -> None:
    async with listening_in(tmp_path) as listening:
        client, scripted = await listening.client(), listening.core.connector
        assert isinstance(scripted, ScriptedConnector)
        _, question = await asking(client, "sms_received", **SMS, message="@shared deny git push")
        said = f"NO {code_in(question['message'])}"
        await client.send("message", user_id="alice", message=said, external_id="x1", request_id="m")
        frames = {frame["request_id"]: frame for frame in [await client.receive(), await client.receive()]}
        assert frames["m"]["content"] == "Denied: Bash git push"
        assert "the person said no" in frames["r"]["message"]
        again = await client.ask("message", user_id="alice", message=said, external_id="x1", request_id="m")
        assert again["content"] == frames["m"]["content"]
        assert [text for _, text in scripted.prompts] == ["deny git push"]


async def test_what_a_turn_took_stands_below_the_answer_and_its_repetition(tmp_path: Path) -> None:
    async with listening_in(tmp_path) as listening:
        client, scripted = await listening.client(), listening.core.connector
        assert isinstance(scripted, ScriptedConnector)
        sent = {**MAIL, "subject": "", "body": "@shared hold", "external_id": "x1"}
        assert (await client.ask("email_received", **sent))["type"] == "message_acknowledged"
        await until(scripted.held, "it runs")
        (running,) = listening.core.turns.running_turns()
        running.clock._began -= 3.0  # as if it had run for 3 s
        scripted.release()
        answer = await client.receive_type("send_email_response")
        assert re.fullmatch(r"\[shared\] .+\n\n\(.*\d+ s.*\)", answer["body"], re.DOTALL), answer
        assert await client.ask("email_received", **sent) == answer


async def test_a_second_factor_is_asked_for_as_by_our_own_number(tmp_path: Path) -> None:
    async with listening_in(tmp_path, permissions=Permissions.FULL) as listening:
        client = await listening.client()
        _, question = await asking(client, "sms_received", **SMS, message="@shared deny git push")
        assert "needs your passphrase behind the code" in question["message"]
        await client.send("sms_received", **SMS, message=f"YES {code_in(question['message'])}")
        told = await client.receive_type("send_sms_response")
        assert "another way than sms" in told["message"]
        assert "Nothing was allowed yet" in told["message"]


async def test_other_approvers_are_reached_by_the_same_service(tmp_path: Path) -> None:
    async with listening_in(tmp_path, "bob") as listening:
        await listening.core.accounts.put_user("bob", name="Bob", role="ADMIN", phones=[BOB_PHONE])
        client = await listening.client()
        await client.send("sms_received", **SMS, message="@shared deny git push")
        frames = {frame.get("to"): frame for frame in [await client.receive() for _ in range(3)]}
        assert frames[ALICE_PHONE]["message"] == "[shared] This call waits for somebody's approval: Bash git push"
        assert "May it run for alice? YES " in frames[BOB_PHONE]["message"]
        assert frames[BOB_PHONE]["user"] == "bob"


async def test_a_user_s_own_token_hands_nothing_on_to_others(tmp_path: Path) -> None:
    async with listening_in(tmp_path, "bob") as listening:
        await listening.core.accounts.put_user("bob", name="Bob", role="ADMIN", phones=[BOB_PHONE])
        client = await listening.client(await listening.core.token("alice"))
        await client.send("sms_received", **SMS, message="@shared deny git push")
        frames = {frame.get("to") for frame in [await client.receive() for _ in range(2)]}
        assert frames == {ALICE_PHONE, None}
        (row,) = await listening.core.store.outbox.due("sms", now_ms=2**53, limit=9)
        assert (row.to.value, "May it run for alice?" in row.text) == (BOB_PHONE, True)
        assert row.account == ""  # the number that alice's program named is none of ours


async def test_a_text_that_goes_into_the_running_turn_is_acknowledged_at_once(tmp_path: Path) -> None:
    never = config.Supervisor(port=0, ack_after_seconds=0)
    shared = config.ProjectConfig(path=str(tmp_path), users=("alice",), permissions=Permissions.EDIT)
    connector = SteeringConnector()
    async with Listening(tmp_path, connector=connector, projects={"shared": shared}, supervisor=never) as listening:
        client = await listening.client()
        assert (await client.ask("auth", token=SERVICE, notices=True))["success"]
        await client.send("sms_received", **SMS, message="@shared hold on")
        await until(connector.held, "it runs")
        await client.send("sms_received", **SMS, message="@shared steer: and the window", request_id="r")
        frames = {frame["type"]: frame for frame in [await client.receive(), await client.receive()]}
        assert frames["message_acknowledged"]["request_id"] == "r"
        assert "went into the running turn" in frames["send_sms_response"]["message"]
        await conversation(listening.core).end("both")
        assert (await client.receive())["message"].startswith("[shared] both")


async def test_whoever_waits_is_told_their_position(tmp_path: Path) -> None:
    async with listening_in(tmp_path) as listening:
        client, scripted = await listening.client(), listening.core.connector
        assert (await client.ask("auth", token=SERVICE, notices=True))["success"]
        assert isinstance(scripted, ScriptedConnector)
        await client.send("sms_received", **SMS, message="@shared hold")
        await until(scripted.held, "the prompt to be held")
        assert (await client.receive())["type"] == "message_acknowledged"
        acknowledged, position = await asking(client, "sms_received", **SMS, message="@shared next")
        assert position["message"] == "[shared] Queued: your message is next in the queue."
        assert position["message_id"] != acknowledged["message_id"]
        scripted.release()


async def test_whoever_subscribes_hears_of_the_questions_that_are_open(tmp_path: Path) -> None:
    async with listening_in(tmp_path) as listening:
        client, late = await listening.client(), await listening.client(await listening.core.token("alice"))
        bob = await listening.client(await listening.core.token("bob"))
        _, question = await asking(client, "sms_received", **SMS, message="@shared deny git push")
        await late.send("subscribe", topics=["sessions"], request_id="a")
        await late.send("subscribe", topics=["approvals"], request_id="b")
        frames = [await late.receive() for _ in range(3)]
        assert [frame["type"] for frame in frames] == ["subscribed", "subscribed", "approval_requested"]
        assert (frames[2]["summary"], frames[2]["code"]) == ("Bash git push", code_in(question["message"]))
        assert "request_id" not in frames[2]
        await bob.ask("subscribe", topics=["approvals"])
        assert await bob.quiet(), "it is not for bob to answer"
        await late.ask("resolve_approval", approval_id=frames[2]["approval_id"], decision="deny")
