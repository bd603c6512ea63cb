"""Options and examples that commands have in common."""

from __future__ import annotations

from cli.options import example


def test_examples_stand_on_one_line() -> None:
    assert example("xswarm a", "xswarm b") == "Example: xswarm a   xswarm b"
