"""What all commands of `xswarm claude` have in common: how they find the session and the daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import SESSION, Command
from tests.cli.daemon_stand_in import ALICE, DaemonStandIn


@pytest.mark.parametrize("command", ["send", "interrupt", "stop", "history", "status"])
def test_unknown_session_is_exit_code_4(daemon: DaemonStandIn, xswarm: Command, command: str) -> None:
    text = ["text"] if command == "send" else []
    outcome = xswarm("claude", command, "no-such-session", *text)
    assert (outcome.code, outcome.out) == (4, "")
    assert "Session not found: no-such-session" in outcome.err


def test_ambiguous_end_is_wrong_usage(daemon: DaemonStandIn, xswarm: Command) -> None:
    daemon.records.add_session("other-" + SESSION[-8:])
    outcome = xswarm("claude", "history", SESSION[-8:])
    assert outcome.code == 2
    assert SESSION in outcome.err


def test_environment_leads_to_another_daemon(
    daemon: DaemonStandIn, xswarm: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.delenv("XSWARM_CONFIG")
    (tmp_path / "config.toml").unlink()
    monkeypatch.setenv("SUPERVISOR_WEBSOCKET_URL", f"ws://127.0.0.1:{daemon.port}")
    assert xswarm("claude", "status").code == 5
    monkeypatch.setenv("SUPERVISOR_TOKEN", ALICE)
    assert SESSION in xswarm("claude", "status").out
