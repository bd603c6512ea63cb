"""The frames that a client can ask for again."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from supervisor.wires.chat.frames import Complete, Notice, Resumed, Token
from supervisor.wires.chat.rooms.log import ENTRY_BYTES, KEPT_BYTES, KEPT_SECONDS, FrameLog

FIRST = 7 << 32


def texts(log: FrameLog, after: int) -> list[str] | None:
    kept = log.after(after)
    return None if kept is None else [frame.text or "" for frame in kept]


def test_numbers_begin_at_the_first_and_grow() -> None:
    log = FrameLog(FIRST)
    assert log.last == FIRST - 1
    assert [log.keep(Token(content="a")).seq, log.passing(Resumed()).seq, log.keep(Token(content="b")).seq] == [
        FIRST,
        FIRST + 1,
        FIRST + 2,
    ]
    assert json.loads(log.after(FIRST + 1)[0].data) == {"type": "token", "content": "b", "seq": FIRST + 2}  # type: ignore[index]


def test_what_came_after_a_number_is_replayed_without_what_passed() -> None:
    log = FrameLog(FIRST)
    for text in "abc":
        log.keep(Token(content=text))
        log.passing(Notice(message="x"))
    assert texts(log, FIRST - 1) == ["a", "b", "c"]
    assert texts(log, FIRST) == ["b", "c"]
    assert texts(log, FIRST + 1) == ["b", "c"]
    assert texts(log, log.last) == []


def test_a_number_of_another_time_is_not_known() -> None:
    log = FrameLog(FIRST)
    log.keep(Token(content="a"))
    assert log.after(FIRST - 2) is None
    assert log.after(0) is None
    assert log.after(log.last + 1) is None


def test_an_empty_log_has_missed_nothing() -> None:
    assert FrameLog(FIRST).after(FIRST - 1) == []


def test_frames_are_kept_for_ten_minutes_after_the_end_of_their_answer() -> None:
    log = FrameLog(FIRST)
    log.answer_ended(log.keep(Token(content="a")), 100.0)
    second = log.keep(Token(content="b"))
    log.forget(100.0 + KEPT_SECONDS - 1)
    assert texts(log, FIRST - 1) == ["a", "b"]
    log.forget(100.0 + KEPT_SECONDS)
    assert log.after(FIRST - 1) is None
    assert texts(log, FIRST) == ["b"]
    log.forget(10**9)
    assert texts(log, FIRST) == ["b"]  # its answer has not ended
    log.answer_ended(second, 10**9)
    log.forget(10**9 + KEPT_SECONDS)
    assert (log.size, log.after(FIRST), texts(log, log.last)) == (0, None, [])


def test_at_most_one_mebibyte_is_kept() -> None:
    log = FrameLog(FIRST)
    for _ in range(3000):
        log.keep(Token(content="x" * 1000))
    assert KEPT_BYTES - 2000 < log.size <= KEPT_BYTES
    kept = log.after(log.floor)
    assert kept is not None
    assert kept[0].seq == log.floor + 1
    assert log.after(log.floor - 1) is None


def test_an_end_outlives_the_frames_of_its_answer() -> None:
    log = FrameLog(FIRST, most_bytes=500)
    end = log.keep(Complete(usage={}, cost_usd=None, message_ids=["m1", "m2"]))
    log.answer_ended(end, 0.0)
    log.keep(Token(content="x" * 400))
    assert log.after(FIRST - 1) is None
    assert (log.ends(FIRST - 1, log.last), log.ends(FIRST, log.last)) == ([end], [])
    assert (log.ended_after(FIRST - 1), log.ended_after(FIRST)) == ({"m1", "m2"}, set())
    log.forget(KEPT_SECONDS)
    assert log.ends(FIRST - 1, log.last) == []


def test_a_frame_that_is_larger_than_all_is_sent_and_not_kept() -> None:
    log = FrameLog(FIRST, most_bytes=100)
    log.keep(Token(content="a"))
    huge = log.keep(Token(content="x" * 1000))
    assert len(huge.data) > 1000
    assert (log.size, log.floor) == (0, huge.seq)


@given(
    st.lists(st.sampled_from(["keep", "pass", "end", "forget"]), max_size=60),
    st.integers(1, 20),
)
def test_a_replay_is_whole_or_refused(steps: list[str], room: int) -> None:
    log = FrameLog(FIRST, most_bytes=room * (ENTRY_BYTES + 60))
    sent: list[int] = []
    now = 0.0
    for step in steps:
        match step:
            case "keep":
                sent.append(log.keep(Token(content="x")).seq)
            case "pass":
                log.passing(Resumed())
            case "end":
                log.answer_ended(log.passing(Resumed()), now)
            case _:
                now += KEPT_SECONDS / 2
                log.forget(now)
    for after in range(FIRST - 2, log.last + 2):
        kept = log.after(after)
        if kept is not None:
            assert [frame.seq for frame in kept] == [seq for seq in sent if seq > after]
    assert log.after(log.last) is not None
    assert log.after(log.floor) is not None
