"""`xswarm doctor` while a daemon runs: all parts healthy, and one part broken."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.process import DaemonProcess, Ended
from tests.e2e.world import World
from tests.waiting import until

pytestmark = pytest.mark.e2e


def by_name(ended: Ended) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in json.loads(ended.out)}


async def examined(daemon: DaemonProcess) -> Ended:
    """Run doctor beside a daemon; again where the daemon could not answer in the time that doctor gives it."""
    ended: list[Ended] = []

    async def is_answered() -> bool:
        ended[:] = [await daemon.xswarm("doctor", "--json")]
        return "does not answer" not in by_name(ended[0])["daemon"]["detail"]

    await until(is_answered, "the daemon answers doctor", 60.0)
    return ended[0]


async def test_a_healthy_daemon_is_exit_code_0_and_its_database_is_looked_at(tmp_path: Path) -> None:
    async with World(tmp_path, connector="echo") as world:
        await world.start()
        ended = await examined(world.daemon)
        assert ended.code == 0, ended
        checks = by_name(ended)
        assert {check["status"] for check in checks.values()} <= {"ok", "warning"}
        assert "all parts work" in checks["daemon"]["detail"]
        assert checks["database"]["detail"] == "sound, and its totals agree"
        assert checks["people"]["detail"] == "1 user, 1 with a phone or mailbox"


async def test_a_part_that_does_not_work_is_exit_code_1_and_named(tmp_path: Path) -> None:
    async with World(tmp_path, connector="echo") as world:
        world.lmtp.parent.rmdir()
        await world.start()
        ended = await examined(world.daemon)
        assert ended.code == 1, ended
        failed = [check for check in by_name(ended).values() if check["status"] == "failed"]
        assert [check["name"] for check in failed] == ["daemon"]
        assert failed[0]["detail"].endswith("these parts do not work: mail")
        assert failed[0]["remedy"]


async def test_a_late_reply_shows_in_doctor_and_queue_and_leaves_readyz_alone(tmp_path: Path) -> None:
    async with World(tmp_path, connector="echo") as world:
        await world.start()
        world.mailbox.trouble.reject_sender = "451 4.3.0 busy"
        assert await world.mail("Hello", "assistant: hello") == "250 2.0.0 OK"
        await until(lambda: any("was not sent, retry in" in line for line in world.daemon.log), "a send has failed")
        await world.daemon.stop()
        with closing(sqlite3.connect(world.daemon.state / "xswarm.db", isolation_level=None)) as database:
            assert database.execute("UPDATE outbox SET created_ms = created_ms - 3600000").rowcount == 1
        await world.start()

        checks = by_name(await examined(world.daemon))
        assert (checks["replies"]["status"], checks["daemon"]["status"]) == ("warning", "ok")
        assert "1 late" in checks["replies"]["detail"]
        assert "451" in checks["replies"]["detail"]
        listed = await world.daemon.xswarm("claude", "queue")
        assert ("late" in listed.out, "451" in listed.out) == (True, True), listed
        status, parts = await world.ready()
        assert (status, set(parts.values())) == (200, {"ok"})


@pytest.mark.cli_process
async def test_beside_a_demo_nobody_misses_a_key(tmp_path: Path) -> None:
    async with DaemonProcess(tmp_path) as demo:
        ended = await examined(demo)
        assert ended.code == 0, ended
        checks = by_name(ended)
        assert checks["model"]["status"] == checks["daemon"]["status"] == checks["database"]["status"] == "ok"
        assert checks["people"]["status"] == "ok"
