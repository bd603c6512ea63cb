from __future__ import annotations

from collections.abc import Sequence

from supervisor.protocol.tools import ToolCall, ToolOutput, Tools
from supervisor.sessions.tool_sources import Together, ToolSources, no_tools
from tests.connectors.assistant.tools import FunctionTools, echo
from tests.supervisor.turn_records import turn


def called(name: str) -> ToolCall:
    return ToolCall(tool_use_id="t1", name=name, input={"text": name})


def test_without_a_source_that_has_tools_there_are_none() -> None:
    assert ToolSources().of_turn(turn()) is None
    assert ToolSources(no_tools, no_tools).of_turn(turn()) is None


def test_the_only_source_is_used_as_it_is() -> None:
    tools = FunctionTools(one=echo)
    assert ToolSources(no_tools, lambda turn: tools).of_turn(turn()) is tools


async def test_several_sources_are_one_and_each_call_goes_to_its_own() -> None:
    first, second = FunctionTools(one=echo, both=echo), FunctionTools(two=echo, both=echo)
    sources = ToolSources(lambda turn: first)
    sources.add(lambda turn: second)
    tools = sources.of_turn(turn())
    assert isinstance(tools, Tools)
    assert [spec.name for spec in tools.listed()] == ["one", "both", "two"]
    for name in ("one", "two", "both"):
        assert await tools.shown(called(name)) == called(name)
        assert await tools.call(called(name)) == ToolOutput(text=name)
    assert [call.name for call in first.calls] == ["one", "both"]
    assert [call.name for call in second.calls] == ["two"]


class Discreet(FunctionTools):
    """Knows one person, and has a server that is down."""

    person = "Ann"
    learned = False

    def missing(self) -> Sequence[str]:
        return [f"server of {self.person}"]

    def hidden(self, text: str) -> str:
        return text.replace(self.person, "entity-1") if self.learned else text

    async def learn(self) -> None:
        self.learned = True


class OfBob(Discreet):
    """The same for another person."""

    person = "Bob"


async def test_what_each_part_hides_is_hidden_and_what_each_misses_is_missing() -> None:
    tools = ToolSources(lambda turn: Discreet(one=echo), lambda turn: OfBob(two=echo)).of_turn(turn())
    assert tools is not None
    await tools.learn()
    assert tools.hidden("Ann and Bob") == "entity-1 and entity-1"
    assert tools.missing() == ["server of Ann", "server of Bob"]


def test_nothing_of_the_port_is_left_to_its_default() -> None:
    port = {name for name, value in vars(Tools).items() if callable(value) and not name.startswith("_")}
    assert port <= vars(Together).keys()


async def test_a_tool_that_is_gone_is_a_failure() -> None:
    tools = ToolSources(lambda turn: FunctionTools(one=echo), lambda turn: FunctionTools(two=echo)).of_turn(turn())
    assert tools is not None
    gone = ToolOutput(text="Tool execution failed: UnknownTool", failed=True)
    assert await tools.call(called("three")) == await tools.shown(called("three")) == gone
