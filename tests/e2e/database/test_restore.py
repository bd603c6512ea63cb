"""The restore drill: a backup of a running daemon, the machine is lost, and another daemon goes on from the copy."""

from __future__ import annotations

import shutil
import signal
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.world import ANSWER_SECONDS, World
from tests.waiting import until

pytestmark = [pytest.mark.e2e]


async def test_a_daemon_on_a_restored_backup_knows_everything_and_sends_nothing_twice(tmp_path: Path) -> None:
    async with World(tmp_path, connector="echo") as world:
        await world.start()
        assert await world.ask("good morning")
        # A reply that waits at the time of the backup, and leaves after it.
        await world.twilio_goes_down()
        assert await world.text("good evening") == 200
        await until(lambda: unsent(world) == ["pending"], "the second answer waits", ANSWER_SECONDS)
        attached = await attach(world, b"the plan of the week")
        backup = tmp_path / "backup.db"
        assert (await world.daemon.xswarm("db", "backup", str(backup))).code == 0
        known = await records(world)
        assert known["cost"][0]["cost_usd"] > 0
        await world.twilio_comes_back()
        await until(lambda: len(world.answers()) == 2, "the second answer leaves", ANSWER_SECONDS)
        assert await world.ask("good night")  # after the backup: the copy does not know it
        sent = world.answers()

        await world.daemon.stop(signal.SIGKILL)
        lost = world.daemon.state.rename(tmp_path / "lost")
        world.daemon.state.mkdir(mode=0o700)
        shutil.copy(backup, world.daemon.state / "xswarm.db")
        for folder in ("secrets", "uploads"):
            shutil.copytree(lost / folder, world.daemon.state / folder)
        await world.start()

        await until(lambda: passed_over(world), "the list of texts is read", ANSWER_SECONDS)
        await until(lambda: unsent(world) == [], "every reply is settled", ANSWER_SECONDS)
        assert world.answers() == sent
        assert await records(world) == known
        assert (await of_alice(world, "GET", attached)).content == b"the plan of the week"
        for check in (("audit", "verify"), ("db", "check")):
            done = await world.daemon.xswarm(*check)
            assert done.code == 0, done
        (dropped,) = (await world.operator("GET", "/api/admin/dropped/sms")).json()["dropped"]
        assert "after the backup" in str(dropped)
        assert await world.ask("good morning again")
        assert world.answers()[:-1] == sent


async def attach(world: World, content: bytes) -> str:
    """Store a file of alice's; return its path at the daemon."""
    path = f"/api/uploads/{uuid.uuid4()}"
    taken = await of_alice(world, "PUT", path, params={"name": "plan.txt"}, content=content)
    assert taken.status_code == 201, taken.text
    return path


async def of_alice(world: World, method: str, path: str, **more: Any) -> httpx.Response:
    """Send a request with a token of alice's."""
    made = await world.operator("POST", "/api/admin/jwt", {"user_id": "alice", "minutes": 5})
    headers = {"Authorization": f"Bearer {made.json()['token']}", "Content-Type": "application/octet-stream"}
    return await world.client.request(method, world.http + path, headers=headers, **more)


async def records(world: World) -> dict[str, Any]:
    """Return what models have cost, and the turns; the price of a text comes later than the text."""
    cost = await world.daemon.xswarm("claude", "cost", "--by", "model", "--json")
    with closing(world.database()) as database:
        turns = database.execute("SELECT id, state, lane FROM turns ORDER BY id").fetchall()
        inbox = database.execute("SELECT count(*) FROM inbox").fetchone()
    models = [row for row in cost.document["rows"] if row["input_tokens"]]
    return {"cost": models, "turns": turns, "inbox": inbox}


def passed_over(world: World) -> int:
    """Return how many texts were dropped, because they came after the backup."""
    with closing(world.database()) as database:
        return int(database.execute("SELECT count(*) FROM dropped WHERE channel = 'sms'").fetchone()[0])


def unsent(world: World) -> list[str]:
    """Return the states of the replies that have not left."""
    with closing(world.database()) as database:
        rows = database.execute("SELECT state FROM outbox WHERE state IN ('pending', 'sending')")
        return [state for (state,) in rows]
