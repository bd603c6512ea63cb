"""Sign-in at another service: what counts, what is forged, and what the audit trail says of it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from supervisor.people.sign_in.backoff import FREE
from supervisor.people.sign_in.challenges import Challenges
from supervisor.people.sign_in.oidc.port import ServiceDown
from supervisor.people.sign_in.oidc.provider import Provider
from supervisor.people.sign_in.oidc.sign_in import MINUTES, OidcSignIn, Return, build
from supervisor.protocol.errors import ConfigError, InvalidMessage, NotAllowed, RateLimited
from supervisor.runtime.credentials import Credentials
from supervisor.store.ports.people.sign_in import Visitor, Way
from tests.supervisor.harness import Core
from tests.supervisor.people.sign_in.oidc.service import FakeService, signed
from tests.supervisor.people.tokens import OTHER_RSA, RSA

BASE = "http://localhost:8787"
HERE = Visitor(source="192.0.2.1", agent="Test")
NOW = int(time.time())


class Clock:
    """Seconds of the tests."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Tried:
    """A core, a service, and sign-in there."""

    def __init__(self, core: Core, service: FakeService) -> None:
        self.core = core
        self.service = service
        self.clock = Clock()
        self.oidc = self.built()

    def built(self, **more: Any) -> OidcSignIn:
        """Return sign-in with a table."""
        providers = {name: Provider(name, self.service.config(**more)) for name in ("corp", "other")}
        challenges = Challenges(self.clock, seconds=MINUTES * 60)
        return OidcSignIn(providers, self.core.directory, self.core.api.sign_in, challenges=challenges)

    async def back(self, **more: str) -> Return:
        """Go to the service and back."""
        departure = await self.oidc.start("corp", base=BASE)
        return Return(**{"mark": departure.mark, **self.service.visit(departure.url), **more})

    async def finish(self, back: Return, name: str = "corp", base: str = BASE) -> Any:
        """Sign in with what the service sent back."""
        return await self.oidc.finish(name, back, HERE, base=base)

    async def refused(self, back: Return, why: str, name: str = "corp", base: str = BASE) -> str:
        """Try it, and expect that it is refused and why the trail says so; return what the person is told."""
        with pytest.raises(NotAllowed) as caught:
            await self.finish(back, name, base)
        entries = await self.core.store.audit.entries(after=0, limit=500)
        last = [entry for entry in entries if entry.event.startswith("signin.")][-1]
        assert (last.event, last.detail["why"]) == ("signin.failed", f"oidc {name}: {why}")
        return str(caught.value)


@pytest.fixture
async def tried(tmp_path: Path) -> AsyncIterator[Tried]:
    async with Core(tmp_path) as core, FakeService() as service:
        yield Tried(core, service)


async def test_a_verified_address_signs_in(tried: Tried) -> None:
    tried.service.claims["email"] = "Alice@EXAMPLE.org"
    signed_in = await tried.finish(await tried.back())
    assert (signed_in.session.user_id, signed_in.session.way) == ("alice", Way.OIDC)
    caller = await tried.core.api.sign_in.caller(signed_in.secret)
    assert (caller.name, caller.way) == ("alice", "oidc")


@pytest.mark.parametrize("verified", [False, None, "true", 1])
async def test_an_address_that_is_not_verified_does_not_count(tried: Tried, verified: object) -> None:
    tried.service.claims["email_verified"] = verified
    told = await tried.refused(await tried.back(), "address not verified")
    assert "has not verified your mail address" in told


@pytest.mark.parametrize("email", ["nobody@example.org", "no address", "alice@example.org, bob@example.org", ""])
async def test_an_unknown_address_does_not_count(tried: Tried, email: str) -> None:
    tried.service.claims["email"] = email
    await tried.refused(await tried.back(), "unknown user" if email else "no email")


@pytest.mark.parametrize("email", ["alice@example.org", "nobody@example.org"])
async def test_failures_of_one_name_from_many_addresses_slow_it_down_user_or_not(tried: Tried, email: str) -> None:
    tried.service.claims |= {"email": email, "email_verified": False}
    for number in range(FREE + 1):
        with pytest.raises(NotAllowed):
            await tried.oidc.finish("corp", await tried.back(), Visitor(source=f"192.0.2.{number}"), base=BASE)
    with pytest.raises(RateLimited):
        await tried.oidc.finish("corp", await tried.back(), Visitor(source="192.0.2.99"), base=BASE)
    tried.service.claims |= {"email": "bob@example.org"}
    with pytest.raises(NotAllowed):
        await tried.oidc.finish("corp", await tried.back(), Visitor(source="192.0.2.99"), base=BASE)


async def test_another_claim_is_the_id_of_a_user(tried: Tried) -> None:
    tried.oidc = tried.built(user_claim="preferred_username")
    tried.service.claims = {"preferred_username": "bob"}
    assert (await tried.finish(await tried.back())).session.user_id == "bob"
    tried.service.claims = {"preferred_username": "Bob"}
    await tried.refused(await tried.back(), "unknown user")
    tried.service.claims = {"preferred_username": ["bob"]}
    await tried.refused(await tried.back(), "no preferred_username")


async def test_a_state_counts_once_in_its_browser_for_its_service_and_for_a_time(tried: Tried) -> None:
    first, second = await tried.back(), await tried.back()
    await tried.refused(Return(state=first.state, code=first.code, mark=second.mark), "state")
    await tried.refused(Return(state=first.state, code=first.code), "state")
    await tried.refused(Return(state=first.state.swapcase(), code=first.code, mark=first.mark), "state")
    await tried.refused(Return(state="", code=first.code, mark=first.mark), "state")
    await tried.refused(first, "state", name="other")
    assert not tried.service.exchanged, "the service was not asked"
    await tried.finish(first)
    await tried.refused(first, "state")
    tried.oidc._backoff.succeeded(HERE.source)
    tried.clock.now += MINUTES * 60 + 1
    await tried.refused(second, "state")


