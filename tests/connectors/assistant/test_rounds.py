"""The rounds of the assistant with tools: the real client against the offline model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.assistant.config import AssistantConfig
from connectors.assistant.plugin import AssistantConnector
from supervisor.models.offline.model import OfflineModel
from supervisor.protocol.conversation import (
    Decide,
    Exchange,
    Failed,
    Finished,
    Joining,
    ModelEndpoint,
    PastCall,
    Prompt,
    TextDelta,
    ToolBegun,
    ToolFinished,
    ToolStarted,
    UsageReported,
    Verdict,
)
from supervisor.protocol.ports.connector import Conversation
from supervisor.protocol.tools import ToolCall, Tools
from tests.connectors.assistant.tools import FunctionTools, echo
from tests.connectors.contract import Listener, allow_everything, new_prompt, opened, session_spec
from tests.slowness import scaled
from tests.waiting import until


@pytest.fixture
async def model() -> AsyncIterator[OfflineModel]:
    async with OfflineModel() as model:
        yield model


def script(*steps: Mapping[str, Any]) -> str:
    return "@@" + json.dumps({"steps": steps})


def use(name: str, *, id: str = "", **given: Any) -> dict[str, Any]:
    return {"name": name, "input": given, **({"id": id} if id else {})}


def talk(
    folder: Path,
    model: OfflineModel,
    tools: Tools | None,
    *,
    decide: Decide = allow_everything,
    history: tuple[Exchange, ...] = (),
    turn_timeout: float = scaled(60.0),
    joining: Joining | None = None,
    **config: Any,
) -> AbstractAsyncContextManager[tuple[Conversation, Listener]]:
    spec = session_spec(folder, endpoint=ModelEndpoint(base_url=model.url, token="t"), turn_timeout=turn_timeout)
    connector = AssistantConnector(AssistantConfig(**config), max_retries=0)
    return opened(connector, replace(spec, tools=tools, decide=decide, joining=joining), history)


async def finished(conversation: Conversation, listener: Listener, text: str) -> Finished:
    await conversation.prompt(new_prompt(text))
    outcome = await listener.outcome()
    assert isinstance(outcome, Finished), outcome
    return outcome


def shown(listener: Listener) -> list[str]:
    return [type(event).__name__ for event in listener.events if not isinstance(event, TextDelta | UsageReported)]


async def test_a_call_is_announced_started_made_and_its_result_goes_back(model: OfflineModel, tmp_path: Path) -> None:
    tools = FunctionTools(echo=echo)
    async with talk(tmp_path, model, tools) as (conversation, listener):
        outcome = await finished(conversation, listener, 'call echo {"text": "the sky is blue"}')
    assert "the sky is blue" in outcome.text, "the model got the result"
    assert listener.streamed == outcome.text
    begun, started, ended = (
        event for event in listener.events if isinstance(event, ToolBegun | ToolStarted | ToolFinished)
    )
    assert isinstance(begun, ToolBegun)
    assert started == ToolStarted(
        tool_use_id=begun.tool_use_id, name="echo", input={"text": "the sky is blue"}, reads=True
    )
    assert ended == ToolFinished(tool_use_id=begun.tool_use_id, failed=False, result="the sky is blue")
    assert len([event for event in listener.events if isinstance(event, UsageReported)]) == 2


async def test_the_calls_of_one_answer_are_made_in_order(model: OfflineModel, tmp_path: Path) -> None:
    tools = FunctionTools(echo=echo)
    calls = [use("echo", text=text) for text in ("one", "two", "three")]
    prompt = script({"text": "Let me look.", "tools": calls}, {"text": "Three."})
    async with talk(tmp_path, model, tools) as (conversation, listener):
        outcome = await finished(conversation, listener, prompt)
    assert [call.input["text"] for call in tools.calls] == ["one", "two", "three"]
    assert shown(listener)[3:9] == ["ToolStarted", "ToolFinished"] * 3
    assert outcome.text == listener.streamed == "Let me look.\n\nThree."


async def test_prompts_that_came_meanwhile_are_read_with_the_results_of_the_tools(
    model: OfflineModel, tmp_path: Path
) -> None:
    tools = FunctionTools(echo=echo)
    waiting = [new_prompt("only May"), new_prompt("and June")]

    async def joining() -> Sequence[Prompt]:
        taken, waiting[:] = list(waiting), []
        return taken

    prompt = script({"tools": [use("echo", text="one")]}, {"tools": [use("echo", text="two")]}, {"text": "Done."})
    async with talk(tmp_path, model, tools, joining=joining) as (conversation, listener):
        outcome = await finished(conversation, listener, prompt)
    assert 'You wrote: "and June"' in outcome.text, "the model that stands in reads the last of them"
    assert [type(event) for event in listener.events if isinstance(event, Finished | Failed)] == [Finished]
    assert [text for role, text in model.requests[-1].turns if role == "user"][1:] == ["only May\nand June"]


async def test_without_tools_the_model_is_told_of_none_and_nothing_is_cached(
    model: OfflineModel, tmp_path: Path
) -> None:
    async with talk(tmp_path, model, FunctionTools()) as (conversation, listener):
        await finished(conversation, listener, "hello")
    assert model.requests[0].tools == frozenset()
    assert not model.requests[0].cached


async def test_each_round_with_tools_is_cached_for_the_next(model: OfflineModel, tmp_path: Path) -> None:
    async with talk(tmp_path, model, FunctionTools(echo=echo)) as (conversation, listener):
        await finished(conversation, listener, 'call echo {"text": "x"}')
    assert [request.cached for request in model.requests] == [True, True]


@pytest.mark.parametrize("calls", [1, 3])
async def test_a_model_that_never_ends_its_turn_is_stopped(calls: int, model: OfflineModel, tmp_path: Path) -> None:
    tools = FunctionTools(echo=echo)
    step = {"tools": [use("echo", text="again")] * calls}
    async with talk(tmp_path, model, tools, max_rounds=3) as (conversation, listener):
        outcome = await finished(conversation, listener, script(*[step] * 9))
    assert outcome.stop_reason == "max_rounds"
    assert outcome.text == "[Stopped here: the model went on calling tools after 3 rounds.]"
    assert len(tools.calls) == 2 * calls
    assert [request.tool_choice for request in model.requests] == ["", "", "none"], "it is told to sum up"


@pytest.mark.parametrize(
    ("stop_reason", "note"),
    [
        ("max_tokens", "[The answer was cut off here: it reached the length limit.]"),
        ("model_context_window_exceeded", "[The answer was cut off here: it reached the length limit.]"),
        ("refusal", "[The model declined to answer this.]"),
    ],
)
@pytest.mark.parametrize("written", ["", '{"text": "hal'])
async def test_the_calls_of_an_answer_that_was_cut_do_not_run(
    stop_reason: str, note: str, written: str, model: OfflineModel, tmp_path: Path
) -> None:
    tools = FunctionTools(echo=echo)
    call = {**use("echo", text="half"), "written": written}
    async with talk(tmp_path, model, tools) as (conversation, listener):
        outcome = await finished(conversation, listener, script({"tools": [call], "stop_reason": stop_reason}))
    assert outcome.text == note
    assert tools.calls == []
    assert shown(listener) == ["ToolBegun", "Finished", "Exited"]


async def test_an_end_without_words_after_a_call_says_so(model: OfflineModel, tmp_path: Path) -> None:
    async with talk(tmp_path, model, FunctionTools(echo=echo)) as (conversation, listener):
        outcome = await finished(conversation, listener, script({"tools": [use("echo", text="x")]}, {"text": ""}))
    assert outcome.text == "[The model ended its turn without a word. 1 tool call was made.]"


async def test_a_spent_budget_between_two_rounds_is_a_sentence(model: OfflineModel, tmp_path: Path) -> None:
    prompt = script({"text": "Looking.", "tools": [use("echo", text="x")]}, {"text": "never", "errors": [402] * 9})
    async with talk(tmp_path, model, FunctionTools(echo=echo)) as (conversation, listener):
        await conversation.prompt(new_prompt(prompt))
        outcome = await listener.outcome()
    assert isinstance(outcome, Failed)
    assert outcome.why == "scripted error 402"
    assert outcome.partial == "Looking."


async def test_a_round_that_breaks_off_keeps_what_was_written_before(model: OfflineModel, tmp_path: Path) -> None:
    prompt = script({"text": "Looking.", "tools": [use("echo", text="x")]}, {"text": "one two three", "drop_after": 1})
    async with talk(tmp_path, model, FunctionTools(echo=echo)) as (conversation, listener):
        await conversation.prompt(new_prompt(prompt))
        outcome = await listener.outcome()
    assert isinstance(outcome, Failed)
    assert outcome.partial == "Looking.\n\none"


async def test_the_time_of_people_and_tools_is_not_the_models(
    model: OfflineModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    clock = loop.time

    async def take_long(call: ToolCall) -> Verdict:
        monkeypatch.setattr(loop, "time", lambda: clock() + 1_000_000.0)  # every timer that runs is over now
        await asyncio.sleep(0)
        return Verdict(allowed=True)

    async with talk(tmp_path, model, FunctionTools(echo=echo), decide=take_long) as (conversation, listener):
        outcome = await finished(conversation, listener, 'call echo {"text": "in time"}')
    assert "in time" in outcome.text


class TestInterrupt:
    """An interrupt at every point of a turn with tools."""

    async def interrupted(self, conversation: Conversation, listener: Listener) -> Failed:
        await conversation.interrupt()
        outcome = await listener.outcome()
        assert isinstance(outcome, Failed)
        assert outcome.interrupted
        return outcome

    async def test_while_the_model_writes_a_call(self, model: OfflineModel, tmp_path: Path) -> None:
        tools = FunctionTools(echo=echo)
        prompt = script({"text": "So.", "tools": [use("echo", text="x" * 200)], "token_delay": 60.0})
        async with talk(tmp_path, model, tools) as (conversation, listener):
            await conversation.prompt(new_prompt(prompt))
            await until(lambda: "ToolBegun" in shown(listener) or listener.streamed, "the answer begins")
            outcome = await self.interrupted(conversation, listener)
        assert outcome.partial == "So."
        assert tools.calls == []

    async def test_while_a_person_is_asked(self, model: OfflineModel, tmp_path: Path) -> None:
        asked, left = asyncio.Event(), asyncio.Event()

        async def never(call: ToolCall) -> Verdict:
            asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                left.set()
            raise AssertionError("nobody sets it")

        tools = FunctionTools(echo=echo)
        async with talk(tmp_path, model, tools, decide=never) as (conversation, listener):
            await conversation.prompt(new_prompt('call echo {"text": "x"}'))
            await asyncio.wait_for(asked.wait(), scaled(10))
            await self.interrupted(conversation, listener)
        assert left.is_set(), "the question is withdrawn"
        assert tools.calls == []
        assert shown(listener) == ["ToolBegun", "ToolStarted", "ToolFinished", "Failed", "Exited"]

    async def test_during_a_call_which_is_cancelled(self, model: OfflineModel, tmp_path: Path) -> None:
        began, left = asyncio.Event(), asyncio.Event()

        async def hang(given: Mapping[str, Any]) -> str:
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                left.set()
            return ""

        async with talk(tmp_path, model, FunctionTools(hang=hang)) as (conversation, listener):
            await conversation.prompt(new_prompt("call hang {}"))
            await asyncio.wait_for(began.wait(), scaled(10))
            await self.interrupted(conversation, listener)
        assert left.is_set()
        (ended,) = [event for event in listener.events if isinstance(event, ToolFinished)]
        assert (ended.failed, ended.result) == (True, "The call was stopped before it had a result.")

    async def test_during_a_call_that_does_not_let_itself_be_cancelled(
        self, model: OfflineModel, tmp_path: Path
    ) -> None:
        began, release = asyncio.Event(), asyncio.Event()

        async def stubborn(given: Mapping[str, Any]) -> str:
            began.set()
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue
            return "late"

        async with talk(tmp_path, model, FunctionTools(stubborn=stubborn)) as (conversation, listener):
            await conversation.prompt(new_prompt("call stubborn {}"))
            await asyncio.wait_for(began.wait(), scaled(10))
            await self.interrupted(conversation, listener)
            release.set()
            await conversation.prompt(new_prompt("hello"))
            assert isinstance(await listener.outcome(2), Finished), "the conversation goes on"

    async def test_while_the_model_answers_after_a_call(self, model: OfflineModel, tmp_path: Path) -> None:
        tools = FunctionTools(echo=echo)
        prompt = script({"tools": [use("echo", text="x")]}, {"text": "one two", "token_delay": 60.0})
        async with talk(tmp_path, model, tools) as (conversation, listener):
            await conversation.prompt(new_prompt(prompt))
            await until(lambda: listener.streamed, "the answer begins")
            outcome = await self.interrupted(conversation, listener)
        assert outcome.partial.startswith("one")
        assert len(tools.calls) == 1


class TestHistory:
    """What a later turn knows of the calls of an earlier one."""

    async def test_the_calls_of_the_turn_before_are_sent_along(self, model: OfflineModel, tmp_path: Path) -> None:
        async with talk(tmp_path, model, FunctionTools(echo=echo)) as (conversation, listener):
            await finished(conversation, listener, 'call echo {"text": "42 violations"}')
            await conversation.prompt(new_prompt(script({"text": "ok"})))
            await listener.outcome(2)
        roles = [role for role, _ in model.requests[-1].turns]
        assert roles == ["user", "assistant", "user", "assistant", "user"]

    async def test_calls_of_the_store_are_sent_along_where_there_are_tools(
        self, model: OfflineModel, tmp_path: Path
    ) -> None:
        past = PastCall(tool_use_id="toolu_1", name="echo", input={"text": "x"}, result="y")
        history = (Exchange(prompt="p", answer="a", calls=[past]),)
        for tools, messages in ((FunctionTools(echo=echo), 5), (None, 3)):
            async with talk(tmp_path, model, tools, history=history) as (conversation, listener):
                await finished(conversation, listener, "hello")
            assert len(model.requests[-1].turns) == messages


async def test_an_answer_names_the_servers_that_do_not_work(model: OfflineModel, tmp_path: Path) -> None:
    tools = FunctionTools(echo=echo, lacking=["residency", "wards"])
    async with talk(tmp_path, model, tools) as (conversation, listener):
        outcome = await finished(
            conversation, listener, script({"tools": [use("echo", text="one")]}, {"text": "Done."})
        )
    assert outcome.text == listener.streamed == "Done.\n\n[The tools of residency and wards do not work now.]"
