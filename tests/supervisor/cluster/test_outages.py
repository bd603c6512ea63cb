"""An outage of the database: the calls of an agent wait for it, and end as what they are when it lasts too long."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import anthropic
import pytest

from connectors.claude_code.decisions import AWAY, Decisions
from connectors.claude_code.protocol.frames import ControlRequest
from supervisor.cluster import outages
from supervisor.cluster.outages import wait_out
from supervisor.config import BudgetConfig
from supervisor.protocol.conversation import ToolCall, ToolFinished, ToolStarted, Verdict
from supervisor.protocol.errors import BudgetExceeded, StorageError
from supervisor.protocol.messages import SessionId
from supervisor.protocol.status import TurnState
from supervisor.protocol.times import now_ms
from supervisor.sessions.live import LiveSession
from supervisor.spending import meter
from supervisor.store.ports.cluster.nodes import Fenced, NewNode
from supervisor.turns.running.turn import RunningTurn
from tests.fakes import ScriptedConnector
from tests.postgres_server import PostgresServer, started_server
from tests.supervisor.approvals.questions import answer_of, asking, open_one, say
from tests.supervisor.harness import Core
from tests.supervisor.helpers import full_disk, result, scripted, state, text_message
from tests.supervisor.models.gateway.calls import asking as model_call
from tests.waiting import until

WAITS = "waits for the database"
BACK = "the database answers again"


class Refusing:
    """Refuses to work some times, then returns what it was called for.

    Attributes:
        left: how often it still refuses; it raises `error` then.
    """

    def __init__(self, left: int, error: StorageError | None = None) -> None:
        self.left = left
        self.error = error or StorageError("PostgreSQL does not answer")
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise self.error
        return "done"


async def test_what_is_refused_is_done_again_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    work = Refusing(3)
    assert await wait_out(work, "m1") == "done"
    assert work.calls == 4
    told = [record.getMessage() for record in caplog.records]
    assert told == [f"m1: {WAITS}: Storage failed: PostgreSQL does not answer", f"m1: {BACK}"]


async def test_after_its_time_the_last_refusal_is_raised() -> None:
    work = Refusing(10**6)
    with pytest.raises(StorageError, match="does not answer"):
        await wait_out(work, "m1", seconds=0.25)
    assert work.calls > 1


@pytest.mark.parametrize("error", [Fenced(), StorageError("the store is closed", lasts=True)])
async def test_what_no_later_attempt_can_mend_is_raised_at_once(error: StorageError) -> None:
    work = Refusing(1, error)
    with pytest.raises(StorageError):
        await wait_out(work, "m1")
    assert work.calls == 1


async def test_its_time_begins_with_the_first_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    async def long() -> str:
        nonlocal now
        now += 3600.0  # as a call does that waits until others have ended
        if now == 3600.0:
            raise StorageError("PostgreSQL does not answer")
        return "done"

    monkeypatch.setattr(outages, "time", SimpleNamespace(monotonic=lambda: now))
    assert await wait_out(long, "m1", seconds=60.0) == "done"


async def test_what_is_given_up_is_not_waited_for() -> None:
    work = Refusing(10**6)
    with pytest.raises(StorageError, match="does not answer"):
        await wait_out(work, "m1", given_up=lambda: work.calls == 2)
    assert work.calls == 2


async def test_other_errors_are_no_outage() -> None:
    async def broken() -> None:
        raise AssertionError("a bug")

    with pytest.raises(AssertionError, match="a bug"):
        await wait_out(broken, "m1")


async def test_nothing_waits_for_a_full_disk_of_sqlite(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        live = await live_session(core)
        call = ToolCall(tool_use_id="t1", name="Bash", input={"command": f"git push {'x' * 200_000}"})
        async with full_disk(core):
            with pytest.raises(StorageError, match="full"):
                await live.decisions.decide(call)
        assert WAITS not in caplog.text


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of its own, which a test may stop, or a skipped test and the reason."""
    with started_server() as server:
        yield server


def core_on(server: PostgresServer, folder: Path) -> Core:
    """Return a core with limits on spending, on an empty database, whose lease lasts longer than the test."""
    url = server.create(f"outage_{os.urandom(4).hex()}")
    node = NewNode(name="a", seat="a", lease_seconds=3600.0)
    budgets = BudgetConfig(user_daily_usd=100.0)
    return Core(folder, url=url, node=node, connector=ScriptedConnector(), budgets=budgets)


@contextmanager
def away(server: PostgresServer) -> Iterator[None]:
    """Stop the server for a `with` block."""
    server.control("stop", "-m", "immediate")
    try:
        yield
    finally:
        server.control("start")


async def through_an_outage(
    server: PostgresServer, caplog: pytest.LogCaptureFixture, begin: Callable[[], Awaitable[object]]
) -> asyncio.Future[object]:
    """Begin something while the server is away; return it once it waits and the server is back."""
    with away(server):
        begun = asyncio.ensure_future(begin())
        await until(lambda: WAITS in caplog.text, "it waits", 30)
        assert not begun.done()
    return begun


async def live_session(core: Core) -> LiveSession:
    """Return a session that runs a turn, which holds."""
    receipt = await core.intake.accept(text_message("claude: hold the door"))
    assert receipt.message_id is not None
    await until(scripted(core).held, "its turn runs")
    found = await result(core, receipt.message_id)
    live = core.sessions.live(SessionId(str(found.turn.session_id)))
    assert live is not None
    return live


