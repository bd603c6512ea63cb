"""A field that is left out has a value of its own, which is not null."""

from __future__ import annotations

from supervisor.protocol.wire.omit import OMIT, Omit


def test_there_is_one_value_and_it_is_not_none() -> None:
    assert list(Omit) == [OMIT]
    assert OMIT is not None
