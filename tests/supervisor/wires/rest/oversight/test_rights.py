"""Who may read what everybody did."""

from __future__ import annotations

import pytest

from supervisor.people.identity import Caller, Directory
from supervisor.protocol.errors import NotAllowed
from supervisor.protocol.messages import UserId
from supervisor.protocol.status import Role
from supervisor.store.records.accounts import User
from supervisor.wires.rest.oversight.rights import administrators


def test_only_administrators_and_the_operator_pass() -> None:
    directory = Directory(operator_token="o", service_token=None, jwt_secret=b"x" * 32)
    directory.replace([User(id=UserId(role.lower()), name=role, role=role) for role in Role], [])
    check = administrators(directory, "the trail")
    check(Caller(name="operator", operator=True))
    check(Caller(name="admin", user_id=UserId("admin")))
    for user_id in ("operator", "coordinator", "gone", None):
        with pytest.raises(NotAllowed, match="the trail"):
            check(Caller(name="x", user_id=UserId(user_id) if user_id else None))