@pytest.mark.postgres
async def test_a_tool_call_waits_for_the_server_and_runs(
    tmp_path: Path, server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with core_on(server, tmp_path) as core:
        live = await live_session(core)
        call = ToolCall(tool_use_id="t1", name="Write", input={"file_path": "notes"})
        decided = await through_an_outage(server, caplog, lambda: live.decisions.decide(call))
        assert await decided == Verdict(allowed=True)
        running = core.turns.running(str(live.id))
        assert isinstance(running, RunningTurn)
        assert list((await core.completion.tools_of(running.turn)).values()) == ["Write notes"]


@pytest.mark.postgres
async def test_tool_events_of_an_outage_are_stored_with_the_end_of_their_turn(
    tmp_path: Path, server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with core_on(server, tmp_path) as core:
        live = await live_session(core)
        running = core.turns.running(str(live.id))
        assert running is not None
        with away(server):
            conversation = scripted(core).of(str(live.id))
            for number in range(3):
                conversation.put(ToolStarted(tool_use_id=f"t{number}", name="Read", input={}))
                conversation.put(ToolFinished(tool_use_id=f"t{number}", failed=False, result=""))
            await until(lambda: "its tool events wait for the database" in caplog.text, "they wait", 30)
            conversation.release()
            await until(lambda: "the outcome cannot be stored yet" in caplog.text, "so does the outcome", 30)
        await until(core.all_answered, "it has ended", 30)
        events = [(kind, payload["id"]) for kind, payload in await core.store.turns.events(running.turn.id)]
        assert events == [(kind, f"t{number}") for number in range(3) for kind in ("tool_started", "tool_finished")]


@pytest.mark.postgres
async def test_a_question_waits_for_the_server_and_is_asked_once(
    tmp_path: Path, server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with core_on(server, tmp_path) as core:
        live = await live_session(core)
        call = ToolCall(tool_use_id="t1", name="Bash", input={"command": "git push"})
        decided = await through_an_outage(server, caplog, lambda: live.decisions.decide(call))
        await until(lambda: open_one(core), "it is asked")
        (approval,) = await core.store.approvals.open_now(now_ms=now_ms())
        assert await say(core, f"YES {approval.code}") == "Allowed once: Bash git push"
        assert await decided == Verdict(allowed=True)


@pytest.mark.postgres
async def test_a_call_of_the_model_waits_for_the_server_and_is_metered(
    tmp_path: Path, server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with core_on(server, tmp_path) as core:
        live = await live_session(core)
        admitted = await through_an_outage(server, caplog, lambda: live.meter.admit("claude-x", 10, most_nanos=1))
        assert await admitted is None, "no limit refuses it"


@pytest.mark.postgres
async def test_after_its_time_a_call_of_the_model_is_one_to_be_made_again_and_never_refused_by_a_limit(
    tmp_path: Path, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter, "OUTAGE_SECONDS", 0.2)
    async with core_on(server, tmp_path) as core:
        live = await live_session(core)
        endpoint = live.endpoint or core.gateway.issue(str(live.id), live.meter)
        refused: list[BudgetExceeded] = []
        live.meter.on_refusal = refused.append
        client = anthropic.AsyncAnthropic(api_key=endpoint.token, base_url=endpoint.base_url, max_retries=0)
        with (
            away(server),
            pytest.raises(anthropic.InternalServerError, match="does not answer") as told,
        ):
            await client.messages.create(**model_call())
        await client.close()
        assert told.value.status_code == 503
        assert told.value.response.headers.get("x-should-retry") != "false"
        assert refused == []


@pytest.mark.postgres
async def test_after_its_time_a_tool_call_is_denied_as_one_to_be_made_again(
    tmp_path: Path, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outages, "PATIENCE_SECONDS", 0.2)
    async with core_on(server, tmp_path) as core:
        live = await live_session(core)
        body = {"subtype": "can_use_tool", "tool_use_id": "t1", "tool_name": "Write", "input": {"file_path": "notes"}}
        request = ControlRequest(request_id="r1", subtype="can_use_tool", body=body)
        with away(server):
            assert await Decisions(live.decisions.decide).answer(request) == {"behavior": "deny", "message": AWAY}


@pytest.mark.postgres
async def test_a_turn_that_has_started_is_not_failed_because_nothing_can_be_reserved(
    tmp_path: Path, server: PostgresServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with core_on(server, tmp_path) as core:
        reserve, stopped = core.spending.reserve, asyncio.Event()

        async def reserving(turn: object) -> object:
            if not stopped.is_set():  # between T2 and the reservation
                stopped.set()
                await asyncio.to_thread(server.control, "stop", "-m", "immediate")
            return await reserve(turn)  # type: ignore[arg-type]

        monkeypatch.setattr(core.spending, "reserve", reserving)
        receipt = await core.intake.accept(text_message("claude: hello"))
        await until(lambda: WAITS in caplog.text, "it waits", 30)
        server.control("start")

        async def completed() -> bool:
            return await state(core, receipt) is TurnState.COMPLETED

        await until(completed, "it is answered", 30)


@pytest.mark.postgres
async def test_a_yes_that_comes_before_an_outage_is_kept_for_its_call(
    tmp_path: Path, server: PostgresServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with core_on(server, tmp_path) as core:
        message, approval = await asking(core)
        consume, stopped = core.store.approvals.consume, asyncio.Event()

        async def consuming(*args: object, **more: object) -> bool:
            if not stopped.is_set():  # between the yes and the call
                stopped.set()
                await asyncio.to_thread(server.control, "stop", "-m", "immediate")
            return await consume(*args, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(core.store.approvals, "consume", consuming)
        assert await say(core, f"YES {approval.code}") == "Allowed once: Bash git push"
        await until(lambda: WAITS in caplog.text, "it waits", 30)
        server.control("start")
        assert await answer_of(core, message) == "allowed: True"
