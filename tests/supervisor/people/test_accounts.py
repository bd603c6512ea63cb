"""People and their credentials: what is checked, stored, put in force and audited."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from supervisor.config import ProjectConfig
from supervisor.people.accounts import MAX_EXPIRES_DAYS, MAX_JWT_MINUTES, Accounts
from supervisor.people.identity import Directory
from supervisor.people.projects import Projects
from supervisor.protocol.errors import InvalidMessage, NotAllowed, NotAuthenticated, TokenNotFound, UserNotFound
from supervisor.protocol.messages import Address, UserId
from supervisor.protocol.status import Role
from supervisor.protocol.times import DAY_MS, now_ms
from supervisor.store import SqliteStore, open_store
from supervisor.store.records.accounts import User
from tests.supervisor.harness import JWT_SECRET, OPERATOR, seal

NOW = 1_700_000_000_000


class Bench:
    """Accounts over a real store, with a clock that stands."""

    def __init__(self, store: SqliteStore) -> None:
        self.now = NOW
        self.store = store
        self.directory = self.new_directory()
        self.projects = Projects(
            {"Site": ProjectConfig(path="/srv/site"), "shop": ProjectConfig(path="/srv/shop", users=("ann",))}
        )
        self.accounts = Accounts(store.accounts, store.audit, self.directory, self.projects, self.clock)

    def clock(self) -> int:
        return self.now

    def new_directory(self) -> Directory:
        return Directory(operator_token=OPERATOR, service_token=None, jwt_secret=JWT_SECRET, clock=self.clock)

    def audited(self) -> list[tuple[str, str]]:
        """Return (actor, event) of the audit, oldest first."""
        with closing(sqlite3.connect(self.store.path)) as database:
            return list(database.execute("SELECT actor, event FROM audit ORDER BY seq"))

    async def ann(self, **more: Any) -> dict[str, Any]:
        return await self.accounts.put_user("ann", **{"name": "Ann", "role": "ADMIN", **more})


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    store = await open_store(tmp_path / "xswarm.db", seal=seal)
    yield Bench(store)
    await store.close()


@pytest.mark.requirement(31)
async def test_user_is_stored_in_force_and_audited(bench: Bench) -> None:
    shown = await bench.ann(phones=["+15550100"], emails=["Ann@Example.ORG"], projects=["site"])
    assert shown == {
        "id": "ann",
        "name": "Ann",
        "role": "ADMIN",
        "addresses": [{"kind": "sms", "value": "+15550100"}, {"kind": "mail", "value": "ann@example.org"}],
        "projects": [{"name": "Site", "origin": "database"}, {"name": "shop", "origin": "config"}],
    }
    found = bench.directory.by_address(Address(kind="mail", value="ann@example.org"))
    assert found is not None
    assert found.id == "ann"
    assert bench.audited() == [("operator", "user.put")]
    assert await bench.store.audit.verify() is None


async def test_what_is_shown_is_what_is_in_force_after_a_restart(bench: Bench) -> None:
    await bench.ann(phones=["+15550100"], projects=["shop", "Site"])
    await bench.accounts.create_token(service="hooks")
    later = Accounts(bench.store.accounts, bench.store.audit, bench.new_directory(), bench.projects)
    assert later.users() == []
    await later.reload()
    assert later.users() == bench.accounts.users()
    assert later.user("ann") == bench.accounts.user("ann")


async def test_user_is_replaced_whole(bench: Bench) -> None:
    await bench.ann(phones=["+15550100"], emails=["ann@example.org"], projects=["Site"])
    bench.now += 1
    replaced = await bench.accounts.put_user("ann", name="Ann B", role="OPERATOR", phones=["+15550101"])
    assert replaced["name"] == "Ann B"
    assert replaced["addresses"] == [{"kind": "sms", "value": "+15550101"}]
    assert bench.directory.user("ann").role is Role.OPERATOR
    assert bench.directory.user("ann").created_ms == NOW
    assert bench.directory.by_address(Address(kind="sms", value="+15550100")) is None


async def test_address_of_a_later_channel_stays(bench: Bench) -> None:
    chat = Address(kind="chat", value="ann")
    user = User(id=UserId("ann"), name="Ann", role=Role.ADMIN, addresses=(chat,))
    await bench.store.accounts.put_user(user, now_ms=NOW)
    await bench.accounts.reload()
    await bench.ann(phones=["+15550100"])
    assert bench.directory.by_address(chat) is not None


async def test_address_of_another_user_is_refused_and_changes_nothing(bench: Bench) -> None:
    await bench.ann(phones=["+15550100"])
    with pytest.raises(NotAllowed, match="belongs to another user"):
        await bench.accounts.put_user("ben", name="Ben", role="ADMIN", phones=["+15550100"])
    assert [user["id"] for user in bench.accounts.users()] == ["ann"]
    assert bench.audited() == [("operator", "user.put")]


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "a\nb"}),
        ("name", {"name": "x" * 257}),
        ("role", {"role": "admin"}),
        ("role", {"role": ""}),
        ("phones", {"phones": ["555"]}),
        ("emails", {"emails": ["ann"]}),
        ("projects", {"projects": ["nowhere"]}),
    ],
)
async def test_field_that_fails_is_named(bench: Bench, field: str, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage) as caught:
        await bench.ann(**change)
    assert caught.value.field == field
    assert bench.accounts.users() == []


@pytest.mark.parametrize("user_id", ["", ".ann", "-ann", "ann b", "a/b", "x" * 65, "änn", "ann\n"])
async def test_user_id_is_plain(bench: Bench, user_id: str) -> None:
    with pytest.raises(InvalidMessage, match="id: must match"):
        await bench.accounts.put_user(user_id, name="Ann", role="ADMIN")


async def test_removed_user_loses_addresses_and_tokens(bench: Bench) -> None:
    bench.now = now_ms()  # a JWT is checked by the machine's own clock
    await bench.ann(phones=["+15550100"])
    token = (await bench.accounts.create_token(user_id="ann"))["token"]
    jwt = (await bench.accounts.jwt("ann", minutes=5))["token"]
    assert bench.directory.caller(token).user_id == bench.directory.caller(jwt).user_id == "ann"
    await bench.accounts.remove_user("ann")
    for credential in (token, jwt):
        with pytest.raises(NotAuthenticated):
            bench.directory.caller(credential)
    assert bench.directory.by_address(Address(kind="sms", value="+15550100")) is None
    assert (await bench.accounts.tokens())[0]["revoked_at"] is not None
    with pytest.raises(UserNotFound):
        await bench.accounts.remove_user("ann")
    with pytest.raises(UserNotFound):
        bench.accounts.user("ann")


async def test_token_is_shown_once_and_stored_nowhere(bench: Bench) -> None:
    made = await bench.accounts.create_token(service="hooks", expires_days=2)
    assert made == {
        "id": made["id"],
        "token": made["token"],
        "name": "hooks",
        "user_id": None,
        "expires_at": "2023-11-16T22:13:20.000Z",
    }
    caller = bench.directory.caller(made["token"])
    assert (caller.name, caller.user_id, caller.operator) == ("hooks", None, False)
    assert made["token"] not in str(await bench.accounts.tokens())
    await bench.store.close()
    folder = bench.store.path.parent
    assert not any(made["token"].encode() in path.read_bytes() for path in folder.iterdir() if path.is_file())


async def test_token_expires(bench: Bench) -> None:
    token = (await bench.accounts.create_token(service="hooks", expires_days=1))["token"]
    bench.now += DAY_MS
    with pytest.raises(NotAuthenticated):
        bench.directory.caller(token)


@pytest.mark.requirement(7)
async def test_token_is_revoked_at_once_and_stays_listed(bench: Bench) -> None:
    made = await bench.accounts.create_token(service="hooks")
    await bench.accounts.revoke_token(str(made["id"]))
    with pytest.raises(NotAuthenticated):
        bench.directory.caller(made["token"])
    (listed,) = await bench.accounts.tokens()
    assert listed == {
        "id": made["id"],
        "name": "hooks",
        "user_id": None,
        "created_at": "2023-11-14T22:13:20.000Z",
        "expires_at": None,
        "revoked_at": "2023-11-14T22:13:20.000Z",
    }
    assert bench.audited() == [("operator", "token.created"), ("operator", "token.revoked")]


@pytest.mark.parametrize("token_id", ["", "0", "99", "-1", "one", "1.0", "٣", "9" * 30, str(2**63)])
async def test_unknown_token_is_named(bench: Bench, token_id: str) -> None:
    with pytest.raises(TokenNotFound):
        await bench.accounts.revoke_token(token_id)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "user_id"),
        ({"user_id": "ann", "service": "hooks"}, "user_id"),
        ({"service": "a b"}, "service"),
        ({"service": "hooks", "expires_days": 0}, "expires_days"),
        ({"service": "hooks", "expires_days": MAX_EXPIRES_DAYS + 1}, "expires_days"),
    ],
)
async def test_token_for_nobody_in_particular_is_refused(bench: Bench, asked: dict[str, Any], field: str) -> None:
    await bench.ann()
    with pytest.raises(InvalidMessage) as caught:
        await bench.accounts.create_token(**asked)
    assert caught.value.field == field


async def test_credentials_need_a_user(bench: Bench) -> None:
    with pytest.raises(UserNotFound):
        await bench.accounts.create_token(user_id="nobody")
    with pytest.raises(UserNotFound):
        await bench.accounts.jwt("nobody", minutes=5)


async def test_jwt_says_when_it_ends(bench: Bench) -> None:
    await bench.ann()
    made = await bench.accounts.jwt("ann", minutes=60)
    assert made["expires_at"] == "2023-11-14T23:13:20.000Z"
    for minutes in (0, MAX_JWT_MINUTES + 1):
        with pytest.raises(InvalidMessage, match="minutes"):
            await bench.accounts.jwt("ann", minutes=minutes)


async def test_question_about_nobody_is_about_the_only_user(bench: Bench) -> None:
    with pytest.raises(InvalidMessage, match="user_id: must be given: there are 0 users"):
        bench.accounts.subject(None)
    await bench.ann()
    assert bench.accounts.subject(None).id == "ann"
    await bench.accounts.put_user("ben", name="Ben", role="ADMIN")
    assert bench.accounts.subject("ben").id == "ben"
    with pytest.raises(InvalidMessage, match="there are 2 users"):
        bench.accounts.subject(None)
    with pytest.raises(UserNotFound):
        bench.accounts.subject("nobody")


async def test_changes_at_once_are_all_in_force(bench: Bench) -> None:
    async def add(number: int) -> str:
        await bench.accounts.put_user(f"user-{number}", name="User", role="ADMIN")
        return str((await bench.accounts.create_token(user_id=f"user-{number}"))["token"])

    tokens = await asyncio.gather(*(add(number) for number in range(20)))
    assert {bench.directory.caller(token).user_id for token in tokens} == {f"user-{n}" for n in range(20)}
