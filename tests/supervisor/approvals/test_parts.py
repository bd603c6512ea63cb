"""The parts of a call: they follow each other without a gap, and of a changed file they show the changes."""

from __future__ import annotations

from dataclasses import replace

from supervisor.approvals import parts
from supervisor.protocol.messages import UserId
from tests.supervisor.approvals.test_wording import OPEN

CALL = replace(OPEN, text="x" * 2500)


def test_the_parts_follow_each_other() -> None:
    first = parts.first(CALL, "sms")
    assert (first.start, first.end, first.total, first.is_last) == (0, 240, 2500, False)
    second = parts.following(CALL, "sms", first.end)
    assert (second.start, second.end) == (240, 1240)
    last = parts.following(CALL, "sms", 2240)
    assert (last.text, last.is_last) == ("x" * 260, True)
    assert parts.following(CALL, "sms", 2500).text == ""


def test_a_part_ends_before_a_line_or_a_word() -> None:
    assert parts.first(replace(OPEN, text="x" * 200 + " " + "y" * 100), "sms").end == 200
    assert parts.first(replace(OPEN, text="x" * 190 + "\n" + "y" * 20 + " " + "z" * 100), "sms").end == 190
    assert parts.first(replace(OPEN, text="x" * 100 + " " + "y" * 200), "sms").end == 240


def test_a_mail_shows_more_than_a_text() -> None:
    assert parts.first(CALL, "mail").is_last
    assert parts.first(replace(CALL, text="x" * 30_000), "mail").end == 20_000


def test_of_a_changed_file_people_read_the_changes() -> None:
    call = replace(OPEN, text="Write a.txt\ncontent: new", diff="@@ -1,1 +1,1 @@\n-old\n+new")
    assert parts.readable(call) == "Write a.txt\n@@ -1,1 +1,1 @@\n-old\n+new"


def test_the_meta_says_who_has_read_how_far_and_where_the_call_begins_again() -> None:
    part = parts.first(CALL, "sms")
    assert part.meta("a1", UserId("bob"), "sms") == {"call": {"reader": "a1/bob/sms", "start": 0, "end": 240}}
    assert part.at_start().meta("a1", UserId("bob"), "sms")["call"]["end"] == 0
