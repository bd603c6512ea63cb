"""The same state is opened with the same keys, whoever opens it."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest

from supervisor.protocol.errors import ConfigError
from supervisor.runtime.credentials import SHORTEST_SECRET, Credentials
from supervisor.runtime.state import audit_key, audit_seal, check_cluster_secret, jwt_key


def test_a_seal_is_an_hmac_over_the_seal_before_it_and_the_row() -> None:
    seal = audit_seal(b"key")
    assert seal(b"before", b"row") == hmac.new(b"key", b"beforerow", hashlib.sha256).digest()
    assert seal(b"before", b"row") != seal(b"other", b"row")
    assert seal(b"before", b"row") != audit_seal(b"other key")(b"before", b"row")


def test_the_key_of_jwts_is_the_one_that_is_given(tmp_path: Path) -> None:
    given = "s" * SHORTEST_SECRET
    assert jwt_key(Credentials(tmp_path, {"XSWARM_JWT_SECRET": given})) == given.encode()


def test_the_key_of_jwts_is_made_once_where_none_is_given(tmp_path: Path) -> None:
    made = jwt_key(Credentials(tmp_path, {}))
    assert len(made) == SHORTEST_SECRET
    assert jwt_key(Credentials(tmp_path, {})) == made


def test_a_key_that_is_too_short_is_refused_without_being_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="XSWARM_JWT_SECRET: must be at least 32 bytes") as refused:
        jwt_key(Credentials(tmp_path, {"XSWARM_JWT_SECRET": "too-short-canary"}))
    assert "canary" not in f"{refused.value} {refused.value.remedy}"


CLUSTER = {"XSWARM_CLUSTER_SECRET": "the secret that all nodes have, 32 bytes"}


def test_nodes_of_one_cluster_have_the_same_keys_and_each_purpose_its_own(tmp_path: Path) -> None:
    a, b = Credentials(tmp_path / "a", CLUSTER), Credentials(tmp_path / "b", CLUSTER)
    assert audit_key(a) == audit_key(b)
    assert jwt_key(a) == jwt_key(b)
    assert len({audit_key(a), jwt_key(a), a.shared("link"), a.shared("callbacks")}) == 4
    other = Credentials(tmp_path / "a", {"XSWARM_CLUSTER_SECRET": "another secret, with 32 bytes or more"})
    assert audit_key(other) != audit_key(a)
    assert not list(tmp_path.iterdir())


def test_a_trail_that_one_node_began_keeps_its_key_in_a_cluster(tmp_path: Path) -> None:
    begun = audit_key(Credentials(tmp_path, {}))
    assert audit_key(Credentials(tmp_path, CLUSTER)) == begun
    assert jwt_key(Credentials(tmp_path, CLUSTER)) != jwt_key(Credentials(tmp_path, {}))


def test_derived_keys_are_known_to_the_log(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path, CLUSTER)
    assert credentials.shared("link").hex() in credentials.known()
    assert CLUSTER["XSWARM_CLUSTER_SECRET"] in credentials.known()


@pytest.mark.parametrize(
    ("secret", "on_postgres", "has_link", "why"),
    [
        (CLUSTER, False, False, "SQLite serves one"),
        ({}, True, True, "node.link needs it"),
        ({"XSWARM_CLUSTER_SECRET": "canary"}, True, False, "must be at least 32 bytes"),
    ],
)
def test_a_cluster_secret_is_refused_where_it_cannot_be_right(
    tmp_path: Path, secret: dict[str, str], on_postgres: bool, has_link: bool, why: str
) -> None:
    with pytest.raises(ConfigError, match=why) as refused:
        check_cluster_secret(Credentials(tmp_path, secret), on_postgres=on_postgres, has_link=has_link)
    assert refused.value.key == "XSWARM_CLUSTER_SECRET"
    assert "canary" not in f"{refused.value} {refused.value.remedy}"


def test_a_node_alone_needs_no_cluster_secret(tmp_path: Path) -> None:
    for on_postgres in (False, True):
        check_cluster_secret(Credentials(tmp_path, {}), on_postgres=on_postgres, has_link=False)
