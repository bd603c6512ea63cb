"""The dictionary of bounded size."""

from __future__ import annotations

from channels.sms.bounded import BoundedDict


def test_the_oldest_entry_is_forgotten_beyond_the_limit() -> None:
    recent: BoundedDict[str, int] = BoundedDict(2)
    recent["a"], recent["b"], recent["a"], recent["c"] = 1, 2, 3, 4
    assert "b" not in recent
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == (3, None, 4)
    recent.forget("a")
    recent.forget("a")
    assert "a" not in recent
