"""The rules of the chat (docs/chat.md), one by one: a whole daemon, the offline model, real sockets."""

from __future__ import annotations

import asyncio

import pytest

from supervisor.protocol.ids import uuid7
from tests.e2e.chatting import (
    ENDS,
    OLD_PATH,
    PATH,
    answers_of,
    chatting,
    jwt_of,
    kinds,
    text_of,
)
from tests.e2e.world import HANG, World, script, slow_answer

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

SLOW = script(slow_answer(200, 60.0))
"""An answer that takes a minute, a word every 0.3 s."""


def says(text: str) -> str:
    return script({"text": text})


@pytest.mark.parametrize("path", [PATH, OLD_PATH])
async def test_a_message_is_answered_by_tokens_and_complete(world: World, path: str) -> None:
    async with chatting(world, path=path) as client:
        assert set(client.frames[0]) == {"type", "session_id", "history_count", "seq"}
        assert client.frames[0]["history_count"] == 0
        answer = await client.ask(says("All is well."))
        assert kinds(answer) == ["token", "complete"]
        assert text_of(answer) == "All is well."
        end = answer[-1]
        assert end["usage"]["input_tokens"] > 0
        assert end["usage"]["output_tokens"] > 0
        assert end["cost_usd"] > 0
        assert len(end["message_ids"]) == 1


async def test_every_frame_has_a_number_and_they_grow(world: World) -> None:
    async with chatting(world) as client:
        await client.ask(says("one two three"))
        await client.send("get_history")
        await client.receive()
        numbers = [frame["seq"] for frame in client.frames]
        assert numbers == sorted(set(numbers))


async def test_keywords_do_not_route_and_a_prefix_does(world: World) -> None:
    async with chatting(world) as client:
        # "status" would send a text message to Claude Code, which is an echo here.
        answer = await client.ask("summarize the compliance status of the project")
        assert "echo" not in text_of(answer).lower()
        answer = await client.ask("@site say it back")
        assert "say it back" in text_of(answer)
        answer = await client.ask("claude: say this back")
        assert "say this back" in text_of(answer)


async def test_a_command_word_is_answered_at_no_cost(world: World) -> None:
    async with chatting(world) as client:
        answer = await client.ask("STATUS")
        assert kinds(answer) == ["token", "complete"]
        assert text_of(answer)
        assert answer[-1]["cost_usd"] == 0
        assert answer[-1]["usage"]["output_tokens"] == 0


async def test_a_session_id_that_nobody_has_is_adopted(world: World) -> None:
    mine = uuid7()
    async with chatting(world, session_id=mine) as client:
        assert client.session_id == mine
        await client.ask(says("noted"))
    async with chatting(world, session_id=mine) as client:
        assert (client.session_id, client.frames[0]["history_count"]) == (mine, 2)


async def test_a_session_of_another_user_is_never_resumed_or_hinted_at(world: World) -> None:
    async with chatting(world) as client:
        await client.ask(says("a secret of alice"))
        theirs = client.session_id
    async with chatting(world, "bob", session_id=theirs) as client:
        assert client.session_id != theirs
        assert client.frames[0]["history_count"] == 0
        await client.send("get_history")
        assert (await client.receive())["messages"] == []
        own = client.session_id
        await client.say(says("hello"), session_id=theirs)  # a client that goes on with its own id
        answer = await client.answer()
        assert "connected" not in kinds(answer)
        assert client.session_id == own


async def test_a_session_of_claude_code_is_no_chat(world: World) -> None:
    async with chatting(world) as client:
        await client.ask("@site hello")
    listed = (await world.operator("GET", "/api/claude-code/sessions?user_id=alice")).json()["sessions"]
    theirs = next(one["session_id"] for one in listed if one["project_path"])
    async with chatting(world, session_id=theirs) as client:
        assert client.session_id != theirs


