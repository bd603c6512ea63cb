"""The assistant gives tasks to Claude Code: in its user's name, linked, interrupted with it, one level deep."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.assistant.config import AssistantConfig
from connectors.assistant.plugin import AssistantConnector
from supervisor import config
from supervisor.models.offline.model import OfflineModel
from supervisor.people.identity import Caller
from supervisor.protocol.events import AnyEvent, ConfirmationAnswered, ConfirmationAsked
from supervisor.protocol.messages import DELEGATED, MessageId, SessionId
from supervisor.protocol.status import TurnState
from supervisor.store.records.accounts import User
from supervisor.store.records.result import Result
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import result, scripted
from tests.waiting import until

CHAT_ID = SessionId("c1")


@dataclass(slots=True)
class Chat:
    """Alice's chat with the real assistant on the offline model; Claude Code is scripted.

    Attributes:
        heard: what the chat was shown.
    """

    core: Core
    model: OfflineModel
    user: User
    heard: list[AnyEvent]

    async def say(self, text: str) -> MessageId:
        """Write a message."""
        return (await self.core.api.chat.submit(self.user, CHAT_ID, text)).message_id

    async def delegate(self, task: str, project: str = "site") -> MessageId:
        """Write a message that makes the model give Claude Code a task, and sum up what it answered."""
        return await self.say(f"call claude_code {json.dumps({'project': project, 'task': task})}")

    async def asked(self, number: int = 1) -> ConfirmationAsked:
        """Wait for a question."""
        await until(lambda: len(self.questions) >= number, f"question {number}")
        return self.questions[number - 1]

    @property
    def questions(self) -> list[ConfirmationAsked]:
        return [event for event in self.heard if isinstance(event, ConfirmationAsked)]

    async def answer(self, question: ConfirmationAsked, *, allow: bool) -> None:
        """Answer a question as alice does in the chat."""
        caller = Caller(name=self.user.id, user_id=self.user.id)
        await self.core.api.approvals.resolve(caller, question.approval_id, allow=allow, channel="chat")

    async def end(self, message_id: MessageId) -> Result:
        """Wait for the end of a message."""
        return (await self.core.api.chat.wait(message_id)).result

    async def task(self, words: str) -> Result:
        """Wait until Claude Code has got a task with these words, and return how it stands."""
        await until(lambda: any(words in prompt.text for prompt in scripted(self.core).given), "the task has begun")
        given = next(prompt for prompt in scripted(self.core).given if words in prompt.text)
        return await result(self.core, given.message_id)


@asynccontextmanager
async def chat_in(folder: Path, **settings: Any) -> AsyncIterator[Chat]:
    assistant = AssistantConnector(AssistantConfig(), max_retries=0)
    async with (
        OfflineModel() as model,
        Core(folder, connector=ScriptedConnector(), assistant=assistant, upstream=model.url, **settings) as core,
    ):
        user = core.directory.user("alice")
        await core.api.chat.open(user, CHAT_ID)
        chat = Chat(core, model, user, [])
        core.hub.subscribe(f"chat:{CHAT_ID}", chat.heard.append)
        yield chat


async def test_a_task_is_asked_about_runs_in_the_users_name_and_its_answer_goes_back(tmp_path: Path) -> None:
    async with chat_in(tmp_path) as chat:
        message_id = await chat.delegate("the answer is forty-two")
        question = await chat.asked()
        assert (question.tool, question.input) == (
            "claude_code",
            {"project": "site", "task": "the answer is forty-two"},
        )
        assert scripted(chat.core).given == []
        await chat.answer(question, allow=True)
        ended = await chat.end(message_id)
        assert "the answer is forty-two" in ended.answer
        task = await chat.task("forty-two")
        assert (task.turn.user_id, task.turn.project, task.turn.channel) == ("alice", "site", DELEGATED)
        (call,) = (await chat.core.store.tool_calls.of_turns([ended.turn.id]))[ended.turn.id]
        assert call.artifact is not None
        assert call.artifact["session_id"] == task.turn.session_id, "it is linked"
        assert call.artifact["message_id"] == task.turn.message_id


async def test_a_no_gives_no_task(tmp_path: Path) -> None:
    async with chat_in(tmp_path) as chat:
        message_id = await chat.delegate("do it")
        await chat.answer(await chat.asked(), allow=False)
        assert "the person said no" in (await chat.end(message_id)).answer
        assert scripted(chat.core).given == []


async def test_the_task_is_no_message_of_the_chat(tmp_path: Path) -> None:
    async with chat_in(tmp_path) as chat:
        message_id = await chat.delegate("do it")
        await chat.answer(await chat.asked(), allow=True)
        await chat.end(message_id)
        history = await chat.core.api.chat.history(chat.user, CHAT_ID)
        assert [message.message_id for message in history] == [message_id, message_id]
        task = await chat.task("do it")
        shown = {getattr(event, "message_id", None) for event in chat.heard}
        assert task.turn.message_id not in shown


async def test_what_the_task_asks_is_asked_in_the_chat_and_the_model_cannot_answer(tmp_path: Path) -> None:
    async with chat_in(tmp_path) as chat:
        message_id = await chat.delegate("deny git push")
        await chat.answer(await chat.asked(), allow=True)
        question = await chat.asked(2)
        assert question.tool == "Bash"
        await chat.answer(question, allow=False)
        assert "allowed: False" in (await chat.end(message_id)).answer
        assert [event.by for event in chat.heard if isinstance(event, ConfirmationAnswered)] == ["alice", "alice"]


async def test_its_cost_is_shown_with_the_message_that_gave_it(tmp_path: Path) -> None:
    async with chat_in(tmp_path) as chat:
        message_id = await chat.delegate("pay 5000003 now")
        await chat.answer(await chat.asked(), allow=True)
        ended = await chat.end(message_id)
        task = await chat.task("pay")
        stored = await result(chat.core, message_id)
        assert task.cost_nanos == 5000003
        assert stored.cost_nanos == ended.cost_nanos > task.cost_nanos
        assert stored.tokens == ended.tokens
        assert await chat.core.store.check() == [], "no sum counts it twice"


async def test_the_limit_of_a_message_covers_its_tasks(tmp_path: Path) -> None:
    limits = config.BudgetConfig(message_usd=0.004)
    async with chat_in(tmp_path, budgets=limits) as chat:
        message_id = await chat.delegate("pay 5000000 now")
        await chat.answer(await chat.asked(), allow=True)
        ended = await chat.end(message_id)
        assert ended.turn.state is TurnState.FAILED
        assert ended.why.startswith("Budget exceeded: message")


async def test_an_interrupt_of_the_chat_interrupts_a_running_task(tmp_path: Path) -> None:
    async with chat_in(tmp_path) as chat:
        message_id = await chat.delegate("hold on")
        await chat.answer(await chat.asked(), allow=True)
        await until(lambda: scripted(chat.core).held(), "the task runs")
        await chat.core.api.chat.interrupt(chat.user, CHAT_ID)
        assert (await chat.end(message_id)).turn.state is TurnState.CANCELLED
        task = await chat.task("hold on")

        async def cancelled() -> bool:
            return (await result(chat.core, task.turn.message_id)).turn.state is TurnState.CANCELLED

        await until(cancelled, "the task is interrupted")


async def test_an_interrupt_of_the_chat_takes_a_waiting_task_out_of_the_queue(tmp_path: Path) -> None:
    async with chat_in(tmp_path) as chat:
        await chat.say("@site hold on")
        await until(lambda: scripted(chat.core).held(), "another turn runs in the project")
        message_id = await chat.delegate("never begins")
        await chat.answer(await chat.asked(), allow=True)

        async def queued() -> bool:
            return bool(await chat.core.store.turns.waiting(lane=None, user_id=None, limit=9))

        await until(queued, "the task waits")
        assert await chat.core.turns.interrupt(CHAT_ID) is not None
        assert (await chat.end(message_id)).turn.state is TurnState.CANCELLED

        async def gone() -> bool:
            return not await queued()

        await until(gone, "the task is taken out")
        scripted(chat.core).release()
        assert not any("never begins" in prompt.text for prompt in scripted(chat.core).given)


async def test_an_input_that_is_wrong_is_told_to_the_model_and_nobody_is_asked(tmp_path: Path) -> None:
    async with chat_in(tmp_path) as chat:
        ended = await chat.end(await chat.delegate("do it", project="vault"))
        assert "project: must be one of site" in ended.answer
        ended = await chat.end(await chat.delegate(" "))
        assert "task: must be a text of 1 to 20000 characters" in ended.answer
        assert chat.questions == []


async def test_a_user_without_a_project_and_a_message_outside_of_a_chat_get_no_such_tool(tmp_path: Path) -> None:
    async with chat_in(tmp_path) as chat:
        await chat.core.accounts.put_user("carol", name="Carol", role="COORDINATOR")
        carol = chat.core.directory.user("carol")
        chats = chat.core.api.chat
        await chats.open(carol, SessionId("c2"))
        await chats.wait((await chats.submit(carol, SessionId("c2"), "hello")).message_id)
        assert chat.model.requests[-1].tools == frozenset()
        await chat.end(await chat.say("hello"))
        assert chat.model.requests[-1].tools == {"claude_code"}
