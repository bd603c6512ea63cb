"""Without the programs of the sandbox no shell is offered; everything else works."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.claude_code.connector import ClaudeCodeConnector
from supervisor.models.offline.model import OfflineModel
from supervisor.protocol.conversation import Finished, ToolFinished
from supervisor.protocol.ports.checks import Standing
from tests.connectors.claude_code.support import Policy, make_connector, make_spec, opened, script, tool

NEEDED = ("bwrap", "socat")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, with links to all programs of this machine except those of the sandbox."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in [*Path("/bin").glob("*"), *Path("/usr/bin").glob("*")]:
        if program.name not in NEEDED and not (folder / program.name).exists():
            (folder / program.name).symlink_to(program)
    monkeypatch.setenv("PATH", str(folder))
    return folder


async def tried(connector: ClaudeCodeConnector, folder: Path, url: str) -> tuple[Policy, list[ToolFinished]]:
    """Let the model call Bash and Write; return the events."""
    policy = Policy()
    calls = [tool("Bash", command="touch by-shell"), tool("Write", file_path="by-tool", content="x")]
    async with opened(connector, make_spec(folder, url, policy)) as reader:
        events = await reader.ask(script({"tools": calls}, {"text": "done"}))
    assert isinstance(events[-1], Finished)
    return policy, [event for event in events if isinstance(event, ToolFinished)]


@pytest.mark.cli_process
@pytest.mark.parametrize("missing", [("socat",), NEEDED], ids=["socat", "both"])
async def test_a_required_sandbox_that_cannot_work_takes_the_shell_out_of_the_offer(
    missing: tuple[str, ...], programs: Path, tmp_path: Path
) -> None:
    for name in set(NEEDED) - set(missing):
        (programs / name).symlink_to(f"/usr/bin/{name}")
    connector = make_connector(tmp_path, sandbox="required")
    assert any(f"{' and '.join(missing)} not found" in line for line in await connector.prepare())
    async with OfflineModel() as model:
        policy, (shell, write) = await tried(connector, tmp_path, model.url)
        assert "Bash" not in model.requests[0].tools
        assert {"Read", "Write"} <= model.requests[0].tools
    assert shell.failed
    assert not write.failed
    assert [call.name for call in policy.asked] == ["Write"]
    assert [path.name for path in (tmp_path / "project").iterdir()] == ["by-tool"]


@pytest.mark.cli_process
async def test_the_doctor_says_how_to_get_the_shell_back(programs: Path, tmp_path: Path) -> None:
    by_name = {check.name: check for check in await make_connector(tmp_path, sandbox="required").examine()}
    assert by_name["shell"].status is Standing.WARNING
    assert "bwrap and socat not found" in by_name["shell"].detail
    assert "install bubblewrap and socat" in by_name["shell"].remedy
