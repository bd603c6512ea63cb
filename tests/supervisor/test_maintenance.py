"""The admin API with no daemon: the same answers, on the same database, under the same lock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from supervisor import maintenance
from supervisor.config import Config, ProjectConfig, State
from supervisor.protocol.errors import ConfigError
from supervisor.protocol.status import Permissions
from supervisor.runtime.lock import StateLock

ALICE = {"name": "Alice", "role": "ADMIN", "phones": ["+15550100"], "emails": [], "projects": ["site"]}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    site = ProjectConfig(path=str(tmp_path), permissions=Permissions.EDIT)
    return Config(state=State(dir=str(tmp_path / "state")), projects={"site": site})


async def call(
    config: Config, method: str, path: str, body: dict[str, Any] | None = None
) -> tuple[int, dict[str, Any]]:
    return await maintenance.call(config, method, f"/api/admin{path}", body)


async def test_what_one_call_stores_the_next_one_finds(config: Config) -> None:
    assert (await call(config, "PUT", "/users/alice", ALICE))[0] == 200
    status, alice = await call(config, "GET", "/users/alice")
    assert (status, alice["name"]) == (200, "Alice")
    assert alice["addresses"] == [{"kind": "sms", "value": "+15550100"}]
    status, made = await call(config, "POST", "/tokens", {"user_id": "alice"})
    assert status == 201
    assert made["token"].startswith("xsw_")
    assert await call(config, "DELETE", "/users/alice") == (204, {})
    assert (await call(config, "GET", "/users/alice"))[0] == 404
    assert await call(config, "POST", "/check", {}) == (200, {"problems": []})


async def test_what_takes_a_daemon_is_refused_with_a_sentence(config: Config) -> None:
    for method, path, body in (("POST", "/route", {"text": "fix it"}), ("GET", "/meter", None)):
        status, answer = await call(config, method, path, body)
        assert (status, answer["code"]) == (501, "unsupported")
        assert "without a running daemon" in answer["error"]


async def test_beside_a_daemon_it_is_refused_and_touches_nothing(config: Config) -> None:
    with StateLock(config.state_dir), pytest.raises(ConfigError, match="another xswarm"):
        await call(config, "GET", "/users")
    assert not (config.state_dir / "xswarm.db").exists()


async def test_the_lock_is_free_after_a_call_even_where_it_failed(config: Config) -> None:
    config.state_dir.mkdir()
    (config.state_dir / "xswarm.db").write_bytes(b"this is no database" * 100)
    for _ in range(2):
        with pytest.raises(Exception, match=r"(?i)database"):
            await call(config, "GET", "/users")
    with StateLock(config.state_dir):
        pass
