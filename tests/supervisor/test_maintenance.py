"""The admin API with no daemon: the same answers, on the same database, under the same lock."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from supervisor import maintenance
from supervisor.config import Config, ProjectConfig, State
from supervisor.config.store import Storage
from supervisor.protocol.errors import ConfigError, StorageError
from supervisor.protocol.status import Permissions
from supervisor.runtime.lock import StateLock
from supervisor.runtime.state import AUDIT_SECRET, DATABASE_FILE
from supervisor.store.sqlite.migrate import migrate, released

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


# -- what only reads


def everything(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def made_older(config: Config, version: int) -> None:
    """Make a database of an older version, without rows."""
    config.state_dir.mkdir(mode=0o700)
    with closing(sqlite3.connect(config.state_dir / DATABASE_FILE, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        migrate(connection, released()[:version])


async def test_backup_check_and_audit_leave_an_older_database_as_it_is(config: Config, tmp_path: Path) -> None:
    made_older(config, 3)
    database = config.state_dir / DATABASE_FILE
    before = database.read_bytes()
    copy = tmp_path / "copy.db"
    assert (await call(config, "POST", "/backup", {"path": str(copy)}))[0] == 200
    assert await call(config, "POST", "/check") == (200, {"problems": [], "version": 3})
    assert await call(config, "GET", "/audit/verify") == (200, {"problem": None, "first": 0, "entries": 0})
    assert await call(config, "GET", "/audit/entries/0") == (200, {"entries": []})
    with pytest.raises(ConfigError, match="the database has version 3") as caught:
        await call(config, "GET", "/users")
    assert "start the daemon" in caught.value.remedy
    assert database.read_bytes() == before
    assert not list(config.state_dir.glob("*.version-*"))
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)


async def test_a_command_that_changes_data_keeps_a_copy_before_it_migrates(config: Config) -> None:
    made_older(config, 3)
    assert (await call(config, "PUT", "/users/alice", ALICE))[0] == 200
    assert (config.state_dir / f"{DATABASE_FILE}.version-3").exists()
    assert (await call(config, "GET", "/users/alice"))[1]["name"] == "Alice"


async def test_a_request_that_only_reads_raises_no_epoch(config: Config) -> None:
    await call(config, "PUT", "/users/alice", ALICE)
    before = (config.state_dir / DATABASE_FILE).read_bytes()
    for method, path in (("GET", "/users"), ("GET", "/tokens"), ("POST", "/check"), ("GET", "/audit/verify")):
        assert (await call(config, method, path))[0] == 200, path
    assert (config.state_dir / DATABASE_FILE).read_bytes() == before


@pytest.mark.parametrize("content", [b"", None])
async def test_a_lost_database_beside_its_secrets_is_not_begun_anew(config: Config, content: bytes | None) -> None:
    await call(config, "PUT", "/users/alice", ALICE)
    database = config.state_dir / DATABASE_FILE
    database.unlink()
    if content is not None:
        database.write_bytes(content)
    for method, path, body in (
        ("PUT", "/users/alice", ALICE),
        ("GET", "/users", None),
        ("GET", "/audit/verify", None),
        ("POST", "/check", None),
        ("POST", "/backup", {"path": str(config.state_dir / "copy.db")}),
    ):
        with pytest.raises(StorageError, match="belong to a database that was in use") as caught:
            await call(config, method, path, body)
        assert str(database) in str(caught.value)
    assert (database.read_bytes() if database.exists() else None) == content
    (config.state_dir / "secrets").rename(config.state_dir / "secrets.old")
    assert (await call(config, "PUT", "/users/alice", ALICE))[0] == 200


async def test_a_new_state_gets_its_database_by_the_first_request(config: Config) -> None:
    assert await call(config, "POST", "/check") == (200, {"problems": []})
    assert (config.state_dir / DATABASE_FILE).exists()
    assert await call(config, "GET", "/audit/verify") == (200, {"problem": None, "first": 0, "entries": 0})


def test_a_copy_needs_a_database_to_copy_to(config: Config) -> None:
    with pytest.raises(ConfigError, match=r"store\.url: names no PostgreSQL database to copy to"):
        maintenance.copy(config)


def test_beside_a_daemon_nothing_is_copied(config: Config) -> None:
    moving = replace(config, store=Storage(url="postgresql://xswarm@127.0.0.1:9/xswarm"))
    with StateLock(config.state_dir), pytest.raises(ConfigError, match="another xswarm"):
        maintenance.copy(moving)


# -- another secret for a cluster

OLD = {"XSWARM_CLUSTER_SECRET": "the secret that all nodes had, 32 bytes"}
NEW = {"XSWARM_CLUSTER_SECRET": "the secret that all nodes get, 32 bytes"}


def use(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


async def test_sqlite_has_no_secret_to_forget(config: Config) -> None:
    with pytest.raises(ConfigError, match=r"store\.url: names no PostgreSQL database"):
        await maintenance.forget_secret(config, lost=False)


@pytest.mark.postgres
async def test_a_cluster_gets_another_secret_and_its_audit_trail_goes_on(
    config: Config, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = replace(config, store=Storage(url=empty_url))
    b = replace(a, state=State(dir=str(config.state_dir.with_name("b"))))
    use(monkeypatch, OLD)
    assert (await call(a, "PUT", "/users/alice", ALICE))[0] == 200
    assert (await call(b, "PUT", "/users/ben", {**ALICE, "phones": []}))[0] == 200
    use(monkeypatch, NEW)
    with pytest.raises(ConfigError, match="XSWARM_CLUSTER_SECRET: is another one"):
        await call(b, "PUT", "/users/cara", {**ALICE, "phones": []})
    with pytest.raises(ConfigError, match="XSWARM_CLUSTER_SECRET: is another one"):
        await maintenance.forget_secret(b, lost=False)
    use(monkeypatch, OLD)
    for machine in (a, b):
        await maintenance.forget_secret(machine, lost=False)
        assert (machine.state_dir / "secrets" / AUDIT_SECRET).exists()
    use(monkeypatch, NEW)
    for machine, user in ((b, "cara"), (a, "dan")):
        assert (await call(machine, "PUT", f"/users/{user}", {**ALICE, "phones": []}))[0] == 200
        assert (await call(machine, "GET", "/audit/verify"))[1]["problem"] is None
    use(monkeypatch, OLD)
    with pytest.raises(ConfigError, match="XSWARM_CLUSTER_SECRET: is another one"):
        await call(a, "GET", "/users")


@pytest.mark.postgres
async def test_the_key_of_a_trail_that_was_begun_without_a_secret_counts_from_the_first_request_on(
    config: Config, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = replace(config, store=Storage(url=empty_url))
    b = replace(a, state=State(dir=str(config.state_dir.with_name("b"))))
    assert (await call(a, "PUT", "/users/alice", ALICE))[0] == 200
    use(monkeypatch, NEW)
    with pytest.raises(ConfigError, match="would seal the audit trail with another key"):
        await call(b, "PUT", "/users/ben", {**ALICE, "phones": []})


@pytest.mark.postgres
async def test_a_cluster_whose_secret_is_lost_starts_with_a_new_one(
    config: Config, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = replace(config, store=Storage(url=empty_url))
    use(monkeypatch, OLD)
    assert (await call(a, "PUT", "/users/alice", ALICE))[0] == 200
    monkeypatch.delenv("XSWARM_CLUSTER_SECRET")
    with pytest.raises(ConfigError, match="XSWARM_CLUSTER_SECRET: is not set") as refused:
        await maintenance.forget_secret(a, lost=True)
    assert refused.value.remedy == "with --lost, set the new one first"
    use(monkeypatch, NEW)
    await maintenance.forget_secret(a, lost=True)
    assert (await call(a, "GET", "/users/alice"))[0] == 200
    assert (await call(a, "GET", "/audit/verify"))[1]["problem"] is not None
