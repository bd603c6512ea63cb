"""`xswarm doctor`."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.claude_code.process.fence import NO_FENCE, ladder, probe
from tests.cli.conftest import Command

CHEAP = '[claude_code]\nconnector = "echo"\n'

UNBOXED = '[claude_code]\nsandbox = "off"\n'
"""Settings with which the best fence is chosen, whether or not the sandbox works in it."""


@pytest.fixture
def plain(config_file: Path) -> Path:
    """A configuration with a connector that needs no programs."""
    config_file.write_text(config_file.read_text(encoding="utf-8") + CHEAP, encoding="utf-8")
    return config_file


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, with links to all programs of this machine."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in [*Path("/bin").glob("*"), *Path("/usr/bin").glob("*")]:
        if not (folder / program.name).exists():
            (folder / program.name).symlink_to(program)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_every_finding_is_one_line_and_its_remedy_another(xswarm: Command, plain: Path) -> None:
    outcome = xswarm("doctor")
    lines = [line for line in outcome.out.splitlines() if not line.startswith("         -> ")]
    assert {line.split()[0] for line in lines} <= {"ok", "warning", "FAILED"}
    assert any("configuration: " in line for line in lines)


def test_json_has_the_same_findings(xswarm: Command, plain: Path) -> None:
    checks = xswarm("doctor", "--json").document
    assert all(set(check) == {"name", "status", "detail", "remedy"} for check in checks)
    assert [check["name"] for check in checks][:2] == ["python", "packages"]


def test_what_does_not_work_is_exit_code_1(xswarm: Command, plain: Path) -> None:
    plain.write_text("[nonsense]\n", encoding="utf-8")
    outcome = xswarm("doctor", "--json")
    assert outcome.code == 1
    assert outcome.document[-1]["status"] == "failed"


def test_no_secret_is_printed(xswarm: Command, plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-canary")
    outcome = xswarm("doctor")
    assert "ANTHROPIC_API_KEY is set" in outcome.out
    assert "canary" not in outcome.out + outcome.err


@pytest.mark.cli_process
def test_the_real_claude_code_is_one_of_the_findings(xswarm: Command) -> None:
    by_name = {check["name"]: check for check in xswarm("doctor", "--json").document}
    assert by_name["claude code"]["status"] == "ok"
    assert {"fence", "shell"} <= by_name.keys()


FENCES = {
    "bwrap": "sessions are fenced by bubblewrap: each has its own PID namespace and cannot see state.dir",
    "unshare": "sessions are fenced by unshare: each has its own PID namespace",
    "keeper": "sessions are fenced by a keeper process, which an agent of the same user could kill; "
    "install bubblewrap for a PID namespace",
}
"""The sentence on each fence, best first."""


@pytest.mark.cli_process
@pytest.mark.parametrize("best", FENCES)
def test_the_fence_that_is_in_force_is_said_in_a_sentence(
    best: str, xswarm: Command, config_file: Path, programs: Path
) -> None:
    names = list(FENCES)
    for better in names[: names.index(best)]:
        (programs / better).unlink(missing_ok=True)
    fence = next((fence for fence in ladder(str(programs)) if fence.name == best), None)
    if fence is None or not probe(fence, {"PATH": str(programs)}, ("true",)):
        pytest.skip(f"{best} does not work here")
    config_file.write_text(config_file.read_text(encoding="utf-8") + UNBOXED, encoding="utf-8")
    assert f"ok       fence: {FENCES[best]}\n" in xswarm("doctor").out


@pytest.mark.cli_process
def test_where_no_fence_works_that_is_a_warning_with_a_remedy(
    xswarm: Command, config_file: Path, programs: Path
) -> None:
    for missing in ("true", "unshare"):  # each fence is tried with `true`, which the shell in unshare has built in
        (programs / missing).unlink(missing_ok=True)
    config_file.write_text(config_file.read_text(encoding="utf-8") + UNBOXED, encoding="utf-8")
    lines = xswarm("doctor").out.splitlines()
    place = lines.index(f"warning  fence: {NO_FENCE.sentence}")
    assert lines[place + 1].startswith("         -> install bubblewrap or util-linux")
