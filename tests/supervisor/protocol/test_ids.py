"""New identifiers."""

from __future__ import annotations

import itertools
import time
import uuid

import pytest

from supervisor.protocol.ids import IdMaker, uuid7


def test_an_id_is_a_uuid_of_version_7() -> None:
    for _ in range(1_000):
        parsed = uuid.UUID(text := uuid7())
        assert (parsed.version, parsed.variant, str(parsed)) == (7, uuid.RFC_4122, text)


def test_ids_differ() -> None:
    assert len({uuid7() for _ in range(20_000)}) == 20_000


def test_an_id_carries_the_millisecond_in_which_it_was_made() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(uuid7()).int >> 80
    assert before <= made <= time.time_ns() // 1_000_000


def test_ids_sort_by_the_order_in_which_they_were_made() -> None:
    ids = [uuid7() for _ in range(20_000)]
    assert ids == sorted(ids)


@pytest.mark.parametrize("step_ms", [0, -1, 1])
def test_a_clock_that_stands_still_or_goes_back_changes_no_order(step_ms: int) -> None:
    maker = IdMaker(itertools.count(1_796_000_000_000_000_000, step_ms * 1_000_000).__next__)
    ids = [maker.make() for _ in range(5_000)]
    assert ids == sorted(set(ids))
    assert {uuid.UUID(each).version for each in ids} == {7}


def test_every_random_bit_is_used() -> None:
    maker = IdMaker(itertools.count(time.time_ns(), 1_000_000).__next__)
    ids = [uuid.UUID(maker.make()).int for _ in range(1_000)]
    always = ever = ids[0] & ((1 << 80) - 1)
    for number in ids:
        always &= number
        ever |= number & ((1 << 80) - 1)
    fixed = 0x7 << 76 | 0b10 << 62  # version and variant
    assert (always, ever | 0x8 << 76 | 1 << 62) == (fixed, (1 << 80) - 1)
