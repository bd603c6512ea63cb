"""/healthz and /readyz over a real port."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest

from supervisor.protocol.errors import StorageError
from supervisor.store.postgres.opening import Address
from supervisor.store.postgres.store import open_postgres
from supervisor.wires.rest.health import HealthRoutes
from tests.supervisor.helpers import full_disk
from tests.supervisor.store.builders import seal
from tests.supervisor.wires.http.serving import Served


async def test_health_needs_no_token(tmp_path: Path) -> None:
    parts = {"mail": True}
    async with Served(tmp_path, parts=lambda: parts) as served:
        nobody = await served.client(None)
        assert (await nobody.get("/healthz")).json() == {"status": "ok"}
        ready = await nobody.get("/readyz")
        assert (ready.status_code, ready.json()) == (200, {"status": "ok", "parts": {"store": "ok", "mail": "ok"}})
        parts["mail"] = False
        failing = await nobody.get("/readyz")
        assert failing.status_code == 503
        assert failing.json() == {"status": "failed", "parts": {"store": "ok", "mail": "failed"}}


async def test_store_that_refuses_writes_is_not_ready_until_it_takes_them_again(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        async with full_disk(served.core):
            database = served.core.store._database
            with pytest.raises(StorageError, match="full"):
                await database.write(lambda tx: tx.execute("CREATE TABLE large AS SELECT zeroblob(1000000) AS content"))
            for _ in range(2):
                failing = await served.service.get("/readyz")
                assert (failing.status_code, failing.json()["parts"]) == (503, {"store": "failed"})
        ready = await served.service.get("/readyz")
        assert (ready.status_code, ready.json()["parts"]) == (200, {"store": "ok"})


@pytest.mark.postgres
async def test_a_server_that_does_not_answer_is_not_ready_and_nobody_waits_for_it(url: str) -> None:
    store, answers = await open_postgres(Address(url), seal=seal), threading.Event()
    held = asyncio.create_task(store._database.read(lambda _: answers.wait()))
    try:
        failing = await HealthRoutes(dict, store.works, seconds=0.05).readyz()
    finally:
        answers.set()
        await held
        await store.close()
    assert (failing.status_code, json.loads(bytes(failing.body))["parts"]) == (503, {"store": "failed"})


async def test_write_that_breaks_a_constraint_does_not_make_the_store_unready(tmp_path: Path) -> None:
    async with Served(tmp_path) as served:
        with pytest.raises(StorageError):
            await served.core.store._database.write(lambda tx: tx.execute("UPDATE node SET epoch = NULL"))
        assert (await served.service.get("/readyz")).json()["parts"] == {"store": "ok"}
