"""Who is writing or calling, and what they may act for."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.people.identity import JWT_AUDIENCE, Caller, Directory, digest, new_token
from supervisor.protocol.errors import NotAuthenticated, UserNotFound
from supervisor.protocol.messages import Address, UserId
from supervisor.protocol.status import Role
from supervisor.store.records.accounts import Token, User

OPERATOR = "xsw_operator-token"
SERVICE = "xsw_service-token"
KEY = b"k" * 32

ADA = User(id=UserId("ada"), name="Ada", role=Role.ADMIN, addresses=(Address(kind="sms", value="+15005550001"),))
BOB = User(id=UserId("bob"), name="Bob", role=Role.OPERATOR, addresses=(Address(kind="mail", value="bob@example.org"),))


class Wall:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.ms = time.time_ns() // 1_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def directory(wall: Wall) -> Directory:
    built = Directory(operator_token=OPERATOR, service_token=SERVICE, jwt_secret=KEY, clock=wall)
    built.replace([BOB, ADA], [])
    return built


def record(number: int, user_id: str | None, *, expires_ms: int | None = None, revoked_ms: int | None = None) -> Token:
    return Token(
        id=number,
        name=user_id or "webhooks",
        user_id=UserId(user_id) if user_id else None,
        created_ms=0,
        expires_ms=expires_ms,
        revoked_ms=revoked_ms,
    )


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    made = {"sub": "ada", "aud": JWT_AUDIENCE, "iat": now, "exp": now + 60} | changes
    return {name: value for name, value in made.items() if value is not None}


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


# Users.


def test_a_user_is_found_by_id_and_by_the_whole_address(directory: Directory) -> None:
    assert directory.users() == [ADA, BOB]
    assert directory.user("ada") is ADA
    assert directory.by_address(Address(kind="sms", value="+15005550001")) is ADA
    assert directory.by_address(Address(kind="mail", value="bob@example.org")) is BOB


@pytest.mark.parametrize(
    ("kind", "value"),
    [("mail", "+15005550001"), ("sms", "15005550001"), ("sms", "+1500555000"), ("sms", "+15005550001 "), ("sms", "")],
)
def test_a_part_of_an_address_is_nobodys(directory: Directory, kind: str, value: str) -> None:
    assert directory.by_address(Address(kind=kind, value=value)) is None


def test_an_unknown_user_is_named(directory: Directory) -> None:
    with pytest.raises(UserNotFound, match=r"^User not found: eve$"):
        directory.user("eve")


def test_a_removed_user_owns_no_address(directory: Directory) -> None:
    directory.replace([BOB], [])
    assert directory.by_address(ADA.addresses[0]) is None
    with pytest.raises(UserNotFound):
        directory.user("ada")


# Tokens.


def test_the_operators_token_is_the_operators(directory: Directory) -> None:
    caller = directory.caller(OPERATOR)
    assert caller == Caller(name="operator", operator=True)
    assert directory.still_valid(caller)


def test_the_service_token_of_the_environment_may_act_for_everybody_and_manages_nothing(directory: Directory) -> None:
    caller = directory.caller(SERVICE)
    assert (caller.user_id, caller.operator, caller.expires_ms) == (None, False, None)
    assert caller.may_act_for(UserId("bob"))
    assert directory.user("bob") is BOB


@pytest.mark.parametrize("service", [None, ""])
def test_no_service_token_means_that_nothing_passes_for_it(service: str | None) -> None:
    directory = Directory(operator_token=OPERATOR, service_token=service, jwt_secret=KEY)
    for token in ("", "None", "service"):
        with pytest.raises(NotAuthenticated):
            directory.caller(token)


@pytest.mark.requirement(7)
def test_a_stored_token_is_known_by_its_hash(directory: Directory) -> None:
    token = new_token()
    directory.replace([ADA], [(digest(token), record(7, "ada", expires_ms=None))])
    caller = directory.caller(token)
    assert caller == Caller(name="ada", user_id=UserId("ada"), token_id=7)
    assert caller.account == "token:7"
    assert directory.still_valid(caller)


def test_a_services_token_belongs_to_no_user(directory: Directory) -> None:
    token = new_token()
    directory.replace([ADA], [(digest(token), record(8, None))])
    assert directory.caller(token) == Caller(name="webhooks", token_id=8)


@pytest.mark.parametrize(
    "token", ["", "xsw_unknown", "a.b", "a.b.c", "a.b.c.d", "..", "\ud800", "x" * 100_000, "é.è.à"]
)
def test_an_unknown_token_is_nobodys(directory: Directory, token: str) -> None:
    with pytest.raises(NotAuthenticated, match=r"^Not authenticated$"):
        directory.caller(token)


def test_a_revoked_token_is_nobodys(directory: Directory) -> None:
    token = new_token()
    directory.replace([ADA], [(digest(token), record(7, "ada"))])
    caller = directory.caller(token)
    directory.replace([ADA], [(digest(token), record(7, "ada", revoked_ms=1))])
    assert not directory.still_valid(caller)
    with pytest.raises(NotAuthenticated):
        directory.caller(token)


def test_a_token_ends_the_moment_it_expires(directory: Directory, wall: Wall) -> None:
    token = new_token()
    directory.replace([ADA], [(digest(token), record(7, "ada", expires_ms=wall.ms + 1))])
    caller = directory.caller(token)
    wall.ms += 1
    assert not directory.still_valid(caller)
    with pytest.raises(NotAuthenticated):
        directory.caller(token)


def test_a_removed_users_token_is_nobodys(directory: Directory) -> None:
    token = new_token()
    directory.replace([ADA], [(digest(token), record(7, "ada"))])
    caller = directory.caller(token)
    directory.replace([BOB], [(digest(token), record(7, "ada"))])
    assert not directory.still_valid(caller)
    with pytest.raises(NotAuthenticated):
        directory.caller(token)


def test_a_token_that_is_stored_no_more_is_not_valid(directory: Directory) -> None:
    assert not directory.still_valid(Caller(name="ada", user_id=UserId("ada"), token_id=7))


def test_fresh_tokens_differ_and_carry_256_bits() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(token.startswith("xsw_") and len(token) == 47 for token in tokens)


# JWTs.


def test_an_issued_jwt_is_its_users(directory: Directory, wall: Wall) -> None:
    token, expires_ms = directory.issue_jwt(UserId("ada"), minutes=5)
    caller = directory.caller(token)
    assert caller == Caller(name="ada", user_id=UserId("ada"), expires_ms=expires_ms)
    assert expires_ms == wall.ms // 1000 * 1000 + 300_000
    assert directory.still_valid(caller)
    wall.ms = expires_ms
    assert not directory.still_valid(caller)


def test_a_jwt_is_issued_to_known_users_only(directory: Directory) -> None:
    with pytest.raises(UserNotFound):
        directory.issue_jwt(UserId("eve"), minutes=5)


def test_a_jwt_of_ours_made_elsewhere_is_taken(directory: Directory) -> None:
    assert directory.caller(jwt.encode(claims(), KEY, algorithm="HS256")).user_id == "ada"


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"exp": "soon"},
        {"exp": None},
        {"iat": None},
        {"iat": 99_999_999_999},
        {"nbf": 99_999_999_999},
        {"sub": None},
        {"sub": "eve"},
        {"sub": ""},
        {"sub": 7},
        {"sub": ["ada"]},
        {"aud": None},
        {"aud": "elsewhere"},
        {"aud": ["elsewhere"]},
    ],
)
def test_a_jwt_with_claims_that_do_not_fit_is_nobodys(directory: Directory, changes: dict[str, Any]) -> None:
    body = encoded(claims(**changes))
    token = jwt.PyJWS().encode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), KEY, algorithm="HS256")
    with pytest.raises(NotAuthenticated):
        directory.caller(token)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", ""])
def test_a_jwt_without_a_signature_is_nobodys(directory: Directory, algorithm: str) -> None:
    for signature in ("", "x"):
        token = f"{encoded({'alg': algorithm, 'typ': 'JWT'})}.{encoded(claims())}.{signature}"
        with pytest.raises(NotAuthenticated):
            directory.caller(token)


@pytest.mark.parametrize(("key", "algorithm"), [(b"x" * 32, "HS256"), (KEY + KEY, "HS512"), (b"x" * 48, "HS384")])
@pytest.mark.requirement(9)
def test_a_jwt_of_another_key_or_algorithm_is_nobodys(directory: Directory, key: bytes, algorithm: str) -> None:
    with pytest.raises(NotAuthenticated):
        directory.caller(jwt.encode(claims(), key, algorithm=algorithm))


def test_a_jwt_whose_body_was_changed_is_nobodys(directory: Directory) -> None:
    head, _, signature = jwt.encode(claims(), KEY, algorithm="HS256").split(".")
    with pytest.raises(NotAuthenticated):
        directory.caller(f"{head}.{encoded(claims(sub='bob'))}.{signature}")


def test_a_removed_users_jwt_is_nobodys(directory: Directory) -> None:
    token, _ = directory.issue_jwt(UserId("ada"), minutes=5)
    caller = directory.caller(token)
    directory.replace([BOB], [])
    assert not directory.still_valid(caller)
    with pytest.raises(NotAuthenticated):
        directory.caller(token)


# Acting.


def test_a_users_credential_speaks_for_that_user_alone(directory: Directory) -> None:
    caller = Caller(name="ada", user_id=UserId("ada"))
    assert caller.may_act_for(UserId("ada"))
    assert directory.user("ada") is ADA
    for other in ("bob", "eve", "ADA", ""):
        assert not caller.may_act_for(UserId(other))


def test_a_service_cannot_act_for_somebody_who_does_not_exist(directory: Directory) -> None:
    assert Caller(name="webhooks", token_id=1).may_act_for(UserId("eve"))
    with pytest.raises(UserNotFound):
        directory.user("eve")


def test_the_scope_of_external_ids_outlives_a_restart() -> None:
    assert Caller(name="operator", operator=True).account == "caller:operator"
    assert Caller(name="ada", user_id=UserId("ada"), expires_ms=1).account == "user:ada"
    assert Caller(name="operator", user_id=UserId("operator"), expires_ms=1).account == "user:operator"


def test_no_secret_shows_in_a_repr(directory: Directory) -> None:
    token = new_token()
    directory.replace([ADA], [(digest(token), record(7, "ada"))])
    shown = f"{directory!r} {directory} {directory.caller(token)!r} {directory.caller(OPERATOR)!r}"
    for secret in (OPERATOR, SERVICE, KEY.decode(), token, digest(token).hex(), repr(digest(token))):
        assert secret not in shown


@given(st.text())
def test_no_text_passes_for_a_token(text: str) -> None:
    directory = Directory(operator_token=OPERATOR, service_token=SERVICE, jwt_secret=KEY)
    directory.replace([ADA], [])
    with pytest.raises(NotAuthenticated):
        directory.caller(text)


def test_services_administrators_and_operators_oversee_what_everybody_spends(directory: Directory) -> None:
    eve = User(id=UserId("eve"), name="Eve", role=Role.COORDINATOR, addresses=())
    directory.replace([BOB, ADA, eve], [])
    overseeing = {name: directory.oversees(Caller(name=name, user_id=UserId(name))) for name in ("ada", "bob", "eve")}
    assert overseeing == {"ada": True, "bob": True, "eve": False}
    assert directory.oversees(directory.caller(SERVICE))
    assert directory.oversees(directory.caller(OPERATOR))
    directory.replace([ADA, eve], [])
    assert not directory.oversees(Caller(name="bob", user_id=UserId("bob"))), "who was removed sees nothing"