async def test_a_message_with_another_session_id_switches_the_connection(world: World) -> None:
    async with chatting(world) as client:
        first = client.session_id
        await client.ask(says("one"))
        second = uuid7()
        await client.say(says("two"), session_id=second)
        answer = await client.answer()
        assert kinds(answer)[0] == "connected"
        assert client.session_id == second
        assert text_of(answer) == "two"
        await client.say(says("three"), session_id=first)
        answer = await client.answer()
        assert (answer[0]["session_id"], answer[0]["history_count"]) == (first, 2)
        async with chatting(world, "bob") as other:
            theirs = other.session_id
        await client.say(says("four"), session_id=theirs)
        await client.answer()
        assert client.session_id not in (first, second, theirs)


async def test_a_message_while_one_runs_waits_for_its_own_answer(world: World) -> None:
    async with chatting(world) as client:
        await client.say(script(slow_answer(8, 2.0)))
        await client.next("token")
        await client.say(says("second"), mode="queue")
        first = await client.answer()
        queued = [frame for frame in first if frame["type"] == "queued"]
        assert queued[0]["position"] == 1
        assert queued[0]["reason"]
        assert first[-1]["type"] == "complete"
        second = await client.answer()
        assert (kinds(second), text_of(second)) == (["token", "complete"], "second")
        assert not set(first[-1]["message_ids"]) & set(second[-1]["message_ids"])


async def test_an_interrupt_ends_the_running_answer_and_no_other(world: World) -> None:
    async with chatting(world) as client:
        await client.say(SLOW)
        await client.next("token")
        await client.say(says("the next one"))
        await client.next("queued")
        await client.send("interrupt")
        first = await client.answer()
        assert first[-1]["type"] == "interrupted"
        assert first[-1]["message"] == "Generation stopped by user"
        assert first[-1]["partial_response"] is True
        second = await client.answer()
        assert (kinds(second), text_of(second)) == (["token", "complete"], "the next one")


async def test_with_nothing_running_an_interrupt_says_so(world: World) -> None:
    async with chatting(world) as client:
        for _ in range(2):
            await client.send("interrupt")
            frame = await client.receive()
            assert frame == {
                "type": "interrupted",
                "message": "No active generation",
                "partial_response": False,
                "seq": frame["seq"],
            }


async def test_an_interrupt_before_the_first_token_says_that_there_is_no_text(world: World) -> None:
    async with chatting(world) as client:
        await client.say(script(HANG))
        await client.send("interrupt")
        frame = (await client.answer())[-1]
        assert (frame["type"], frame["partial_response"]) == ("interrupted", False)


async def test_two_interrupts_of_one_answer_end_it_once(world: World) -> None:
    async with chatting(world) as client:
        await client.say(SLOW)
        await client.next("token")
        await client.send("interrupt")
        await client.send("interrupt")
        assert (await client.answer())[-1]["message"] == "Generation stopped by user"
        answer = await client.ask(says("on we go"))
        while answer[-1]["type"] == "interrupted":  # where the second one came too late
            assert answer[-1]["message"] == "No active generation"
            answer = await client.answer()
        assert (kinds(answer), text_of(answer)) == (["token", "complete"], "on we go")


async def test_the_partial_text_stays_in_the_history_with_a_mark(world: World) -> None:
    async with chatting(world) as client:
        await client.say(SLOW)
        await client.next("token")
        await client.send("interrupt")
        await client.answer()
        shown = text_of(client.frames)
        messages = await client.history(2)
        assert [message["role"] for message in messages] == ["user", "assistant"]
        assert messages[1]["content"].startswith(shown.rstrip())
        assert "interrupted" not in messages[1]["content"]
        assert messages[1]["interrupted"] is True
        assert "interrupted" not in messages[0]


async def test_an_answer_in_place_of_another(world: World) -> None:
    async with chatting(world) as client:
        await client.say(SLOW)
        await client.next("token")
        await client.say(says("instead"), mode="interrupt")
        assert (await client.answer())[-1]["type"] == "interrupted"
        answer = await client.answer()
        assert (text_of(answer), answer[-1]["type"]) == ("instead", "complete")


