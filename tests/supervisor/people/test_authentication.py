"""Who a token belongs to, ours or a foreign one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from supervisor.config import IssuerConfig
from supervisor.people import issuers
from supervisor.people.authentication import Authenticator
from supervisor.people.identity import Directory
from supervisor.protocol.errors import NotAuthenticated
from supervisor.protocol.messages import UserId
from supervisor.protocol.status import Role
from supervisor.runtime.credentials import Credentials
from supervisor.store.records.accounts import User
from tests.supervisor.people.tokens import SECRET, signed

HOUR = 3600.0


@pytest.fixture
def directory() -> Directory:
    built = Directory(operator_token="xsw_operator", service_token=None, jwt_secret=b"k" * 32)
    built.replace([User(id=UserId("alice"), name="Alice", role=Role.ADMIN, addresses=())], [])
    return built


@pytest.fixture
def authenticator(directory: Directory, tmp_path: Path) -> Authenticator:
    (tmp_path / "secret").write_bytes(SECRET)
    table = IssuerConfig(algorithm="HS256", secret_file=str(tmp_path / "secret"))
    return Authenticator(directory, issuers.build({"them": table}, Credentials(tmp_path, {})))


async def test_our_tokens_are_known_first(authenticator: Authenticator, directory: Directory) -> None:
    assert (await authenticator.caller("xsw_operator")).operator
    ours, _ = directory.issue_jwt(UserId("alice"), minutes=5)
    assert (await authenticator.caller(ours)).user_id == "alice"
    assert (await authenticator.query_caller(ours, longest_seconds=HOUR)).user_id == "alice"


async def test_a_foreign_token_is_that_of_its_user_until_it_expires(
    authenticator: Authenticator, directory: Directory
) -> None:
    expires = int(time.time()) + 60
    caller = await authenticator.caller(signed(exp=expires))
    assert (caller.name, caller.user_id, caller.operator, caller.expires_ms) == (
        "alice",
        "alice",
        False,
        expires * 1000,
    )
    assert directory.still_valid(caller)
    assert caller.account == "user:alice"
    directory.replace([], [])
    assert not directory.still_valid(caller)


async def test_the_user_of_a_foreign_token_must_exist(authenticator: Authenticator) -> None:
    for user in ("mallory", "Alice", "alice "):
        with pytest.raises(NotAuthenticated):
            await authenticator.caller(signed(sub=user))


@pytest.mark.parametrize(
    ("more", "fits"),
    [
        ({}, True),
        ({"iat": int(time.time()) - 600, "exp": int(time.time()) + 3000}, True),
        ({"iat": int(time.time()) - 600, "exp": int(time.time()) + 3001}, False),
        ({"iat": None}, False),
        ({"iat": "now"}, False),
        # A time of issue in the future would make a long life look short.
        ({"iat": int(time.time()) + 10**6, "exp": int(time.time()) + 10**6 + 60}, False),
    ],
)
@pytest.mark.requirement(5)
async def test_in_a_url_a_token_must_be_known_to_live_shortly(
    authenticator: Authenticator, more: dict[str, Any], fits: bool
) -> None:
    token = signed(**more)
    if fits:
        assert (await authenticator.query_caller(token, longest_seconds=HOUR)).user_id == "alice"
    else:
        with pytest.raises(NotAuthenticated):
            await authenticator.query_caller(token, longest_seconds=HOUR)


async def test_a_stored_token_is_none_for_a_url(authenticator: Authenticator) -> None:
    with pytest.raises(NotAuthenticated):
        await authenticator.query_caller("xsw_operator", longest_seconds=HOUR)


async def test_without_issuers_only_our_tokens_count(directory: Directory) -> None:
    with pytest.raises(NotAuthenticated):
        await Authenticator(directory).caller(signed())
