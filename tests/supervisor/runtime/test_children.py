"""A child task that fails is started again; one that keeps failing is given up, alone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from supervisor.protocol.errors import ConfigError, TemporaryFailure
from supervisor.runtime.children import Child, Health
from tests.slowness import scaled
from tests.waiting import until

SOON = 0.001
NEVER = 3600.0


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


class Body:
    """A task's body that fails as often as it is told, then serves."""

    def __init__(self, *failures: Exception | None) -> None:
        self.failures = list(failures)
        self.starts = 0
        self.ended = 0

    async def __call__(self, ready: Callable[[], None]) -> None:
        self.starts += 1
        try:
            if self.failures:
                failure = self.failures.pop(0)
                if failure is not None:
                    raise failure
                return
            ready()
            await forever()
        finally:
            self.ended += 1


async def test_a_child_that_is_ready_is_ok() -> None:
    body = Body()
    child = Child("mail", body)
    assert child.health is Health.STARTING
    child.start()
    await child.settled(10.0)
    assert (child.health, child.why) == (Health.OK, "")
    await child.aclose()
    assert (body.starts, body.ended) == (1, 1)


async def test_a_child_that_fails_is_started_again_until_it_works(caplog: pytest.LogCaptureFixture) -> None:
    body = Body(OSError("no route"), OSError("no route"), OSError("no route"))
    child = Child("mail", body, first_pause=SOON)
    with caplog.at_level(logging.INFO):
        child.start()
        await until(lambda: child.health is Health.OK, "it works")
    assert body.starts == 4
    assert child.why == ""
    assert caplog.text.count("mail failed") == 1  # once when it breaks
    assert caplog.text.count("mail works again") == 1  # once when it recovers
    await child.aclose()


async def test_a_child_that_ends_by_itself_is_started_again() -> None:
    body = Body(None)
    child = Child("mail", body, first_pause=SOON)
    child.start()
    await until(lambda: child.health is Health.OK, "it works")
    assert body.starts == 2
    await child.aclose()


async def test_a_child_that_is_not_working_says_why() -> None:
    child = Child("mail", Body(OSError("no route")), first_pause=NEVER)
    child.start()
    await child.settled(10.0)
    assert (child.health, child.why) == (Health.FAILING, "OSError: no route")
    await child.aclose()


async def test_the_pauses_double_up_to_the_longest(caplog: pytest.LogCaptureFixture) -> None:
    body = Body(*[OSError("no route")] * 5)
    child = Child("mail", body, first_pause=0.01, longest_pause=0.03)
    child.start()
    await until(lambda: child.health is Health.OK, "it works")
    pauses = [record.args[1] for record in caplog.records if isinstance(record.args, tuple) and len(record.args) == 3]
    assert pauses == [0.01, 0.02, 0.03, 0.03, 0.03]
    await child.aclose()


async def test_a_child_that_keeps_failing_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    body = Body(*[OSError("no route")] * 100)
    child = Child("mail", body, first_pause=SOON, longest_pause=SOON, most=3)
    child.start()
    await until(lambda: child.health is Health.FAILED, "it is given up")
    assert body.starts == 4
    assert child.why == "OSError: no route"
    assert "mail has failed too often and is not restarted: OSError: no route" in caplog.text
    await child.aclose()


async def test_failures_long_ago_do_not_count() -> None:
    body = Body(*[OSError("no route")] * 20)
    child = Child("mail", body, first_pause=SOON, longest_pause=SOON, most=3, window=0.0)
    child.start()
    await until(lambda: child.health is Health.OK, "it works")
    assert body.starts == 21
    await child.aclose()


async def test_a_wrong_configuration_is_given_up_at_once(caplog: pytest.LogCaptureFixture) -> None:
    body = Body(ConfigError("channels.mail.lmtp.port", "must be free"))
    child = Child("mail", body, first_pause=SOON)
    child.start()
    await child.settled(10.0)
    assert (child.health, child.why) == (Health.FAILED, "channels.mail.lmtp.port: must be free")
    assert body.starts == 1
    await child.aclose()


async def test_a_foreseen_failure_is_a_sentence_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    child = Child("mail", Body(TemporaryFailure("channels.mail.lmtp: cannot listen")), first_pause=SOON)
    child.start()
    await until(lambda: child.health is Health.OK, "it works")
    assert "channels.mail.lmtp: cannot listen" in caplog.text
    assert not any(record.exc_info for record in caplog.records)
    await child.aclose()


async def test_a_child_whose_own_task_was_cancelled_is_started_again() -> None:
    starts = 0

    async def run(ready: Callable[[], None]) -> None:
        nonlocal starts
        starts += 1
        inner = asyncio.create_task(forever(), name="inner")
        if starts == 1:
            inner.cancel()
            await inner
        ready()
        try:
            await inner
        finally:
            inner.cancel()

    child = Child("mail", run, first_pause=SOON)
    child.start()
    await until(lambda: child.health is Health.OK, "it works")
    assert starts == 2
    await child.aclose()


async def test_one_child_that_fails_leaves_the_others_alone() -> None:
    broken = Child("sms", Body(ConfigError("x", "y")))
    working = Child("mail", Body())
    for child in (broken, working):
        child.start()
    await asyncio.gather(broken.settled(10.0), working.settled(10.0))
    assert (broken.health, working.health) == (Health.FAILED, Health.OK)
    await asyncio.gather(broken.aclose(), working.aclose())


async def test_waiting_for_a_child_ends_after_its_time(caplog: pytest.LogCaptureFixture) -> None:
    async def slow(ready: Callable[[], None]) -> None:
        await forever()

    child = Child("mail", slow)
    child.start()
    await child.settled(0.0)
    assert child.health is Health.STARTING
    assert "mail is not ready after 0 s" in caplog.text
    await child.aclose()


async def test_closing_ends_a_child_that_is_waiting_to_be_started_again() -> None:
    body = Body(OSError("no route"))
    child = Child("mail", body, first_pause=NEVER)
    child.start()
    await child.settled(10.0)
    await child.aclose()
    await child.aclose()
    assert body.starts == 1


async def test_a_child_that_was_never_started_may_be_closed() -> None:
    await Child("mail", Body()).aclose()


async def test_a_child_whose_clean_up_fails_is_closed_all_the_same() -> None:
    async def run(ready: Callable[[], None]) -> None:
        ready()
        try:
            await asyncio.Event().wait()
        finally:
            raise TemporaryFailure("the connection broke while it was closed")

    child = Child("x", run, first_pause=0.0)
    child.start()
    await child.settled(10.0)
    await asyncio.wait_for(child.aclose(), scaled(10.0))
