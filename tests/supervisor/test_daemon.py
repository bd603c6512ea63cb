"""The daemon's parts in one process: all are up when it says so, and none is left when it has stopped.

What takes a process of its own (locks, signals that force, agents) is in tests/e2e/life/test_daemon.py.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from supervisor.config import Audit, ClaudeCode, Config, Http, State, Supervisor
from supervisor.core.configuration import note_configuration
from supervisor.core.ready import how_to_begin
from supervisor.daemon import Daemon, main
from supervisor.protocol.errors import ConfigError, UserNotFound
from supervisor.runtime.credentials import Credentials
from supervisor.runtime.state import ADDRESSES_FILE, DATABASE_FILE, audit_seal_of
from supervisor.store import open_store, open_to_read
from supervisor.store.ports.audit import AuditEntry, AuditFilter
from supervisor.store.ports.people.sign_in import Visitor
from tests.slowness import scaled
from tests.supervisor.harness import Core
from tests.waiting import until


@pytest.fixture
def config(tmp_path: Path) -> Config:
    state = tmp_path / "state"
    state.mkdir()
    return Config(
        supervisor=Supervisor(port=0),
        http=Http(port=0),
        state=State(dir=str(state)),
        claude_code=ClaudeCode(connector="echo"),
    )


def daemon(config: Config, *, offline: bool = True, environ: Mapping[str, str] | None = None) -> Daemon:
    return Daemon(config, Credentials(config.state_dir, environ or {}), offline=offline, demo=False)


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[dict[str, Any]]:
    """Run a daemon; give what it announces, and stop it by a signal as an operator does."""
    announced = config.state_dir / ADDRESSES_FILE
    task = asyncio.create_task(daemon(config).run(), name="daemon")
    try:
        await until(lambda: announced.exists() or task.done(), "it is ready", 30)
        if task.done():
            await task
        yield json.loads(announced.read_text(encoding="utf-8"))
        os.kill(os.getpid(), signal.SIGTERM)
        assert await asyncio.wait_for(task, scaled(30)) == 0
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert not announced.exists()


async def test_when_it_is_announced_every_part_works(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    patience = scaled(30.0)
    async with running(config) as announced, httpx.AsyncClient(trust_env=False, timeout=patience) as client:
        ready = await client.get(announced["http"] + "/readyz")
        token = Path(announced["operator_token_file"]).read_text(encoding="utf-8")
        meter = await client.get(announced["http"] + "/api/admin/meter", headers={"Authorization": f"Bearer {token}"})
    assert ready.json() == {"status": "ok", "parts": {"store": "ok", "replies by socket": "ok"}}
    assert meter.json() == {"models": {}}
    assert announced["pid"] == os.getpid()
    said = capsys.readouterr().out
    assert f"xswarm is ready: services {announced['socket']}, HTTP {announced['http']}\n" in said
    assert "Nobody may use it yet: add a person with `xswarm user add`\n" in said


async def test_it_can_be_started_again_on_the_same_state(config: Config) -> None:
    for _ in range(2):
        async with running(config):
            pass
    assert [path.name for path in config.state_dir.glob("xswarm.db*")] == ["xswarm.db"]


async def configuration_entries(config: Config) -> list[AuditEntry]:
    """Return what the audit trail says of config.toml."""
    seal = audit_seal_of(Credentials(config.state_dir, {}))
    store = await open_to_read(config.state_dir / DATABASE_FILE, seal=seal, used=True)
    try:
        assert await store.audit.verify() is None
        return await store.audit.entries(after=0, limit=99, where=AuditFilter(event="config"))
    finally:
        await store.close()


async def test_a_start_with_another_configuration_is_in_the_audit_trail_without_a_value(config: Config) -> None:
    told = replace(config, channels={"sms": {"account": "AC-of-somebody"}})
    other = replace(told, audit=Audit(keep_days=30), channels={"sms": {"account": "AC-of-another"}})
    for started in (told, told, other, replace(other, channels={}), replace(other, channels={})):
        await note_configuration_of(started)
    first, second, third = await configuration_entries(config)
    assert [entry.event for entry in (first, second, third)] == ["config.read", "config.changed", "config.changed"]
    assert first.detail["tables"] == ["channels.sms", "claude_code", "http", "state", "supervisor"]
    assert second.detail["tables"] == ["audit", "channels.sms"]
    assert third.detail["tables"] == ["channels.sms"]
    assert (second.actor, second.detail["from"]) == ("supervisor", "config.toml")
    assert "somebody" not in str(first.detail)
    plain = sha256(json.dumps(["channels.sms", told.channels["sms"]]).encode()).hexdigest()
    assert not plain.startswith(first.detail["digests"]["channels.sms"]), "a guess cannot be tried without the key"


async def note_configuration_of(config: Config) -> None:
    """Note a configuration as a start of the daemon does."""
    seal = audit_seal_of(Credentials(config.state_dir, {}))
    store = await open_store(config.state_dir / DATABASE_FILE, seal=seal)
    try:
        await note_configuration(config, store.audit, store.keys, seal)
    finally:
        await store.close()


async def test_each_start_notes_the_configuration(config: Config) -> None:
    for started in (config, config, replace(config, audit=Audit(keep_days=30))):
        async with running(started):
            pass
    assert [(entry.event, entry.detail["tables"]) for entry in await configuration_entries(config)] == [
        ("config.read", ["claude_code", "http", "state", "supervisor"]),
        ("config.changed", ["audit"]),
    ]


async def test_without_a_key_it_does_not_start(config: Config) -> None:
    with pytest.raises(ConfigError, match="ANTHROPIC_API_KEY: is not set") as refused:
        await daemon(config, offline=False).run()
    assert refused.value.remedy == "set it, or start with --offline"


async def test_a_connector_that_cannot_be_used_ends_the_start(config: Config) -> None:
    broken = replace(config, claude_code=ClaudeCode(cli_path="/nowhere"))
    with pytest.raises(ConfigError, match=r"claude_code\.cli_path: there is no Claude Code at /nowhere"):
        await daemon(broken).run()


async def test_a_jwt_key_that_is_too_short_ends_the_start(config: Config) -> None:
    with pytest.raises(ConfigError, match="XSWARM_JWT_SECRET"):
        await daemon(config, environ={"XSWARM_JWT_SECRET": "short"}).run()


def test_a_channel_that_does_not_exist_is_said_before_anything_is_touched(config: Config) -> None:
    wrong = replace(config, channels={"pigeon": {}})
    with pytest.raises(ConfigError, match=r"channels\.pigeon: there is no channel 'pigeon'"):
        main(wrong, config_path=None, offline=True, demo=False)
    assert list(config.state_dir.iterdir()) == []


async def test_the_first_person_gets_a_link_in_a_terminal_and_elsewhere_the_command(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        sign_in = core.api.sign_in

        async def make_link(user_id: str) -> tuple[str, int]:
            return await sign_in.make_link(user_id, base="http://localhost:8787")

        (told,) = await how_to_begin(core.api, make_link, terminal=False)
        assert "`xswarm user link alice`" in told
        assert "#" not in told
        (told,) = await how_to_begin(core.api, make_link, terminal=True)
        assert told.startswith("Sign in as alice")
        await sign_in.redeem(told.rpartition("#")[2], Visitor())
        assert await how_to_begin(core.api, make_link, terminal=True) == []
        for user in ("alice", "bob", *(one.id for one in core.directory.users())):
            with suppress(UserNotFound):
                await core.accounts.remove_user(user)
        (told,) = await how_to_begin(core.api, make_link, terminal=True)
        assert "`xswarm user add`" in told
