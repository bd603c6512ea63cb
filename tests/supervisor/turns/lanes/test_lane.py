"""A lane: what a fresh one knows."""

from __future__ import annotations

from supervisor.protocol.messages import MessageId, ProjectName
from supervisor.turns.lanes.lane import Lane
from supervisor.turns.lanes.name import LaneName
from tests.supervisor.turns.turn_records import turn


def test_a_fresh_lane_has_nothing_to_do() -> None:
    lane = Lane(LaneName("s1"), ProjectName("site"))
    assert (lane.waiting, lane.started, lane.starting, lane.running, lane.task) == (0, None, False, None, None)
    assert lane.writes == set()


def test_two_lanes_share_no_writes() -> None:
    assert Lane(LaneName("s1"), ProjectName("site")).writes is not Lane(LaneName("s2"), ProjectName("site")).writes


def test_a_message_interrupts_the_turn_before_its_own_and_once() -> None:
    lane, own = Lane(LaneName("s1"), ProjectName("site")), turn(message_id=MessageId("m2"))
    assert not lane.is_cut(turn())
    lane.cut_by = own.message_id
    assert not lane.is_cut(own)
    assert lane.is_cut(turn(message_id=MessageId("m1")))
    lane.tell_cut(None)
    assert not lane.is_cut(turn(message_id=MessageId("m1")))
