"""The three kinds of lane names."""

from __future__ import annotations

from supervisor.protocol.messages import SessionId, UserId
from supervisor.turns.lanes.name import LaneName


def test_the_three_kinds_of_lane_names_are_told_apart() -> None:
    session = LaneName.of_session(SessionId("assistant"))
    thread = LaneName.of_assistant(UserId("ada"), "sms")
    refused = LaneName.of_refused(UserId("ada"))
    assert (session, thread, refused) == ("assistant", "assistant/ada/sms", "refused/ada")
    assert [name.is_assistant for name in (session, thread, refused)] == [False, True, False]
