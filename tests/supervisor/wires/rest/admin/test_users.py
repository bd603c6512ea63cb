"""Users over a real port, by the operator's token."""

from __future__ import annotations

from typing import Any

import pytest

from tests.supervisor.harness import ALICE_PHONE
from tests.supervisor.wires.http.serving import Served, refusal


async def test_user_is_put_shown_and_removed(served: Served) -> None:
    path = "/api/admin/users/zoe"
    body = {"name": "Zoe", "role": "COORDINATOR", "phones": ["+15550111"], "emails": ["Zoe@example.org"]}
    put = await served.operator.put(path, json=body | {"projects": ["vault"]})
    expected = {
        "id": "zoe",
        "name": "Zoe",
        "role": "COORDINATOR",
        "addresses": [{"kind": "sms", "value": "+15550111"}, {"kind": "mail", "value": "zoe@example.org"}],
        "projects": [{"name": "vault", "origin": "database"}],
    }
    assert (put.status_code, put.json()) == (200, expected)
    shown = (await served.operator.get(path)).json()
    assert shown | {"addresses": ()} == expected | {"addresses": ()}
    assert shown in (await served.operator.get("/api/admin/users")).json()["users"]
    removed = await served.operator.delete(path)
    assert (removed.status_code, removed.content) == (204, b"")
    missing = (404, "user_not_found", "User not found: zoe")
    assert refusal(await served.operator.delete(path)) == missing
    assert refusal(await served.operator.get(path)) == missing


@pytest.mark.parametrize(
    ("user_id", "change", "text"),
    [
        ("zoe", {"role": "BOSS"}, "role: must be one of ADMIN, COORDINATOR, OPERATOR, not 'BOSS'"),
        ("zoe", {"phones": ["5"]}, "phones: must be a number like +15550100 (E.164), not '5'"),
        ("zoe", {"phones": "+15550100"}, "phones: input should be a valid list"),
        ("zoe", {"emails": ["zoe"]}, "emails: must be a plain mail address, not 'zoe'"),
        ("zoe", {"projects": ["x"]}, "projects: must be names of [projects] in config.toml, not 'x'"),
        ("z%20e", {}, "id: must match [A-Za-z0-9][A-Za-z0-9._-]{0,63}"),
    ],
)
async def test_user_who_cannot_be_is_422(served: Served, user_id: str, change: dict[str, Any], text: str) -> None:
    body = {"name": "Zoe", "role": "ADMIN"} | change
    response = await served.operator.put(f"/api/admin/users/{user_id}", json=body)
    assert refusal(response) == (422, "invalid_message", text)


async def test_number_of_another_user_is_403(served: Served) -> None:
    body = {"name": "Zoe", "role": "ADMIN", "phones": [ALICE_PHONE]}
    response = await served.operator.put("/api/admin/users/zoe", json=body)
    assert refusal(response)[:2] == (403, "not_allowed")
