"""Waiting returns the fact, and fails with its name."""

from __future__ import annotations

import itertools

import pytest

from tests.waiting import until, wait_until


async def test_until_returns_when_it_came_true() -> None:
    counter = itertools.count()
    await until(lambda: next(counter) == 2, "third time")
    assert next(counter) == 3


async def test_until_awaits_what_the_predicate_returns() -> None:
    counter = itertools.count()

    async def third_time() -> bool:
        return next(counter) == 2

    await until(third_time, "third time")
    assert next(counter) == 3


async def test_until_names_the_fact_that_did_not_come_true() -> None:
    with pytest.raises(AssertionError, match=r"not within 0 s: rain \(last seen: \[\]\)"):
        await until(list, "rain", timeout=0)


def test_wait_until_returns_when_it_came_true() -> None:
    counter = itertools.count()
    wait_until(lambda: next(counter) == 2, "third time")
    assert next(counter) == 3


def test_wait_until_names_the_fact_that_did_not_come_true() -> None:
    with pytest.raises(AssertionError, match=r"not within 0 s: rain \(last seen: None\)"):
        wait_until(lambda: None, "rain", timeout=0)
