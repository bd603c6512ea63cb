"""No write of the `Store` port is stored of a node that was taken over, whichever method it is."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import pytest

from supervisor.store.ports.cluster.nodes import Fenced
from supervisor.store.postgres.opening import Address
from supervisor.store.postgres.store import PostgresStore, open_postgres
from supervisor.store.records.agents import AgentMessage
from supervisor.store.store import SqlStore
from tests.supervisor.store.builders import NOW, draft, end_node, engine, question, running, seal
from tests.supervisor.store.contract_calls import FINISHED, STARTED

pytestmark = pytest.mark.postgres

TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
CONTENT = "SELECT coalesce(md5(string_agg(t::TEXT, '|' ORDER BY t::TEXT)), '') FROM {table} AS t"


class Anything:
    """Stands for every value: what is refused reads none of them."""

    def __getattr__(self, name: str) -> Anything:
        return Anything()

    def __call__(self, *values: Any, **named: Any) -> Anything:
        return Anything()

    def __iter__(self) -> Iterator[Any]:
        return iter(())


ELSEWHERE = "assistant/bob/sms"

GIVEN: dict[str, dict[str, Any]] = {
    "turns.record_event": {"payload": {}},
    "tool_calls.started": {"call": STARTED},
    "tool_calls.finished": {"call": FINISHED},
    "outbox.add": {"draft": draft()},
    "elsewhere.stop": {"lane": ELSEWHERE},
    "dropped.add": {"message": {}},
    "agents.say": {"message": AgentMessage(agent="a", content="hello", kind="message", message_id=None, at_ms=NOW)},
}
"""What a method reads before it writes."""


def writes() -> Iterator[str]:
    """Return the names of the methods that write, as `part.method`."""
    parts = inspect.getsource(SqlStore.__init__).split("self.")[1:]
    yield "purge"
    for part in (text.split(" ")[0].rstrip(":") for text in parts if " = Sql" in text):
        for name, method in inspect.getmembers(_class_of(part), inspect.iscoroutinefunction):
            if "_database.write(" in inspect.getsource(method):
                yield f"{part}.{name}"


def _class_of(part: str) -> type:
    line = next(line for line in inspect.getsource(SqlStore.__init__).splitlines() if f"self.{part}" in line)
    found = inspect.getmodule(SqlStore)
    assert found is not None
    kind: type = vars(found)[line.partition(" = ")[2].partition("(")[0]]
    return kind


@pytest.fixture
async def stale(url: str) -> AsyncIterator[PostgresStore]:
    """A store that was taken over, with something under way here and something elsewhere."""
    store = await open_postgres(Address(url), seal=seal)
    await running(store, question())
    await running(store, question(lane=ELSEWHERE))
    await engine(store).write(lambda tx: tx.execute("UPDATE turns SET epoch = 0 WHERE lane = ?", (ELSEWHERE,)).rowcount)
    await end_node(store, store.epoch)
    yield store
    await store.close()


def content(url: str) -> dict[str, str]:
    """Return a digest of each table."""
    with psycopg.connect(url) as connection:
        names = [name for (name,) in connection.execute(TABLES).fetchall()]
        rows = {name: connection.execute(CONTENT.format(table=name)).fetchone() for name in names}
        return {name: row[0] for name, row in rows.items() if row is not None}


def test_the_methods_that_write_are_found() -> None:
    found = list(writes())
    assert len(found) > 60
    assert {"turns.accept", "turns.start_next", "turns.finish", "outbox.sent", "accounts.put_user"} <= set(found)


async def test_nothing_that_a_stale_node_writes_is_stored(url: str, stale: PostgresStore) -> None:
    before = content(url)
    assert [name for name in writes() if not await is_refused(stale, name)] == []
    assert content(url) == before


async def is_refused(store: PostgresStore, name: str) -> bool:
    """Call a method that writes; return whether it was fenced."""
    method: Any = store
    for part in name.split("."):
        method = getattr(method, part)
    parameters = inspect.signature(method).parameters.values()
    named = {each.name: Anything() for each in parameters if each.default is each.empty}
    named |= {key: NOW for key in named if key.endswith("_ms")} | GIVEN.get(name, {})
    try:
        await method(**named)
    except Fenced:
        return True
    return False


async def test_a_stale_node_still_reads(stale: PostgresStore) -> None:
    assert await engine(stale).read(lambda connection: connection.execute("SELECT 1").fetchone()) == (1,)
