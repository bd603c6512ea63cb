"""The same state is opened with the same keys, whoever opens it."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest

from supervisor.protocol.errors import ConfigError
from supervisor.runtime.credentials import Credentials
from supervisor.runtime.state import SHORTEST_SECRET, audit_seal, jwt_key


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
