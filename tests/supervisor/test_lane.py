"""A lane: what a fresh one knows."""

from __future__ import annotations

from supervisor.lane import Lane
from supervisor.protocol.messages import ProjectName


def test_a_fresh_lane_has_nothing_to_do() -> None:
    lane = Lane("s1", ProjectName("site"))
    assert (lane.waiting, lane.started, lane.starting, lane.running, lane.task) == (0, None, False, None, None)
    assert lane.writes == set()


def test_two_lanes_share_no_writes() -> None:
    assert Lane("s1", ProjectName("site")).writes is not Lane("s2", ProjectName("site")).writes
