"""Where the token of a chat stands, and who is refused by which close code."""

from __future__ import annotations

import time
from typing import Any

import pytest
from starlette.websockets import WebSocket

from supervisor.people.authentication import Authenticator
from supervisor.people.identity import Caller, Directory
from supervisor.protocol.errors import NotAllowed, NotAuthenticated
from supervisor.protocol.messages import UserId
from supervisor.protocol.status import Role
from supervisor.store.records.accounts import Token, User
from supervisor.wires.chat.handshake import (
    EXPIRED,
    INVALID,
    NOT_ALLOWED,
    Presented,
    identify,
    person,
    presented,
    standing,
)


def socket(query: str = "", headers: list[tuple[bytes, bytes]] | None = None, offered: str = "") -> WebSocket:
    """Return a socket whose handshake has come."""
    scope: dict[str, Any] = {
        "type": "websocket",
        "path": "/api/claude-chat/ws",
        "query_string": query.encode(),
        "headers": headers or [],
        "subprotocols": [name.strip() for name in offered.split(",")] if offered else [],
    }

    async def nothing(*_: Any) -> Any:
        raise AssertionError("nothing is sent or received")

    return WebSocket(scope, nothing, nothing)


@pytest.fixture
def directory() -> Directory:
    built = Directory(operator_token="xsw_operator", service_token="xsw_service", jwt_secret=b"k" * 32)
    built.replace([a_user("alice", Role.ADMIN), a_user("bob", Role.COORDINATOR), a_user("olga", Role.OPERATOR)], [])
    return built


def a_user(name: str, role: Role) -> User:
    return User(id=UserId(name), name=name, role=role, addresses=())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (socket("token=a.b.c"), Presented("a.b.c", in_url=True)),
        (socket(""), Presented("", in_url=True)),
        (socket("token=u", [(b"authorization", b"Bearer  h ")]), Presented("h")),
        (socket("token=u", [(b"authorization", b"Basic h")]), Presented("")),
        (socket("", [(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")]), Presented("")),
        (socket("token=u", offered="bearer, a.b.c"), Presented("a.b.c", subprotocol="bearer")),
        (socket("", offered="chat, bearer, a.b.c"), Presented("a.b.c", subprotocol="bearer")),
        (socket("", offered="bearer"), Presented("", subprotocol="bearer")),
        (socket("token=u", offered="chat"), Presented("u", in_url=True)),
        (socket("", [(b"authorization", b"Bearer h")], "bearer, a"), Presented("h", subprotocol="bearer")),
    ],
)
def test_where_the_token_stands(given: WebSocket, expected: Presented) -> None:
    assert presented(given) == expected


async def test_a_token_in_the_url_must_live_shortly(directory: Directory) -> None:
    authenticator = Authenticator(directory)
    short, _ = directory.issue_jwt(UserId("alice"), minutes=60)
    long, _ = directory.issue_jwt(UserId("alice"), minutes=61)
    assert (await identify(Presented(short, in_url=True), authenticator, query_token_seconds=3600)).user_id == "alice"
    assert (await identify(Presented(long), authenticator, query_token_seconds=3600)).user_id == "alice"
    for given in (Presented(long, in_url=True), Presented("xsw_operator", in_url=True), Presented(""), Presented("x")):
        with pytest.raises(NotAuthenticated):
            await identify(given, authenticator, query_token_seconds=3600)


def test_administrators_and_coordinators_chat(directory: Directory) -> None:
    for name in ("alice", "bob"):
        caller = Caller(name=name, user_id=UserId(name))
        assert standing(caller, directory) is None
        assert person(caller, directory).id == name


def test_others_may_not(directory: Directory) -> None:
    for caller in (
        Caller(name="olga", user_id=UserId("olga")),
        Caller(name="service"),
        Caller(name="operator", operator=True),
    ):
        assert standing(caller, directory) == NOT_ALLOWED
        with pytest.raises(NotAllowed, match="Admin access required"):
            person(caller, directory)


def test_a_revoked_token_and_a_removed_user_are_refused_for_good(directory: Directory) -> None:
    caller = Caller(name="alice", user_id=UserId("alice"), token_id=1)
    record = Token(id=1, name="alice", user_id=UserId("alice"), created_ms=0, expires_ms=None, revoked_ms=None)
    directory.replace([a_user("alice", Role.ADMIN)], [(b"x", record)])
    assert standing(caller, directory) is None
    directory.replace([a_user("alice", Role.OPERATOR)], [(b"x", record)])
    assert standing(caller, directory) == NOT_ALLOWED
    directory.replace([a_user("alice", Role.ADMIN)], [])
    assert standing(caller, directory) == INVALID
    directory.replace([], [(b"x", record)])
    assert standing(caller, directory) == INVALID


def test_an_expired_token_may_be_replaced(directory: Directory) -> None:
    """A client gives up after 4001, but with the next token of its person it may go on."""
    caller = Caller(name="alice", user_id=UserId("alice"), expires_ms=int(time.time() * 1000) - 1)
    assert standing(caller, directory) == EXPIRED
    assert EXPIRED.code == 1008


def test_the_codes_and_texts_are_those_of_the_protocol() -> None:
    assert [(why.code, why.reason) for why in (INVALID, NOT_ALLOWED)] == [
        (4001, "Invalid token"),
        (4003, "Admin access required"),
    ]
