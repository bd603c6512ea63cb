"""New identifiers."""

from __future__ import annotations

import time
import uuid

from supervisor.protocol.ids import uuid7


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


def test_every_random_bit_is_used() -> None:
    ids = [uuid.UUID(uuid7()).int for _ in range(1_000)]
    always = ever = ids[0] & ((1 << 80) - 1)
    for number in ids:
        always &= number
        ever |= number & ((1 << 80) - 1)
    fixed = 0x7 << 76 | 0b10 << 62  # version and variant
    assert (always, ever | 0x8 << 76 | 1 << 62) == (fixed, (1 << 80) - 1)
