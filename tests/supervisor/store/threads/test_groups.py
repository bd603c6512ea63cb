"""Work of many callers for one connection, done in groups."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest

from supervisor.protocol.errors import StorageError
from supervisor.store.threads.groups import Failed, Groups
from supervisor.store.threads.worker import Done, Worker
from tests.slowness import scaled

Works = list[Callable[[list[int]], Any]]


class Numbers:
    """A connection with a thread: a list of numbers."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.worker = Worker("test")

    def begin(self, function: Callable[[list[int]], Any], done: Done, /) -> None:
        self.worker.begin(partial(function, self.numbers), done)


@pytest.fixture
async def numbers() -> AsyncIterator[Numbers]:
    """Return a connection that ends with the test."""
    numbers = Numbers()
    yield numbers
    numbers.worker.end()


def grouped(numbers: Numbers, *, most: int = 99, run: Callable[[list[int], Works], list[Any]] | None = None) -> Any:
    """Return groups that note their sizes, and that list."""
    sizes: list[int] = []

    def each(connection: list[int], works: Works) -> list[Any]:
        sizes.append(len(works))
        return [work(connection) for work in works]

    return Groups[list[int], list[int]](numbers, run or each, failure=lambda error: error, most=most), sizes


def add(number: int) -> Callable[[list[int]], int]:
    """Return the work that adds a number, and returns how many there are."""

    def work(numbers: list[int]) -> int:
        numbers.append(number)
        return len(numbers)

    return work


async def test_what_is_queued_in_one_turn_of_the_loop_shares_a_group(numbers: Numbers) -> None:
    groups, sizes = grouped(numbers)
    assert await asyncio.gather(*(groups.do(add(number)) for number in range(5))) == [1, 2, 3, 4, 5]
    assert sizes == [5]
    assert await groups.do(add(5)) == 6
    assert (numbers.numbers, sizes) == ([0, 1, 2, 3, 4, 5], [5, 1])


async def test_a_group_has_a_most_and_the_rest_follows(numbers: Numbers) -> None:
    groups, sizes = grouped(numbers, most=2)
    assert await asyncio.gather(*(groups.do(add(number)) for number in range(5))) == [1, 2, 3, 4, 5]
    assert sizes == [2, 2, 1]


async def test_one_that_fails_concerns_its_caller_alone(numbers: Numbers) -> None:
    def run(connection: list[int], works: Works) -> list[Any]:
        return [Failed(StorageError("the disk is full")), *(work(connection) for work in works[1:])]

    groups, _ = grouped(numbers, run=run)
    ends = await asyncio.gather(groups.do(add(1)), groups.do(add(2)), return_exceptions=True)
    assert (type(ends[0]), ends[1]) == (StorageError, 1)
    assert groups.works


async def test_a_group_that_fails_as_a_whole_fails_its_callers_and_no_later_ones(
    numbers: Numbers, caplog: pytest.LogCaptureFixture
) -> None:
    breaks = [True]

    def run(connection: list[int], works: Works) -> list[Any]:
        if breaks.pop():
            breaks.append(False)
            raise ZeroDivisionError
        return [work(connection) for work in works]

    groups, _ = grouped(numbers, run=run)
    ends = await asyncio.gather(groups.do(add(1)), groups.do(add(2)), return_exceptions=True)
    assert [type(end) for end in ends] == [ZeroDivisionError, ZeroDivisionError]
    assert "a group of 2 failed as a whole" in caplog.text
    assert await groups.do(add(3)) == 1


async def test_its_end_waits_for_what_is_queued_and_takes_no_more(numbers: Numbers) -> None:
    groups, _ = grouped(numbers)
    queued = [asyncio.create_task(groups.do(add(number))) for number in range(3)]
    await asyncio.sleep(0)
    await groups.close()
    assert numbers.numbers == [0, 1, 2]
    with pytest.raises(StorageError, match="closed"):
        await groups.do(add(3))
    assert await asyncio.gather(*queued) == [1, 2, 3]


async def test_what_waits_behind_a_group_is_refused_while_that_takes_long(numbers: Numbers) -> None:
    groups, _ = grouped(numbers)
    first = asyncio.create_task(groups.do(add(1)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # its group is on its way
    second = asyncio.create_task(groups.do(add(2)))
    await asyncio.sleep(0)
    groups.halt(StorageError("the server is away"))
    with pytest.raises(StorageError, match="away"):
        await second
    with pytest.raises(StorageError, match="away"):
        await groups.do(add(3))
    groups.halt(None)
    assert await first == 1
    assert await groups.do(add(4)) == 2


async def test_a_result_that_cannot_be_handed_over_holds_up_nobody(
    numbers: Numbers, caplog: pytest.LogCaptureFixture
) -> None:
    may_end = threading.Event()

    def run(connection: list[int], works: Works) -> list[Any]:
        assert may_end.wait(scaled(8))
        return [work(connection) for work in works]

    def orphaned(count: int) -> None:
        raise ZeroDivisionError(count)

    groups, _ = grouped(numbers, run=run)
    first = asyncio.create_task(groups.do(add(1), orphaned))
    second = asyncio.create_task(groups.do(add(2)))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    may_end.set()
    assert await asyncio.wait_for(second, scaled(8)) == 2
    assert "the result of a cancelled caller was not taken over" in caplog.text