async def test_a_code_belongs_to_its_round(tried: Tried) -> None:
    first, second = await tried.back(), await tried.back()
    # PKCE: a code that somebody has read on the way is worth nothing without the verifier of its own round.
    await tried.refused(Return(state=first.state, code=second.code, mark=first.mark), "code")
    await tried.finish(third := await tried.back())
    await tried.refused(Return(state=second.state, code=third.code, mark=second.mark), "code")
    fourth = await tried.back()
    await tried.refused(fourth, "code", base="http://localhost:1")


async def test_a_service_that_says_no_is_told(tried: Tried) -> None:
    back = await tried.back(code="", error="access_denied\n")
    assert await tried.refused(back, "refused access_denied") == "Not allowed: the service has signed nobody in"
    await tried.refused(await tried.back(iss="https://evil.example"), "iss")
    assert (await tried.finish(await tried.back(iss=tried.service.issuer))).session.user_id == "alice"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"aud": "another"}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": ["another", "third"]}, "aud"),
        ({"aud": ["xswarm", "another"]}, "azp"),
        ({"aud": ["xswarm", "another"], "azp": "another"}, "azp"),
        ({"azp": "another"}, "azp"),
        ({"iss": "https://evil.example"}, "iss"),
        ({"iss": None}, "iss"),
        ({"sub": None}, "sub"),
        ({"exp": NOW - 1_000}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"iat": NOW + 100_000}, "iat"),
        ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "at_hash"),
    ],
)
async def test_a_token_with_a_wrong_claim_does_not_count(tried: Tried, claims: dict[str, Any], why: str) -> None:
    tried.service.claims |= claims
    assert "does not count" in await tried.refused(await tried.back(), why)


async def test_a_clock_that_is_a_few_minutes_off_does_no_harm(tried: Tried) -> None:
    now = int(time.time())
    tried.service.claims |= {"iat": now + 290, "exp": now + 600}
    await tried.finish(await tried.back())
    tried.service.claims |= {"iat": now - 600, "exp": now - 150, "aud": ["xswarm", "another"], "azp": "xswarm"}
    await tried.finish(await tried.back())


def unsigned(claims: dict[str, Any]) -> str:
    """Return a token with the algorithm "none"."""
    parts = [{"alg": "none", "typ": "JWT"}, claims]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


def with_public_key_as_secret(claims: dict[str, Any]) -> str:
    """Return a token that is signed with HS256, and our public key as the secret."""
    public = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "typ": "JWT", "kid": "one"}, claims)
    )
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(head + b"." + body, public)
    return b".".join([head, body, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


@pytest.mark.parametrize(
    ("sign", "why"),
    [
        (lambda claims: signed(claims, OTHER_RSA), "signature"),
        (lambda claims: signed(claims, OTHER_RSA, kid="two"), "signature"),
        (lambda claims: signed(claims)[:-8] + "AAAAAAAA", "signature"),
        (lambda claims: signed(claims, algorithm="RS384"), "algorithm"),
        (unsigned, "algorithm"),
        (with_public_key_as_secret, "algorithm"),
        (lambda claims: jwt.encode(claims, RSA, "RS256", headers={"crit": ["b64"], "b64": True}), "no JWT"),
        (lambda claims: "no token", "no JWT"),
        (lambda claims: None, "no ID token"),
        (lambda claims: {"a": "token"}, "no ID token"),
        (lambda claims: signed({**claims, "more": "x" * 20_000}), "no ID token"),
    ],
)
async def test_a_token_that_is_not_signed_as_the_table_says_does_not_count(tried: Tried, sign: Any, why: str) -> None:
    tried.service.sign = sign
    await tried.refused(await tried.back(), why)


async def test_a_service_that_does_not_work_signs_nobody_in(tried: Tried) -> None:
    back, late = await tried.back(), await tried.back()
    tried.service.token_status = 500
    with pytest.raises(ServiceDown, match="does not work now"):
        await tried.finish(back)
    await tried.service.stop()
    with pytest.raises(ServiceDown):
        await tried.finish(late)
    fresh = tried.built()
    with pytest.raises(ServiceDown):
        await fresh.start("corp", base=BASE)


async def test_who_fails_often_waits_and_locks_no_link_out(tried: Tried) -> None:
    for _ in range(FREE + 1):
        await tried.refused(Return(state="forged"), "state")
    with pytest.raises(RateLimited):
        await tried.finish(await tried.back())
    link, _ = await tried.core.api.sign_in.make_link("alice", base=BASE)
    await tried.core.api.sign_in.redeem(link.rpartition("#")[2], HERE)


async def test_a_service_that_is_not_in_the_table_is_named(tried: Tried) -> None:
    with pytest.raises(InvalidMessage, match="GET /api/auth/ways"):
        await tried.oidc.start("nowhere", base=BASE)
    assert [service.label for service in tried.oidc.services] == ["Sign in with corp", "Sign in with other"]


async def test_the_secret_comes_from_a_file_or_the_environment(tried: Tried, tmp_path: Path) -> None:
    credentials = Credentials(tmp_path, {"XSWARM_OIDC_CORP_SECRET": "from the environment"})
    build({"corp": tried.service.config()}, credentials, tried.core.directory, tried.core.api.sign_in)
    assert credentials.known() == ["from the environment"]
    missing = tried.service.config(client_secret_file=str(tmp_path / "missing"))
    with pytest.raises(ConfigError, match=r"auth\.oidc\.corp\.client_secret_file"):
        build({"corp": missing}, credentials, tried.core.directory, tried.core.api.sign_in)
