"""Whoever waits for other nodes is called for what they tell, and now and then for everything."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from supervisor.cluster.wakeups import Wakeups
from supervisor.protocol.errors import StorageError
from supervisor.store.ports.cluster.notices import Hear, Notice, Notices, Topic
from tests.slowness import scaled
from tests.waiting import until

NEVER = 3600.0


class ToldNotices(Notices):
    """Tells what a test says."""

    def listen(self, hear: Hear) -> None:
        self.tell = hear
        hear(None)


class Looks:
    """What was looked for; the first looks fail where that is wanted."""

    def __init__(self, *errors: Exception) -> None:
        self.seen: list[Collection[str] | None] = []
        self._errors = list(errors)

    async def look(self, values: Collection[str] | None) -> None:
        self.seen.append(values)
        if self._errors:
            raise self._errors.pop(0)


async def test_notices_wake_who_waits_for_their_topic() -> None:
    notices, ended, work = ToldNotices(), Looks(), Looks()
    wakeups = Wakeups(notices, seconds=NEVER)
    wakeups.on(Topic.ENDED, ended.look)
    wakeups.on(Topic.WORK, work.look)
    wakeups.start()
    await until(lambda: ended.seen == [None] and work.seen == [None], "some may have been missed")
    notices.tell(Notice(Topic.ENDED, "m1"))
    notices.tell(Notice(Topic.ENDED, "m2"))
    notices.tell(Notice(Topic.APPROVAL, "nobody waits for it"))
    await until(lambda: len(ended.seen) == 2, "one look for both")
    assert ended.seen[1] == {"m1", "m2"}
    notices.tell(Notice(Topic.ENDED, "m3"))
    notices.tell(None)
    await until(lambda: len(ended.seen) == 3, "everything is looked for")
    assert ended.seen[2] is None
    assert work.seen == [None, None]
    await wakeups.aclose()


async def test_everything_is_looked_for_now_and_then_also_between_notices() -> None:
    notices, looks = ToldNotices(), Looks()
    wakeups = Wakeups(notices, seconds=0.05)
    wakeups.on(Topic.ENDED, looks.look)
    wakeups.start()

    async def chatter() -> None:
        while looks.seen.count(None) < 5:
            notices.tell(Notice(Topic.ENDED, "m"))
            await asyncio.sleep(0.01)

    await asyncio.wait_for(chatter(), scaled(20))
    await wakeups.aclose()


@pytest.mark.parametrize("error", [StorageError("away"), RuntimeError("broken")])
async def test_a_look_that_fails_is_made_again_for_everything(error: Exception) -> None:
    looks = Looks(error)
    wakeups = Wakeups(ToldNotices(), seconds=0.05)
    wakeups.on(Topic.ENDED, looks.look)
    wakeups.start()
    await until(lambda: len(looks.seen) >= 2, "it looks again")
    assert looks.seen[1] is None
    await wakeups.aclose()


async def test_an_outage_of_the_store_is_logged_at_its_begin_and_at_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "supervisor.cluster.wakeups")
    looks = Looks(*(StorageError("away") for _ in range(3)))
    wakeups = Wakeups(ToldNotices(), seconds=0.02)
    wakeups.on(Topic.ENDED, looks.look)
    wakeups.start()
    await until(lambda: len(looks.seen) >= 5, "it looks again")
    await wakeups.aclose()
    assert [record.getMessage() for record in caplog.records] == [
        "ended: other nodes cannot be followed: Storage failed: away",
        "ended: other nodes are followed again",
    ]


async def test_a_node_alone_looks_for_nothing() -> None:
    looks = Looks()
    wakeups = Wakeups(None, seconds=0.01)
    wakeups.on(Topic.ENDED, looks.look)
    wakeups.start()
    assert not wakeups.has_others
    await asyncio.sleep(0)
    await wakeups.aclose()
    assert looks.seen == []