async def test_an_error_ends_an_answer_with_a_code(world: World) -> None:
    async with chatting(world) as client:
        answer = await client.ask(script({"text": "it breaks", "sse_error": "Overloaded"}))
        assert answer[-1]["type"] == "error"
        assert answer[-1]["code"] == "turn_failed"
        assert answer[-1]["message"]
        assert (await client.ask(says("fine again")))[-1]["type"] == "complete"


async def test_a_lost_connection_stops_nothing_and_a_new_one_gets_the_rest(world: World) -> None:
    async with chatting(world) as client:
        await client.say(script(slow_answer(10, 3.0)))
        await client.next("token")
        lost, session = text_of(client.frames), client.session_id
    async with chatting(world, session_id=session) as client:
        answer = await client.answer()
        assert answer[-1]["type"] == "complete"
        assert "w9" in text_of(answer)
        assert "w0" not in text_of(answer)
        assert lost.startswith("w0")


async def test_resume_replays_what_was_missed_and_then_what_is_new(world: World) -> None:
    async with chatting(world) as client:
        await client.say(script(slow_answer(10, 3.0)))
        await client.next("token")
        seen, after, session = text_of(client.frames), client.last_seq, client.session_id
    async with chatting(world, session_id=session) as client:
        await client.send("resume", after_seq=after)
        answer = await client.answer()
        assert seen + text_of(answer) == " ".join(f"w{number}" for number in range(10))
        numbers = [frame["seq"] for frame in answer]
        assert numbers == sorted(set(numbers))
        assert numbers[0] > after
        assert "resumed" in kinds(answer)


async def test_resume_after_the_end_replays_the_end(world: World) -> None:
    async with chatting(world) as client:
        await client.say(says("gone before the end"))
        await client.next("token")
        after, session = client.frames[0]["seq"], client.session_id
        end = (await client.answer())[-1]
    async with chatting(world, session_id=session) as client:
        await client.send("resume", after_seq=after)
        answer = await client.answer()
        assert text_of(answer) == "gone before the end"
        assert answer[-1] == end
        assert (await client.receive())["type"] == "resumed"


async def test_without_resume_a_connection_gets_only_what_is_new(world: World) -> None:
    async with chatting(world) as client:
        await client.ask(says("before"))
        session = client.session_id
    async with chatting(world, session_id=session) as client:
        await client.silence()
        answer = await client.ask(says("after"))
        assert text_of(answer) == "after"
        assert all(frame["seq"] > client.frames[0]["seq"] for frame in answer)


@pytest.mark.parametrize("after", [0, 5, 2**53 - 1])
async def test_an_older_number_is_answered_by_the_history(world: World, after: int) -> None:
    async with chatting(world) as client:
        await client.ask(says("a fact"))
        await client.send("resume", after_seq=after)
        frame = await client.receive()
        assert frame["type"] == "history"
        assert [message["content"] for message in frame["messages"]][1] == "a fact"
        ends = ["complete"] if after == 5 else []  # who has seen something gets the ends that went out since
        assert kinds(await client.until("resumed")) == [*ends, "resumed"]


async def test_after_the_history_the_running_answer_comes_from_its_beginning(world: World) -> None:
    async with chatting(world) as client:
        await client.say(script(slow_answer(10, 3.0)))
        await client.next("token")
        session = client.session_id
        async with chatting(world, session_id=session) as other:
            await other.send("resume", after_seq=0)
            assert (await other.receive())["type"] == "history"
            assert text_of(await other.answer()) == " ".join(f"w{number}" for number in range(10))


async def test_several_connections_of_a_session_see_everything(world: World) -> None:
    async with chatting(world) as one, chatting(world, session_id=one.session_id) as two:
        assert two.session_id == one.session_id
        await one.next("presence")
        await one.say(says("for both"))
        written = await two.next("user_message")
        assert (written["by"], written["content"]) == ("alice", says("for both"))
        assert text_of(await one.answer()) == "for both"
        answer = await two.answer()
        assert text_of(answer) == "for both"
        assert answer[-1]["message_ids"] == [written["id"]]
        assert "user_message" not in kinds(one.frames)
        await two.send("interrupt")
        await two.next("interrupted")


