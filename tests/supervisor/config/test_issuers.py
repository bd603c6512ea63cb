"""The tables `[auth.issuers.NAME]`: what they must hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor import config
from supervisor.config.issuers import is_safe_url
from supervisor.protocol.errors import ConfigError


def load(tmp_path: Path, text: str) -> config.Config:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return config.load(path)


def test_a_secret_or_public_keys_and_relative_files_start_beside_the_config(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        """
        [auth.issuers.old]
        algorithm = "HS256"
        secret_file = "old.secret"
        [auth.issuers.sso]
        algorithm = "RS256"
        jwks_url = "https://login.example.org/jwks.json"
        issuer = "https://login.example.org"
        audience = "xswarm"
        user_claim = "preferred_username"
        [auth.issuers.lab]
        algorithm = "EdDSA"
        jwks_file = "keys/lab.json"
        """,
    )
    issuers = loaded.auth.issuers
    assert issuers["old"].secret_file == str(tmp_path / "old.secret")
    assert issuers["lab"].jwks_file == str(tmp_path / "keys" / "lab.json")
    assert (issuers["old"].user_claim, issuers["sso"].user_claim) == ("sub", "preferred_username")


@pytest.mark.parametrize(
    ("table", "key", "must"),
    [
        ("issuer = 'x'", "auth.issuers.them.algorithm", "required"),
        ("algorithm = 'none'", "auth.issuers.them.algorithm", "should be 'HS256', "),
        ("algorithm = 'HS256'", "auth.issuers.them", "HS256 needs exactly one of secret_file, and no other key"),
        (
            "algorithm = 'HS256'\njwks_file = 'x'",
            "auth.issuers.them",
            "HS256 needs exactly one of secret_file, and no other key",
        ),
        (
            "algorithm = 'RS256'\nsecret_file = 'x'",
            "auth.issuers.them",
            "RS256 needs exactly one of jwks_file, jwks_url, and no other key",
        ),
        (
            "algorithm = 'RS256'\njwks_file = 'x'\njwks_url = 'https://x.example'",
            "auth.issuers.them",
            "exactly one of jwks_file, jwks_url",
        ),
        ("algorithm = 'RS256'\njwks_url = 'http://x.example'", "auth.issuers.them.jwks_url", "must be https://HOST/"),
        ("algorithm = 'HS256'\nsecret_file = 'x'\nuser_claim = ''", "auth.issuers.them.user_claim", "a claim"),
        ("algorithm = 'HS256'\nsecret_file = 'x'\nsecret = 'y'", "auth.issuers.them.secret", "unknown key"),
    ],
)
def test_a_table_that_makes_no_sense_is_named(tmp_path: Path, table: str, key: str, must: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"[auth.issuers.them]\n{table}")
    assert caught.value.key == key
    assert must in str(caught.value)


def test_a_name_is_a_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="its name must match"):
        load(tmp_path, '[auth.issuers."a b"]\nalgorithm = "HS256"\nsecret_file = "x"')


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://login.example.org/jwks.json", True),
        ("http://127.0.0.1:8000/jwks.json", True),
        ("http://localhost/", True),
        ("http://[::1]:1/", True),
        ("http://login.example.org/", False),
        ("http://127.0.0.1.example.org/", False),
        ("https://user:password@login.example.org/", False),
        ("file:///etc/passwd", False),
        ("https://", False),
        ("https://x.example:99999/", False),
        ("", False),
    ],
)
def test_keys_come_over_a_way_that_nobody_can_change(url: str, safe: bool) -> None:
    assert is_safe_url(url) is safe
