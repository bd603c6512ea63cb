"""A thread that calls functions for the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from supervisor.store.threads.worker import Worker
from tests.slowness import scaled
from tests.waiting import until


@pytest.fixture
def worker() -> Iterator[Worker]:
    """Return a thread that ends with the test."""
    worker = Worker("test")
    yield worker
    worker.end()


async def test_functions_run_in_its_thread_one_after_the_other(worker: Worker) -> None:
    done: list[int] = []

    def add(number: int) -> int:
        done.append(number)
        return threading.get_ident()

    threads = await asyncio.gather(*(worker.run(lambda number=number: add(number)) for number in range(20)))  # type: ignore[misc]
    assert done == list(range(20))
    assert len(set(threads)) == 1
    assert threading.get_ident() not in threads


async def test_an_error_is_raised_where_the_result_is_awaited_and_the_thread_goes_on(worker: Worker) -> None:
    with pytest.raises(ZeroDivisionError):
        await worker.run(lambda: 1 // 0)
    assert await worker.run(lambda: 1) == 1


async def test_a_callback_gets_the_result_or_the_error_in_the_event_loop(worker: Worker) -> None:
    got: list[tuple[object, BaseException | None, int]] = []

    def done(result: object, error: BaseException | None) -> None:
        got.append((result, error, threading.get_ident()))

    worker.begin(lambda: 7, done)
    worker.begin(lambda: 1 // 0, done)
    await until(lambda: len(got) == 2, "both are told")
    assert got[0] == (7, None, threading.get_ident())
    assert got[1][0] is None
    assert isinstance(got[1][1], ZeroDivisionError)


async def test_what_was_begun_for_a_cancelled_caller_is_done(worker: Worker) -> None:
    go_on, done = threading.Event(), threading.Event()

    def long() -> None:
        assert go_on.wait(scaled(60.0))
        done.set()

    task = asyncio.create_task(worker.run(long))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    go_on.set()
    await worker.run(lambda: None)
    assert done.is_set()


def test_its_end_waits_for_what_is_queued() -> None:
    worker = Worker("test")
    assert worker.is_alive
    worker.end()
    assert not worker.is_alive