async def test_presence_tells_who_views_and_who_writes(world: World) -> None:
    async with chatting(world) as one, chatting(world, session_id=one.session_id) as two:
        assert (await one.next("presence"))["users"] == [{"id": "alice", "state": "viewing"}]
        await two.send("typing")
        assert (await one.next("presence"))["users"] == [{"id": "alice", "state": "writing"}]
        await two.say(says("sent"))
        assert (await one.next("presence"))["users"] == [{"id": "alice", "state": "viewing"}]
        await two.answer()


async def test_the_history_holds_messages_and_answers_in_order(world: World) -> None:
    async with chatting(world) as client:
        await client.ask(says("first"))
        await client.ask("STATUS")
        await client.send("get_history")
        messages = (await client.receive())["messages"]
        assert [message["role"] for message in messages] == ["user", "assistant"] * 2
        assert messages[1]["content"] == "first"
        assert messages[1]["cost_usd"] > 0
        for message in messages:
            assert {"id", "role", "content", "timestamp"} <= set(message)
            assert message["timestamp"].endswith("Z")


async def test_a_message_that_is_sent_twice_is_answered_once(world: World) -> None:
    async with chatting(world) as client:
        first = await client.ask(says("once"), external_id="the same")
        again = await client.ask(says("once"), external_id="the same")
        assert kinds(again) == ["complete"]
        assert again[-1]["message_ids"] == first[-1]["message_ids"]
        await client.send("get_history")
        assert len((await client.receive())["messages"]) == 2


async def test_an_edited_message_is_asked_again_and_what_followed_is_gone(world: World) -> None:
    async with chatting(world) as client:
        first = await client.ask(says("wrong"))
        await client.ask(says("more"))
        async with chatting(world, session_id=client.session_id) as other:
            await client.send("edit", message_id=first[-1]["message_ids"][0], content=says("right"))
            assert text_of(await client.answer()) == "right"
            assert len((await other.next("history"))["messages"]) <= 2
        await client.send("get_history")
        messages = (await client.next("history"))["messages"]
        assert [message["content"] for message in messages][1:] == ["right"]
        answer = []
        await client.send("edit", message_id="nobody's", content="x")
        answer = await client.answer()
        assert answer[-1]["type"] == "error"


async def test_another_title_is_told_to_all(world: World) -> None:
    async with chatting(world) as client:
        await client.say(says("hello"))
        assert (await client.next("session_updated"))["title"]
        await client.answer()
        path = f"{world.http}/api/claude-chat/sessions/{client.session_id}"
        headers = {"Authorization": f"Bearer {await jwt_of(world)}"}
        assert (await world.client.patch(path, json={"title": "Rounds"}, headers=headers)).status_code == 200
        assert (await client.next("session_updated"))["title"] == "Rounds"


async def test_interrupt_and_new_message_at_every_point_of_a_turn(world: World) -> None:
    async with chatting(world) as client:
        for number in range(12):
            await client.say(script(slow_answer(12, 0.24)))
            while len([one for one in client.frames if one["type"] == "token"]) < number:
                if (await client.receive())["type"] in ENDS:
                    break
            await client.send("interrupt")
            await client.say(says(f"next {number}"))
            while answers_of(client.frames)[-1:] != [f"next {number}"]:
                await client.receive()
            client.frames[1:] = []
    # Each of the two messages of a round had one end of its own, and the second one's text was its own.


async def test_many_sessions_answer_at_once(world: World) -> None:
    async def one(number: int) -> str:
        async with chatting(world) as client:
            return text_of(await client.ask(says(f"answer {number}")))

    assert await asyncio.gather(*(one(number) for number in range(10))) == [f"answer {n}" for n in range(10)]
