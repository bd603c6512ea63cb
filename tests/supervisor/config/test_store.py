"""`[store]`: which addresses of a database are accepted."""

from __future__ import annotations

import pytest

from supervisor.config.store import Storage, check_store
from supervisor.protocol.errors import ConfigError


@pytest.mark.parametrize(
    "url",
    [
        "",
        "postgresql://xswarm@db.example.org/xswarm",
        "postgres://[::1]:5433/x?sslmode=verify-full",
        "postgresql://xswarm@one:5432,[::1]:5433,two/xswarm?target_session_attrs=read-write",
        "postgresql://one,two/xswarm?sslmode=require&target_session_attrs=primary",
    ],
)
def test_an_address_of_postgresql_is_accepted(url: str) -> None:
    check_store(Storage(url=url))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://xswarm:secret@db/xswarm", "must not have a password in it"),
        ("mysql://db/xswarm", "must be like postgresql://"),
        ("postgresql://db", "must be like postgresql://"),
        ("postgresql://db:99999/x", "is no URL"),
        ("postgresql://one:5432,two:x/xswarm?target_session_attrs=read-write", "is no URL"),
        ("postgresql://one,two/xswarm", "one that only reads could be taken"),
        ("postgresql://one,two/xswarm?target_session_attrs=any", "one that only reads could be taken"),
        ("xswarm.db", "must be like postgresql://"),
    ],
)
def test_another_is_refused_and_its_password_is_not_shown(url: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as refused:
        check_store(Storage(url=url))
    assert refused.value.key == "store.url"
    assert refused.value.remedy
    assert "secret" not in f"{refused.value} {refused.value.remedy}"
