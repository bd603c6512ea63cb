"""REST: who a token names, and what they may see."""

from __future__ import annotations

import pytest

from tests.supervisor.wires.http.serving import Served


@pytest.mark.parametrize(
    ("user_id", "role", "oversees", "administers"),
    [("alice", "ADMIN", True, True), ("olga", "OPERATOR", True, False), ("bob", "COORDINATOR", False, False)],
)
async def test_a_person_is_told_what_their_role_shows_them(
    served: Served, user_id: str, role: str, oversees: bool, administers: bool
) -> None:
    me = (await (await served.client_of(user_id)).get("/api/me")).json()
    assert (me["user_id"], me["role"], me["signed_in"]) == (user_id, role, False)
    assert (me["oversees"], me["administers"]) == (oversees, administers)


async def test_a_service_administers_nothing_and_the_operator_does(served: Served) -> None:
    service, operator = [(await client.get("/api/me")).json() for client in (served.service, served.operator)]
    assert (service["user_id"], service["oversees"], service["administers"]) == (None, True, False)
    assert (operator["name"], operator["administers"]) == ("operator", True)
