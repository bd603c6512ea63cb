from __future__ import annotations

from connectors.remote.backoff import Backoff


def test_the_step_doubles_from_half_a_second_to_thirty() -> None:
    steps = [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]
    for attempt, step in enumerate(steps):
        delays = [Backoff().delay(attempt) for _ in range(50)]
        assert all(step / 2 <= delay <= step for delay in delays)


def test_the_delays_of_many_clients_spread_out() -> None:
    assert len({Backoff().delay(3) for _ in range(50)}) > 10
