"""`[auth.oidc.NAME]`: what makes no sense is refused with its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor import config
from supervisor.config.oidc import label
from supervisor.protocol.errors import ConfigError

GOOD = {"issuer": '"https://login.example.org"', "client_id": '"xswarm"'}


def load(tmp_path: Path, name: str = "corp", **keys: str) -> config.Config:
    lines = [f"{key} = {value}" for key, value in {**GOOD, **keys}.items()]
    path = tmp_path / "config.toml"
    path.write_text(f"[auth.oidc.{name}]\n" + "\n".join(lines), encoding="utf-8")
    return config.load(path)


def test_a_service_needs_an_issuer_and_an_id(tmp_path: Path) -> None:
    table = load(tmp_path, client_secret_file='"corp.secret"', label='"Corp"').auth.oidc["corp"]
    assert table.client_secret_file == str(tmp_path / "corp.secret")
    assert (table.user_claim, table.algorithm, table.scopes) == ("email", "RS256", ("openid", "email"))
    assert label("corp", table) == "Corp"
    assert label("corp", load(tmp_path).auth.oidc["corp"]) == "Sign in with corp"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("issuer", '"http://login.example.org"'),
        ("issuer", '"https://user:password@login.example.org"'),
        ("issuer", '"https://login.example.org/?tenant=1"'),
        ("issuer", '""'),
        ("client_id", '""'),
        ("scopes", '["email"]'),
        ("scopes", '["openid email"]'),
        ("user_claim", '""'),
        ("algorithm", '"HS256"'),
        ("algorithm", '"none"'),
        ("secret", '"in the file"'),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(ConfigError, match=rf"auth\.oidc\.corp\.{key}"):
        load(tmp_path, **{key: value})


@pytest.mark.parametrize("name", ["Corp", "a-b", '"a/b"', "a" * 33])
def test_a_name_fits_into_a_url_and_a_variable(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"auth\.oidc\..*its name must match"):
        load(tmp_path, name)
