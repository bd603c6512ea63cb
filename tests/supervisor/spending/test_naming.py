"""The names of limits: no ids of sessions, and "your" for the reader's own."""

from __future__ import annotations

import pytest

from supervisor.protocol.messages import UserId
from supervisor.spending.limits import Scope
from supervisor.spending.naming import limit_name


@pytest.mark.parametrize(
    ("scope", "key", "project", "read"),
    [
        (Scope.USER, "alice", "", "your limit of today"),
        (Scope.USER, "bob", "", "the limit of bob for today"),
        (Scope.SYSTEM, "", "", "the limit of all users together for today"),
        (Scope.SESSION, "0198-a", "site", "the limit of the session in site"),
        (Scope.SESSION, "0198-a", "", "the limit of a session"),
        (Scope.MESSAGE, "7", "", "the limit of one message"),
    ],
)
def test_limits_are_named_as_people_know_them(scope: Scope, key: str, project: str, read: str) -> None:
    assert limit_name(scope, key, UserId("alice"), project=project) == read
