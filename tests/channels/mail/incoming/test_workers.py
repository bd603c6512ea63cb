"""The threads that work on mails."""

from __future__ import annotations

import asyncio
import threading

import pytest

from channels.mail.incoming.workers import THREADS, MailWorkers
from supervisor.protocol.errors import TemporaryFailure


async def test_result_and_error_of_the_work_are_passed_on() -> None:
    workers = MailWorkers()
    assert await workers.run(divmod, 7, 3) == (2, 1)
    with pytest.raises(ZeroDivisionError):
        await workers.run(divmod, 7, 0)


async def test_work_without_end_is_given_up_and_occupies_no_thread_of_others() -> None:
    workers, release = MailWorkers(seconds=0.05), threading.Event()
    try:
        stuck = [workers.run(release.wait) for _ in range(2 * THREADS)]
        ended = await asyncio.gather(*stuck, return_exceptions=True)
        assert [type(error) for error in ended] == [TemporaryFailure] * len(stuck)
        assert await asyncio.to_thread(divmod, 7, 3) == (2, 1)
    finally:
        release.set()
