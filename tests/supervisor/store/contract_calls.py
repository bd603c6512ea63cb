"""The contract of the assistant's tool calls: kept whole with their turn, while it runs under this epoch."""

from __future__ import annotations

from supervisor.protocol.conversation import ToolFinished, ToolStarted
from supervisor.store.messages.tool_calls import MAX_INPUT
from supervisor.store.port import Store
from tests.supervisor.store.builders import NOW, outcome, question, running
from tests.supervisor.store.contract_base import ContractBase, Opener

STARTED = ToolStarted(tool_use_id="t1", name="find", input={"a": ["ä", 1]}, reads=True)
FINISHED = ToolFinished(
    tool_use_id="t1",
    failed=False,
    result="Ada",
    for_model="entity-1",
    structured={"rows": [1]},
    title="People",
    kind="report",
)


class CallsContract(ContractBase):
    """Tool calls of the assistant."""

    async def test_calls_are_kept_in_order_with_their_results(self, store: Store) -> None:
        turn = await running(store, question())
        await store.tool_calls.started(turn.id, STARTED, now_ms=NOW)
        await store.tool_calls.finished(turn.id, FINISHED, now_ms=NOW + 5)
        second = ToolStarted(tool_use_id="t2", name="write", input={})
        await store.tool_calls.started(turn.id, second, now_ms=NOW + 6)
        found = await store.tool_calls.of_turns([turn.id, turn.id + 1])
        assert list(found) == [turn.id]
        first, open_one = found[turn.id]
        assert (first.tool_use_id, first.name, first.input, first.reads) == ("t1", "find", {"a": ["ä", 1]}, True)
        assert (first.result, first.for_model, first.failed) == ("Ada", "entity-1", False)
        assert (first.artifact, first.title, first.kind) == ({"rows": [1]}, "People", "report")
        assert (first.started_ms, first.ended_ms) == (NOW, NOW + 5)
        assert (open_one.tool_use_id, open_one.reads, open_one.ended_ms) == ("t2", False, None)

    async def test_artifacts_are_left_out_where_nobody_wants_them(self, store: Store) -> None:
        turn = await running(store, question())
        await store.tool_calls.started(turn.id, STARTED, now_ms=NOW)
        await store.tool_calls.finished(turn.id, FINISHED, now_ms=NOW)
        (call,) = (await store.tool_calls.of_turns([turn.id], artifacts=False))[turn.id]
        assert call.artifact is None

    async def test_an_input_that_is_too_long_is_not_kept(self, store: Store) -> None:
        turn = await running(store, question())
        long = ToolStarted(tool_use_id="t1", name="find", input={"text": "x" * MAX_INPUT})
        await store.tool_calls.started(turn.id, long, now_ms=NOW)
        (call,) = (await store.tool_calls.of_turns([turn.id]))[turn.id]
        assert call.input == {}

    async def test_a_turn_that_has_ended_or_is_of_another_epoch_takes_none(self, store: Store, opener: Opener) -> None:
        turn = await running(store, question())
        await store.turns.finish(turn.id, outcome())
        await store.tool_calls.started(turn.id, STARTED, now_ms=NOW)
        assert await store.tool_calls.of_turns([turn.id]) == {}
        other = await running(store, question(text="again"))
        await store.close()
        later = await opener()
        try:
            await later.tool_calls.started(other.id, STARTED, now_ms=NOW)
            assert await later.tool_calls.of_turns([other.id]) == {}
        finally:
            await later.close()

    async def test_a_turn_that_runs_again_begins_without_calls(self, store: Store) -> None:
        turn = await running(store, question())
        await store.tool_calls.started(turn.id, STARTED, now_ms=NOW)
        await store.turns.requeue(turn.id, now_ms=NOW)
        assert await store.tool_calls.of_turns([turn.id]) == {}
